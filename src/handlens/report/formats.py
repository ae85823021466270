"""Numbers as people read them: the same digits down a column, units in the header."""

from __future__ import annotations

import math
from collections.abc import Sequence

from handlens.evaluate import Interval

MISSING = "–"


def percent(share: float | None, digits: int = 1) -> str:
    """A share (0-1) in percent, without the sign: `97.31`; a dash for None."""
    return MISSING if share is None else f"{100 * share:.{digits}f}"


def percent_digits(intervals: Sequence[Interval | None]) -> int:
    """Digits after the point that intervals (shares) justify: 2 if any is narrower than one point, else 1."""
    widths = [100 * (i.high - i.low) for i in intervals if i is not None and i.high > i.low]
    return 2 if widths and min(widths) < 1 else 1


def spread(interval: Interval | None, digits: int = 1) -> str:
    """Both ends in percent: `96.98–97.63`; nothing for None."""
    if interval is None:
        return ""
    return f"{percent(interval.low, digits)}–{percent(interval.high, digits)}"


def whole(n: float | None) -> str:
    """A count with thousands separated: `545,810`; a dash for None."""
    return MISSING if n is None else f"{n:,.0f}"


def column(values: Sequence[float | None], *, significant: int = 3, most: int = 2) -> list[str]:
    """Values with the same number of decimals, so many that the largest shows `significant` digits.

    Never more than `most` decimals. A value above zero that would print as zero is shown as below the
    smallest step (`<0.1`); None as a dash.
    """
    known = [abs(v) for v in values if v is not None]
    top = max(known, default=0.0)
    before = math.floor(math.log10(top)) + 1 if top > 0 else 1
    decimals = min(most, max(0, significant - before))
    step = 10.0**-decimals

    def shown(value: float | None) -> str:
        if value is None:
            return MISSING
        if 0 < value < step / 2:
            return f"<{step:.{decimals}f}"
        return f"{value:,.{decimals}f}"

    return [shown(v) for v in values]


def joined(names: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def times(n: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def plural(n: int, one: str, many: str = "") -> str:
    """`1 replicate`, `3 replicates`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """`under a second`, `40 s`, `6 min`, `2 h 10 min`: no more digits than it is worth."""
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    return f"{hours} h {rest} min" if rest and hours < 10 else f"{round(minutes / 60)} h"
