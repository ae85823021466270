"""Whether the chosen recipe's probabilities can be believed."""

from __future__ import annotations

import dataclasses
from statistics import fmean
from typing import Any

import numpy as np

from handlens.data.images import Dataset
from handlens.evaluate import Interval
from handlens.evaluate.bootstrap import calibration_interval
from handlens.evaluate.calibration import (
    BINS,
    Answered,
    Bin,
    Tempered,
    answered,
    calibration_error,
    reliability,
    temper,
)
from handlens.report import formats, pictures
from handlens.report.charts.reliability import answered_figure, reliability_figure
from handlens.report.summary import PERCENT
from handlens.report.topic import Table, Topic
from handlens.report.topics.judged import Judged, judged
from handlens.studies.storage.result import Member, StudyResult

PICTURES = 8
SHARES = (1.0, 0.99, 0.95, 0.9, 0.8, 0.5)
TARGETS = (0.99, 0.995, 0.999)
NEAR = 0.05  # of a temperature, about 1: not worth a word


def calibration(result: StudyResult, dataset: Dataset) -> Topic | None:
    """Reliability, calibration error, temperature and accuracy against share answered of the chosen recipe.

    On test images if they were opened, with the temperature fitted on validation images; else on validation
    images, without one. None where there are no images.
    """
    seen = judged(result.chosen)
    if not len(seen.labels):
        return None
    bins, share = reliability(seen.probabilities, seen.labels), answered(seen.probabilities, seen.labels)
    errors = [calibration_error(said, seen.labels) for said in seen.probabilities]
    told = _tempered(result.chosen)
    freed = calibration_interval(seen.probabilities, seen.labels)
    words = (_error_words(seen, errors, freed, bins), _temperature_words(told), _answered_words(share))
    return Topic(
        "calibration",
        "Can the probabilities be believed?",
        tuple(filter(None, words)),
        tables=(_share_table(share),),
        figures=(reliability_figure(bins, seen.part), answered_figure(share, seen.part)),
        grids=(_unsure(seen, dataset),),
        plain=_plain(seen, errors, freed, bins, told, share),
    )


def _unsure(seen: Judged, dataset: Dataset) -> pictures.Grid:
    """The images that it is least sure about, means over the replicates: the first to be left unanswered."""
    mean = seen.probabilities.mean(axis=0)
    chosen = np.argsort(mean.max(axis=1), kind="stable")[:PICTURES]
    tiles = []
    for i in chosen:
        given, true = (dataset.classes[c] for c in (int(mean[i].argmax()), int(seen.labels[i])))
        sure, at = formats.percent(float(mean[i].max())), int(seen.positions[i])
        words = f"{seen.part} image {at}: shows {true}, given {given} with probability {sure} %"
        tiles.append(
            pictures.Tile((f"{true} → {given}", f"{sure} %", f"#{at}"), words[0].upper() + words[1:])
        )
    title = "Least sure: class shown → class given"
    return pictures.grid("unsure", title, seen.images(dataset, chosen), tiles, pictures.SMALL)


def _tempered(member: Member) -> tuple[Tempered, ...]:
    """A temperature a replicate, fitted on validation images, and what it does on test images."""
    return tuple(
        temper(held.probabilities, held.labels, test.probabilities, test.labels)
        for held, test in zip(member.predictions, member.tests, strict=False)
    )


def direction(bins: tuple[Bin, ...]) -> float:
    """Mean probability of the classes given less the share that was right: above zero, the model is too
    sure."""
    total = sum(b.images for b in bins)
    return sum(b.images * (b.confidence - b.accuracy.mean) for b in bins) / total


