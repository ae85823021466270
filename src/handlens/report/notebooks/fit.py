"""Over-fitting, as far as histories of training show it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from handlens.evaluate import Interval, wilson
from handlens.records import Run
from handlens.report import formats
from handlens.report.selection import noun, select
from handlens.report.summary import PERCENT
from handlens.studies.storage.result import Member, StudyResult, chosen_of_each

RISEN = 1.05  # a validation loss that many times its smallest has risen
MOST_SAID = 6  # recipes that get a sentence each


@dataclass(frozen=True)
class Fit:
    """How a recipe's last epoch did on training and on validation images, means over the replicates.

    Attributes:
        gap: training minus validation accuracy (shares) with its 95 % interval over the choice of images.
        smallest, largest: the gap over the replicates.
        lowest: the epoch after which validation loss was lowest, mean; `risen`: how many times that the last
            epoch's loss is; `rose`: whether it rose above it by 5 % or more in every replicate. None where
            losses were not finite.
    """

    name: str
    replicates: int
    epochs: float
    training: float
    validation: float
    gap: Interval
    smallest: float
    largest: float
    lowest: float | None
    risen: float | None
    rose: bool


def fits(members: Sequence[Member]) -> tuple[Fit, ...]:
    """Of every member whose runs have a history with validation scores, in the members' order."""
    found = (_fit(member) for member in members)
    return tuple(fit for fit in found if fit is not None)


def _fit(member: Member) -> Fit | None:
    ends = [run.history[-1] for run in member.runs if run.history]
    held = [end.validation_accuracy for end in ends if end.validation_accuracy is not None]
    if not held or len(held) < len(member.runs):
        return None
    training, validation = statistics.fmean(end.accuracy for end in ends), statistics.fmean(held)
    gaps = [end.accuracy - score for end, score in zip(ends, held, strict=True)]
    first = member.runs[0]
    losses = [loss for run in member.runs if (loss := _losses(run)) is not None]
    complete = len(losses) == len(member.runs)
    return Fit(
        name=member.name,
        replicates=len(member.runs),
        epochs=statistics.fmean(end.epoch for end in ends),
        training=training,
        validation=validation,
        gap=difference(training, first.train_images, validation, first.validation.images),
        smallest=min(gaps),
        largest=max(gaps),
        lowest=statistics.fmean(epoch for epoch, _ in losses) if complete else None,
        risen=statistics.fmean(times for _, times in losses) if complete else None,
        rose=complete and all(times >= RISEN for _, times in losses),
    )


def _losses(run: Run) -> tuple[int, float] | None:
    """The epoch with the lowest validation loss, and how many times that the last one's is."""
    known = [(epoch.validation_loss, epoch.epoch) for epoch in run.history]
    finite = [(loss, at) for loss, at in known if loss is not None and math.isfinite(loss) and loss > 0]
    if len(finite) < len(known):
        return None
    lowest, at = min(finite)
    return at, finite[-1][0] / lowest


def difference(first: float, n: int, second: float, m: int) -> Interval:
    """First minus second share, of n and m images, with its 95 % interval (Newcombe 1998, Stat Med 17,
    method 10).

    Replicates add no images, so they do not narrow it.
    """
    a, b = wilson(first * n, n), wilson(second * m, m)
    d = first - second
    low = d - math.hypot(first - a.low, b.high - second)
    return Interval(d, low, d + math.hypot(a.high - first, second - b.low))


def overfitting(result: StudyResult) -> list[str]:
    """Which recipes fit their training images better than new ones, and from which epoch on it got worse.

    Of many configurations those that were chosen get their sentence.
    """
    drawn = [result.members[i] for i in select(result).drawn]
    said_of = drawn if len(drawn) <= MOST_SAID else chosen_of_each(drawn)
    found = fits(said_of)
    if not found:
        return [
            f"No {noun(result)} of this study trains in epochs, and the others keep no scores of their "
            "training images, so nothing can be said about over-fitting."
        ]
    said = [gap_words(fit) for fit in found]
    others = [m.name for m in said_of if m.name not in {fit.name for fit in found}]
    if others:
        said.append(f"{formats.joined(others)}: no scores of the training images were kept.")
    return said


def gap_words(fit: Fit) -> str:
    """What the gap says of over-fitting, and whether the last epochs went too far."""
    ends = f"95{PERCENT} interval of the gap {points(fit.gap.low)} to {points(fit.gap.high)}"
    where = "above" if fit.gap.mean >= 0 else "below"
    seen = f"training accuracy ended {points(abs(fit.gap.mean))} points {where} validation accuracy ({ends}"
    seen += (
        ")"
        if fit.replicates == 1
        else f"; single replicates {points(fit.smallest)} to {points(fit.largest)})"
    )
    if fit.gap.low > 0:
        said = f"{fit.name} is over-fitted to that degree: {seen}"
    elif fit.gap.high < 0:
        said = f"{fit.name} shows no over-fitting: {seen}, as it is taken while the weights move"
    else:
        said = f"{fit.name} is not shown to be over-fitted: {seen}, which holds zero"
    if fit.rose and fit.lowest is not None and fit.risen is not None:
        when = f"{'' if fit.replicates == 1 else 'about '}after epoch {fit.lowest:.0f}"
        risen = f"{100 * (fit.risen - 1):.0f}{PERCENT} higher at the end"
        said += f". Its validation loss was lowest {when} and {risen}: "
        said += "the later epochs made it surer of its errors"
    return f"{said}."


def points(share: float) -> str:
    """Percentage points, with a true minus."""
    return f"{100 * share:.1f}".replace("-", "\N{MINUS SIGN}")
