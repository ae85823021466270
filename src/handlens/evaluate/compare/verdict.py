"""Better, worse, equivalent or undecided: what the same images and seeds say of two recipes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handlens.errors import HandlensError
from handlens.evaluate.compare.holm import holm
from handlens.evaluate.compare.mcnemar import McNemar, mcnemar
from handlens.evaluate.compare.paired import difference
from handlens.evaluate.compare.planning import Needed, needed
from handlens.evaluate.intervals import Interval

Kind = Literal["better", "worse", "equivalent", "undecided"]
MARGIN = 0.002
LEVEL = 0.05


@dataclass(frozen=True)
class Verdict:
    """How the first of two recipes stands to the second.

    Attributes:
        kind: of the first against the second; `equivalent` where the difference is safely within the margin,
            even if it is clearly not zero.
        difference: accuracy of the first minus that of the second (-1..1), 95 % interval of this pair alone.
        margin: differences up to it do not matter (0-1).
        images, replicates: that both share.
        p_different: of no difference; `p_equivalent`: of a difference as large as the margin or larger; both
            Holm's over `pairs` comparisons.
        further: replicates that would settle an undecided pair; None where it is settled, or no number would.
        images_needed: altogether, where replicates alone are not enough or too many; else None.
        mcnemar: of the two models, where there is one replicate.
    """

    kind: Kind
    difference: Interval
    margin: float
    images: int
    replicates: int
    p_different: float
    p_equivalent: float
    pairs: int = 1
    further: int | None = None
    images_needed: int | None = None
    mcnemar: McNemar | None = None


def verdict(correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_], margin: float = MARGIN) -> Verdict:
    """The verdict on two recipes from which images they were right about.

    Better or worse where the 95 % interval of the difference over seeds and images leaves out zero,
    equivalent where it lies within +-margin (which goes first), else undecided. One replicate cannot tell
    seed from recipe and decides nothing; what it says of its two models is `mcnemar`.

    Args:
        correct_a, correct_b: bool [replicates, images]; row r of both is from the same seed, column i about
            the same image. At least two images.
        margin: the largest difference of accuracies that does not matter, 0-1.

    Raises:
        HandlensError: a margin that is none.
        ValueError: arrays of other shapes.
    """
    return verdicts([(correct_a, correct_b)], margin)[0]


def verdicts(
    pairs: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]], margin: float = MARGIN
) -> tuple[Verdict, ...]:
    """The verdicts of many pairs, held back together.

    Holm's method over all pairs keeps the probability that any recipe is falsely called better at 5 % for
    the whole, and that any pair is falsely called equivalent likewise. Pairs of one replicate take no part.

    Args:
        pairs: as for `verdict`, bool [replicates, images] twice; shapes may differ from pair to pair.
    """
    check(margin)
    found = [difference(first, second) for first, second in pairs]
    told = np.array([one.replicates > 1 for one in found], dtype=bool)
    different = _adjusted([one.p_different() for one in found], told)
    equivalent = _adjusted([one.p_equivalent(margin) for one in found], told)
    levels = _left(different, told), _left(equivalent, told)
    made = []
    for i, (one, sides) in enumerate(zip(found, pairs, strict=True)):
        kind: Kind = "undecided"
        if told[i]:
            kind = _kind(one.mean, float(different[i]), float(equivalent[i]))
        plan = needed(one, margin, levels) if kind == "undecided" else Needed(None, None)
        made.append(
            Verdict(
                kind=kind,
                difference=one.interval(1 - LEVEL),
                margin=margin,
                images=one.images,
                replicates=one.replicates,
                p_different=float(different[i]),
                p_equivalent=float(equivalent[i]),
                pairs=max(1, int(told.sum())),
                further=plan.replicates,
                images_needed=None if plan.replicates is not None else plan.images,
                mcnemar=None if one.replicates > 1 else mcnemar(sides[0][0], sides[1][0]),
            )
        )
    return tuple(made)


def check(margin: float) -> None:
    """Raise `HandlensError` unless the margin is a share above zero and below one."""
    if not (math.isfinite(margin) and 0 < margin < 1):
        raise HandlensError(f"a margin of {margin}", expected="a share above 0 and below 1, e.g. 0.002")


def _adjusted(p: Sequence[float], told: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Holm's p values of the pairs that can be told; the others keep theirs."""
    adjusted = np.asarray(p, dtype=np.float64)
    adjusted[told] = holm(adjusted[told])
    return adjusted


def _left(p: NDArray[np.float64], told: NDArray[np.bool_]) -> float:
    """The level at which Holm's method tells one of those that are still open."""
    return LEVEL / max(1, int((told & (p >= LEVEL)).sum()))


def _kind(mean: float, different: float, equivalent: float) -> Kind:
    if equivalent < LEVEL:
        return "equivalent"
    if different < LEVEL:
        return "better" if mean > 0 else "worse"
    return "undecided"
