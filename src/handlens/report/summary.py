"""What a study says, in plain sentences that claim no more than the intervals carry."""

from __future__ import annotations

from collections.abc import Sequence

from handlens.evaluate import Interval
from handlens.report import formats
from handlens.studies.result import Row, StudyResult

PERCENT = "\N{NO-BREAK SPACE}%"
CHOICE = (
    "The validation images ordered the recipes and chose this one; "
    "the test images took no part in that and were only counted afterwards."
)


def headline(result: StudyResult) -> str:
    """Which recipe was chosen, and by what."""
    best, *others = result.rows
    images = formats.plural(result.chosen.runs[0].validation.images, "validation image")
    score = f"{_score(best.validation)} of the {images}"
    if not others:
        return f"The only recipe of this study, {best.model}, was right on {score}."
    tied = [row.model for row in others if row.validation.mean == best.validation.mean]
    if tied:
        reason = f"as was {formats.joined(tied)}, but faster to train"
    else:
        rivals = f"any of the other {len(others)} recipes" if len(others) > 1 else others[0].model
        reason = f"more than {rivals}"
    return f"The choice is {best.model}: right on {score}, {reason}."


def paragraphs(result: StudyResult) -> list[str]:
    """Below the headline: test accuracy and what it separates; what the intervals allow for and who chose."""
    best = result.rows[0]
    images = formats.plural(result.chosen.runs[0].test.images, "test image")
    runs = formats.plural(best.replicates, "replicate")
    scored = (
        f"Of the {images} it got {_score(best.test)} right over {runs} "
        f"(95{PERCENT} interval {_range(best.test)}; macro F1 {_score_of(best.macro_f1, best.test)})."
    )
    return [" ".join([scored, *comparison(result.rows)]), f"{covers(result.rows)} {CHOICE}"]


def comparison(rows: Sequence[Row]) -> list[str]:
    """Which test intervals overlap with that of the first row, and which lie apart from it."""
    best, *others = rows
    if not others:
        return []
    second = others[0]
    said = [
        f"The runner-up on validation images, {second.model}, got {_score(second.test)} of the test images "
        f"right ({_range(second.test)}); {_relation(second.test, best.test)}."
    ]
    for where, (one, many) in {
        "overlap": ("overlaps with that of {} as well", "overlap with that of {} as well"),
        "below": ("lies wholly below that of {}", "lie wholly below that of {}"),
        "above": (
            "lies wholly above that of {}, which validation images preferred",
            "lie wholly above that of {}, which validation images preferred",
        ),
    }.items():
        names = [row.model for row in others[1:] if position(row.test, best.test) == where]
        if names:
            what, verb = ("interval", one) if len(names) == 1 else ("intervals", many)
            said.append(f"The {what} of {formats.joined(names)} {verb.replace('{}', best.model)}.")
    return said


def covers(rows: Sequence[Row]) -> str:
    """What the intervals allow for."""
    counts = {row.replicates for row in rows}
    if counts == {1}:
        return (
            "Each recipe was trained once, so the intervals allow for the choice of images "
            "but not for that of the seed."
        )
    if 1 in counts:
        return (
            "The intervals allow for the choice of images and of seeds; "
            "those of recipes trained only once allow for images alone."
        )
    return "The intervals allow for the choice of images and of seeds."


def position(other: Interval, best: Interval) -> str:
    """Where `other` lies: `overlap`, `below` or `above`."""
    if other.high < best.low:
        return "below"
    return "above" if other.low > best.high else "overlap"


def _relation(second: Interval, best: Interval) -> str:
    return {
        "overlap": "the two intervals overlap, so this study does not settle which of the two "
        "does better on new images",
        "below": "the two intervals do not overlap, and its interval is the lower one",
        "above": "the two intervals do not overlap, and its interval is the higher one, "
        "although validation images preferred the other",
    }[position(second, best)]


def _score(interval: Interval) -> str:
    return _score_of(interval.mean, interval)


def _score_of(share: float, interval: Interval) -> str:
    return f"{formats.percent(share, formats.percent_digits([interval]))}{PERCENT}"


def _range(interval: Interval) -> str:
    digits = formats.percent_digits([interval])
    return f"{formats.percent(interval.low, digits)} to {formats.percent(interval.high, digits)}{PERCENT}"
