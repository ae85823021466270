"""Doubtful labels: how many, which classes for which, and the images, the most doubtful first."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np

from handlens.evaluate.doubts import Doubt, Doubts
from handlens.report import formats
from handlens.report.pictures import SMALL, Grid, Tile, grid
from handlens.report.topic import Table, Topic
from handlens.studies.judging.audit import Audit

MOST = 48  # images shown
PAIRS = 8  # classes taken for each other, listed
LISTED = 1_000  # doubts in `plain`


def doubts(found: Audit) -> Topic:
    """What an audit found of labels."""
    said, classes = found.doubts, found.dataset.classes
    if isinstance(said, str):
        words = (f"Not looked at: {said}",)
        return Topic("doubts", "Doubtful labels", words, plain={"reason": said})
    doubtful = said.confident
    return Topic(
        "doubts",
        "Doubtful labels",
        doubt_words(said),
        tables=(_table(doubtful, classes),) if doubtful else (),
        grids=(_grid(found, doubtful),) if doubtful else (),
        plain=_plain(said, classes),
    )


def doubt_words(said: Doubts) -> tuple[str, ...]:
    """The finding, what it rests on, and what to do about it."""
    count, accuracy = len(said.confident), formats.percent(said.accuracy)
    rests = (
        f"Every training image was judged by a network trained on other training images only, which agrees "
        f"with "
        f"{accuracy} % of all labels."
    )
    if not count:
        return (f"No label is doubtful among {said.images:,} training images. {rests}",)
    share = formats.percent(count / said.images, 2 if count < said.images / 100 else 1)
    verb = "is" if count == 1 else "are"
    return (
        f"{count:,} of {said.images:,} training labels {verb} doubtful ({share} %): another class is claimed "
        f"with at "
        f"least the confidence that its own images have. {rests}",
        "Not every one is wrong: hard images are among them, the more so further down. Look at the first "
        "ones, and "
        "correct or remove what is wrong; positions are in --json.",
    )


def _table(doubtful: tuple[Doubt, ...], classes: tuple[str, ...]) -> Table:
    pairs = Counter((one.given, one.suggested) for one in doubtful).most_common(PAIRS)
    rows = tuple((classes[given], classes[other], f"{count:,}") for (given, other), count in pairs)
    return Table("Commonest doubts", ("Label", "rather", "images"), rows, frozenset({2}))


def _grid(found: Audit, doubtful: tuple[Doubt, ...]) -> Grid:
    shown, classes, train = doubtful[:MOST], found.dataset.classes, found.dataset.train
    tiles = [
        Tile(
            (
                f"{classes[one.given]} → {classes[one.suggested]}",
                f"{formats.percent(one.other)} %",
                f"training {one.position}",
            ),
            f"Training image {one.position}: labelled {classes[one.given]} ({formats.percent(one.own)} %), "
            f"rather {classes[one.suggested]} ({formats.percent(one.other)} %)",
        )
        for one in shown
    ]
    title = "Labels doubted most: label, what it rather is, and how likely that is"
    images = np.asarray(train.images[[one.position for one in shown]])
    return grid("doubts", title, images, tiles, SMALL)


def _plain(said: Doubts, classes: tuple[str, ...]) -> dict[str, Any]:
    """Doubts in order, the first `LISTED` of them, with positions among the training images."""
    return {
        "images": said.images,
        "doubtful": len(said.confident),
        "agreement": said.accuracy,
        "thresholds": [None if np.isnan(t) else t for t in said.thresholds],
        "joint": [list(row) for row in said.joint],
        "ranked": [
            dataclasses.asdict(one) | {"given": classes[one.given], "suggested": classes[one.suggested]}
            for one in said.ranked[:LISTED]
        ],
    }
