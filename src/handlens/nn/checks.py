"""Rules for arguments: each says in one line the argument, the rule and what it got."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NoReturn

from handlens.errors import SpecError, did_you_mean


def refuse(owner: object, name: str, value: object, expected: str) -> NoReturn:
    """Raise the SpecError of an argument that breaks its rule."""
    raise SpecError(f"{name} is {value!r}", where=type(owner).__name__, expected=expected)


def whole(owner: object, name: str, value: Any, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        refuse(owner, name, value, f"a whole number of at least {least}")
    return value


def pair(owner: object, name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """One whole number for both sides of an image, or two: rows, columns."""
    both = (value, value) if isinstance(value, int) else value
    if not isinstance(both, tuple | list) or len(both) != 2:
        refuse(owner, name, value, "a whole number or a pair of them")
    return whole(owner, name, both[0], least), whole(owner, name, both[1], least)


def number(
    owner: object, name: str, value: Any, low: float = -math.inf, high: float = math.inf, *, open_: str = ""
) -> float:
    """A finite number in `[low, high]`; `open_` is "low" or "high" where that end is excluded."""
    excluded = {"": None, "low": low, "high": high}[open_]
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    good = good and low <= value <= high and value != excluded
    if not good:
        left = f"above {low:g}" if open_ == "low" else f"of at least {low:g}"
        right = f"below {high:g}" if open_ == "high" else f"of at most {high:g}"
        rule = [left] * (low > -math.inf) + [right] * (high < math.inf)
        refuse(owner, name, value, " ".join(["a number", " and ".join(rule)]).strip())
    return float(value)


def flag(owner: object, name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        refuse(owner, name, value, "True or False")
    return value


def choice(owner: object, name: str, value: Any, known: Iterable[str]) -> str:
    """One of the `known` names, else a SpecError that points to the nearest."""
    known = tuple(known)
    if not isinstance(value, str) or value not in known:
        raise SpecError(
            f"{name} {value!r} is unknown",
            where=type(owner).__name__,
            remedy=did_you_mean(str(value), known),
        )
    return value
