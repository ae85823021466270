"""A run's score three ways, side by side, and whether they differ by more than noise."""

from __future__ import annotations

import dataclasses

from handlens.report import formats
from handlens.report.topic import Table, Topic
from handlens.studies.judging.rescore import Change, Rescored, Score


def rescored(found: Rescored) -> Topic:
    """As given, without leaked images, split by families."""
    return Topic(
        "rescored",
        "Scored three ways",
        (*(_change_words(found, change) for change in found.changes), *found.notes, _reading(found)),
        tables=(_table(found),),
        plain=dataclasses.asdict(found),
    )


def _change_words(found: Rescored, change: Change) -> str:
    points = _points(change)
    if change.way == "without leaked images":
        if change.kind == "none":
            return (
                f"None of the {change.part} images of {found.model} is leaked: there is nothing to leave out."
            )
        images = formats.plural(found.leaked, f"leaked {change.part} image")
        verb = "changes" if change.kind == "noise" else "moves"
        head = f"Leaving out {images} {verb} the accuracy of {found.model} by {points}"
        if change.kind == "noise":
            return f"{head}: no more than noise."
        flattered = "the leak flatters it" if change.kind == "lower" else "the leak does not flatter it"
        return f"{head}, more than noise: {flattered}; quote the score without them."
    head = f"Trained again with copies kept together, its {change.part} accuracy differs by {points}"
    if change.kind in ("noise", "none"):
        return f"{head}: no more than noise."
    if change.kind == "lower":
        return f"{head}, more than noise: copies on both sides flattered the choice; split by families."
    return f"{head}, more than noise; copies did not flatter it."


def _points(change: Change) -> str:
    one = change.difference
    return f"{100 * one.mean:+.2f} points (95 % interval {100 * one.low:+.2f} to {100 * one.high:+.2f})"


def _reading(found: Rescored) -> str:
    opened = any(score.part == "test" for score in found.scores)
    said = (
        "" if opened else "The test images of this run were not opened, so validation images stand for them. "
    )
    return (
        said
        + "Intervals are over images, for one model each; the luck of a seed is not in them. Differences "
        "pair the images that two scores share."
    )


def _table(found: Rescored) -> Table:
    changes = {(change.way, change.part): change for change in found.changes}
    digits = formats.percent_digits([score.accuracy for score in found.scores])
    rows = tuple(_row(score, changes.get((score.way, score.part)), digits) for score in found.scores)
    columns = ("Score", "images", "accuracy %", "95 % interval", "difference, points", "verdict", "run")
    return Table(f"Accuracy of {found.model}", columns, rows, frozenset({1, 2, 3, 4}))


def _row(score: Score, change: Change | None, digits: int) -> tuple[str, ...]:
    verdict = {"none": "nothing left out", "noise": "noise", "lower": "lower", "higher": "higher"}
    return (
        f"{score.way}, {score.part}",
        f"{score.images:,}",
        formats.percent(score.accuracy.mean, digits),
        formats.spread(score.accuracy, digits),
        "" if change is None else f"{100 * change.difference.mean:+.2f}",
        "" if change is None else verdict[change.kind],
        score.run[:8],
    )
