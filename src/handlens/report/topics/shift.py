"""Training against test images: can they be told apart, and are classes as frequent in both."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from handlens.data.images import ImageSet
from handlens.evaluate.label_counts import LabelCounts
from handlens.evaluate.shift import Shift, Telling
from handlens.report import formats
from handlens.report.charts.figure import PARTS as COLOURS
from handlens.report.charts.shares import share_figure
from handlens.report.pictures import SMALL, Grid, Tile, grid
from handlens.report.topic import Table, Topic
from handlens.studies.judging.audit import Audit

LARGE = 0.7  # an AUC above which the parts are clearly different
MOST = 16


def shift(found: Audit) -> Topic:
    """Whether a classifier tells training from test images, which give it away, and the label counts."""
    seen, classes = found.shift, found.dataset.classes
    grids: tuple[Grid, ...] = ()
    if isinstance(seen, Shift):
        images = (found.dataset.test, found.dataset.train)
        grids = (_grid("test", images[0], seen.test_like), _grid("training", images[1], seen.training_like))
    return Topic(
        "shift",
        "Shift",
        (
            *(shift_words(seen) if isinstance(seen, Shift) else (f"Not looked at: {seen}",)),
            label_words(found.counts, classes),
            *(f"{note[0].upper()}{note[1:]}." for note in found.dataset.notes if note),
        ),
        tables=(_table(found.counts, classes),),
        figures=(share_figure(found.counts, classes),),
        grids=grids,
        colours=tuple((part, COLOURS[part]) for part in ("training", "test")),
        plain=_plain(seen, found.counts, classes),
    )


def shift_words(seen: Shift) -> tuple[str, ...]:
    """The finding with its figures, and what to do about it."""
    area = (
        f"AUC {seen.auc.mean:.3f}, 95 % interval {seen.auc.low:.3f} to {seen.auc.high:.3f}; 0.5 is guessing"
    )
    pairs = formats.percent(seen.auc.mean, 0)
    asked = (
        f"It was asked about {seen.training:,} training and {seen.test:,} test images"
        f"{', as many of each class on both sides' if seen.matched else ''}, none of which it was trained on."
    )
    if seen.kind == "none seen":
        return (f"A classifier cannot tell training from test images ({area}). {asked}",)
    if seen.kind == "copies":
        return (
            f"A classifier that learns to tell training from test images is wrong more often than right "
            f"({area}): "
            "images of one part come again in the other, so look at the leaks. " + asked,
        )
    how = "easily" if seen.auc.mean >= LARGE else "a little better than by guessing"
    advice = (
        "Scores on these test images say little about the training images' kind, and the other way round: "
        "find "
        "out how the two were collected, and pool and split them anew if that is the question."
        if seen.auc.mean >= LARGE
        else "The test images come from a slightly different source, which is fair if the model is to meet "
        "such images, but validation scores will then be a little too good: judge by test scores."
    )
    return (
        f"A classifier tells training from test images {how} ({area}): of a training and a test image "
        f"drawn at "
        f"random it finds out which is which in {pairs} % of cases. {asked}",
        advice,
    )


def label_words(counts: LabelCounts, classes: Sequence[str]) -> str:
    """Whether the classes are as frequent in both parts."""
    p = "below 0.001" if counts.p_value < 0.001 else f"{counts.p_value:.3f}"
    figures = f"chi-square {counts.chi_square:.1f} with {counts.freedom} degrees of freedom, p {p}"
    if counts.p_value >= 0.05:
        return f"The classes are as frequent among test images as among training images ({figures})."
    apart = np.subtract(_shares(counts.test), _shares(counts.training))
    most = int(np.abs(apart).argmax())
    way = "more" if apart[most] > 0 else "less"
    said = (
        f"The classes are not as frequent among test images as among training images ({figures}; Cramér's V "
        f"{counts.cramers_v:.2f}, {counts.strength}). Most of all {classes[most]} is {way} frequent, by "
        f"{formats.percent(abs(float(apart[most])))} points."
    )
    if counts.strength in ("negligible", "none"):
        return said + " That hardly matters for accuracy."
    return said + " Judge by macro F1 or class by class, since accuracy weighs the frequent classes."


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [count / total for count in counts]


def _table(counts: LabelCounts, classes: Sequence[str]) -> Table:
    training, test = _shares(counts.training), _shares(counts.test)
    rows = tuple(
        (
            name,
            f"{counts.training[i]:,}",
            f"{counts.test[i]:,}",
            formats.percent(training[i]),
            formats.percent(test[i]),
            f"{100 * (test[i] - training[i]):+.1f}",
        )
        for i, name in enumerate(classes)
    )
    columns = ("Class", "training", "test", "training %", "test %", "points")
    return Table("Images of each class", columns, rows, frozenset(range(1, 6)))


def _grid(part: str, images: ImageSet, told: Sequence[Telling]) -> Grid:
    """The images of a part that are most surely its own."""
    other = "training" if part == "test" else "test"
    tiles = []
    for one in told[:MOST]:
        name = images.classes[int(images.labels[one.position])]
        sure = one.probability if part == "test" else 1 - one.probability
        percent = formats.percent(sure, 0)
        alt = f"{part} image {one.position} ({name}): {percent} % sure that it is no {other} image"
        tiles.append(Tile((f"{name}, {percent} %", f"{part} {one.position}"), alt))
    positions = [one.position for one in told[:MOST]]
    title = f"The {part} images that look least like {other} images"
    return grid(f"shift-{part}", title, np.asarray(images.images[positions]), tiles, SMALL)


def _plain(seen: Shift | str, counts: LabelCounts, classes: Sequence[str]) -> dict[str, Any]:
    told = {"reason": seen} if isinstance(seen, str) else dataclasses.asdict(seen) | {"kind": seen.kind}
    return {
        "images": told,
        "labels": dataclasses.asdict(counts) | {"classes": list(classes), "strength": counts.strength},
    }