def _error_words(seen: Judged, errors: list[float], freed: Interval, bins: tuple[Bin, ...]) -> str:
    off = direction(bins)
    right = float(seen.right.mean())
    how = "surer than it may be" if off > 0 else "less sure than it might be"
    mean = " (mean of the replicates)" if len(errors) > 1 else ""
    return (
        f"{seen.name} is on average {formats.percent(abs(off))} points {how}: its probabilities promise "
        f"{_percent(right + off)} right, and {_percent(right)} of the {seen.part} images were. Its expected "
        f"calibration error over {BINS} bins is {_percent(fmean(errors), 2)}{mean}; without what the noise "
        f"of the bins adds to it {_percent(freed.mean, 2)}, 95{PERCENT} interval {formats.spread(freed, 2)}. "
        f"{_bin_words(bins)} Below the diagonal of the chart the model is too sure, above it not sure "
        "enough."
    )


def _bin_words(bins: tuple[Bin, ...]) -> str:
    """In how many bins the probabilities are shown to be untrue."""
    apart = [b for b in bins if not b.accuracy.low <= b.confidence <= b.accuracy.high]
    if not apart:
        return "In every bin the interval of the share that was right holds what was promised."
    most = max(apart, key=lambda b: b.images)
    return (
        f"In {len(apart)} of {formats.plural(len(bins), 'bin')} the interval of the share that was right "
        f"leaves out what was promised, such as {_percent(most.accuracy.mean)} right where "
        f"{_percent(most.confidence)} were promised."
    )


def _temperature_words(told: tuple[Tempered, ...]) -> str:
    if not told:
        return (
            "The test images were not opened, so these are validation images, which may also have chosen "
            "epochs and recipe; a temperature fitted on them could not be judged by them."
        )
    t, before, after, loss, less = (
        fmean(getattr(each, name) for each in told)
        for name in ("temperature", "error_before", "error_after", "log_loss_before", "log_loss_after")
    )
    if abs(t - 1) < NEAR:
        what = f"The temperature fitted on the validation images is {t:.2f}: next to nothing to correct"
    else:
        verb = "cools" if t < 1 else "tempers"
        side = "too sure" if t > 1 else "not sure enough"
        what = (
            f"A temperature of {t:.2f}, fitted on the validation images, {verb} probabilities that are {side}"
        )
    helps = "lowers" if after < before else "raises"
    return (
        f"{what}: on the test images it {helps} the calibration error from {_percent(before, 2)} to "
        f"{_percent(after, 2)} and takes log loss from {loss:.4f} to {less:.4f} nats; no prediction changes."
    )


def _answered_words(share: Answered) -> str:
    all_of, most = share.at(1.0), share.at(0.9)
    said = (
        f"Answering only the surest 90{PERCENT} of the images raises accuracy from {_percent(all_of, 2)} to "
        f"{_percent(most, 2)}."
    )
    for target in TARGETS:
        reached = share.reaching(target)
        if all_of < target:
            if reached:
                return f"{said} {_percent(reached)} could be answered with {_percent(target)} right."
            return f"{said} However few are answered, {_percent(target)} right is not reached."
    return said


def _share_table(share: Answered) -> Table:
    rows = tuple(
        (f"{100 * s:.0f}", formats.percent(share.at(s), 2), formats.percent(1 - share.at(s), 2))
        for s in SHARES
    )
    return Table(
        "Accuracy if only the surest images are answered",
        ("Answered, %", "Right, %", "Wrong, %"),
        rows,
        frozenset({1, 2}),
    )


def _percent(value: float, digits: int = 1) -> str:
    return f"{formats.percent(value, digits)}{PERCENT}"


def _plain(
    seen: Judged,
    errors: list[float],
    freed: Interval,
    bins: tuple[Bin, ...],
    told: tuple[Tempered, ...],
    share: Answered,
) -> dict[str, Any]:
    return {
        "recipe": seen.name,
        "part": seen.part,
        "replicates": len(seen.probabilities),
        "calibration_error": errors,
        "calibration_error_interval": dataclasses.asdict(freed),
        "bins": [dataclasses.asdict(b) for b in bins],
        "temperature": [dataclasses.asdict(each) for each in told],
        "answered": {
            "accuracy_at": {f"{s:g}": share.at(s) for s in SHARES},
            "share_at_accuracy": {f"{t:g}": share.reaching(t) for t in TARGETS},
            "area": share.area,
            "best_area": share.best,
        },
    }
