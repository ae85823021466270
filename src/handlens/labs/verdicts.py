"""What may be said of a published figure and of trainings that were to reproduce it.

Both sides are uncertain. A published accuracy p on n test images has the binomial variance p (1 - p) / n and
that of its seed; one printed run says nothing about its seeds, so their spread s is taken from our own
replicates. What is obtained has its own 95 % interval. The difference of the two has the margin

    margin^2 = z^2 p (1 - p) / n  +  t^2 s^2 / runs  +  half^2

with z the normal's 97.5 % point, t Student's for the runs that s was found from, half the half-width of the
obtained interval. Where both tested on the same images the first term counts them twice: the margin is then
too wide rather than too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from handlens.evaluate import Interval

Kind = Literal["agrees", "better", "worse", "cannot tell"]
TELLING = 1 / 3  # of the published error: a wider margin would let almost any figure agree
NORMAL = 1.959963984540054


@dataclass(frozen=True)
class Figure:
    """A published share of right answers, or F1 (0-1).

    Attributes:
        images: test images it was taken on.
        runs: trainings that it is the mean of; `deviation` over them (of the population), where printed.
    """

    value: float
    images: int
    runs: int = 1
    deviation: float | None = None


@dataclass(frozen=True)
class Verdict:
    """`margin`: the difference up to which the two may be the same (95 %); None: not known.

    `more` says that further replicates of ours could settle it.
    """

    kind: Kind
    margin: float | None
    more: bool = False

    @property
    def words(self) -> str:
        if self.kind != "cannot tell":
            return self.kind
        return "cannot tell yet: more replicates" if self.more else "cannot tell from one published run"


def verdict(published: Figure, obtained: Interval, replicates: int, deviation: float | None) -> Verdict:
    """How the obtained mean, with its interval, stands to the published figure.

    Better or worse: further away than the margin (see above). Agrees: within it, and the margin is narrower
    than a third of the published error, so that agreeing means something. Else it cannot be told; nor with
    fewer than two replicates, which do not show how much seeds differ.

    Args:
        deviation: of the replicates (of the sample); None where there are fewer than two.
    """
    seeds, known = _seeds(published, replicates, deviation)
    if seeds is None:
        return Verdict("cannot tell", None, more=True)
    half = (obtained.high - obtained.low) / 2
    images = published.value * (1 - published.value) / published.images
    own = seeds**2 / published.runs
    margin = math.sqrt(NORMAL**2 * images + _student(known) ** 2 * own + half**2)
    difference = obtained.mean - published.value
    if abs(difference) > margin:
        return Verdict("better" if difference > 0 else "worse", margin)
    bound = TELLING * (1 - published.value)
    if margin <= bound:
        return Verdict("agrees", margin)
    least = NORMAL * math.sqrt(images + own)
    return Verdict("cannot tell", margin, more=least <= bound)


def interval(values: Sequence[float], images: int | None = None) -> Interval:
    """Mean and 95 % interval of scores that count no images, over replicates by Student's t.

    Args:
        images: where the scores are shares (F1): of so many test images, whose choice is then allowed for as
            if each score were the share that was right. None: scores of any size (losses), seeds alone.
    """
    n, mean = len(values), math.fsum(values) / len(values)
    top = math.inf if images is None else 1.0
    spread = deviation(values)
    if spread is None:
        return Interval(mean, 0.0, top)
    variance = 0.0 if images is None else NORMAL**2 * mean * (1 - mean) / images
    half = math.sqrt(_student(n - 1) ** 2 * spread**2 / n + variance)
    return Interval(mean, max(0.0, mean - half), min(top, mean + half))


def deviation(values: Sequence[float]) -> float | None:
    """Of the sample; None of fewer than two values."""
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def _seeds(published: Figure, replicates: int, deviation: float | None) -> tuple[float | None, int]:
    """The deviation over seeds, and its degrees of freedom: the published one where there is one, or ours."""
    if published.runs > 1 and published.deviation is not None:
        freedom = published.runs - 1
        return published.deviation * math.sqrt(published.runs / freedom), freedom
    return (deviation, replicates - 1) if replicates > 1 else (None, 0)


def _student(freedom: int) -> float:
    """The 97.5 % point of Student's t."""
    from scipy import special

    return float(special.stdtrit(freedom, 0.975))
