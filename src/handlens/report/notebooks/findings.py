"""What a study's measurements say beyond the report's sentences: classes, times, conclusions.

Plain words that claim no more than the intervals carry.
"""

from __future__ import annotations

from handlens.data.images import Dataset
from handlens.report import formats, summary
from handlens.report.selection import noun
from handlens.report.topics.fitting import curve_words, fit_of, gap_words
from handlens.report.topics.hardest import hardest_of
from handlens.studies.storage.result import StudyResult

PERCENT = summary.PERCENT


def times(result: StudyResult) -> str:
    """Which recipe trained fastest and slowest, and what the chosen one took."""
    rows, best = result.rows, result.rows[0]
    if len(rows) == 1:
        return f"One training of {best.model} took {_seconds(best.fit_wall_s)} on {best.device}."
    quick, slow = (f(rows, key=lambda row: row.fit_wall_s) for f in (min, max))
    devices = sorted({row.device for row in rows})
    said = (
        f"One training took from {_seconds(quick.fit_wall_s)} ({quick.model}) to {_seconds(slow.fit_wall_s)} "
        f"({slow.model}), mean of the replicates by the wall clock, on {formats.joined(devices)}"
    )
    said += (
        "" if best in (quick, slow) else f"; {best.model}, the chosen one, took {_seconds(best.fit_wall_s)}"
    )
    return f"{said}. Times depend on the machine and on what else it did."


def _seconds(value: float) -> str:
    (text,) = formats.column([value])
    return f"{text} s"


def generalised(result: StudyResult) -> str:
    """Whether the chosen recipe's test accuracy is what the validation images promised; nothing if
    unopened."""
    row = result.rows[0]
    if row.test is None:
        return ""
    where = summary.position(row.test, row.validation)
    if where == "below":
        return (
            f"The test accuracy of {row.model} lies wholly below its validation accuracy: the validation "
            "images are more like the training images than the test images are, or being the best of several "
            "flattered it. Validation accuracy promises too much here."
        )
    if where == "above":
        return (
            f"The test accuracy of {row.model} lies wholly above its validation accuracy: "
            "these test images are easier."
        )
    return (
        f"The intervals of test and validation accuracy of {row.model} overlap: the test images say nothing "
        "against what the validation images promised."
    )


def conclusions(result: StudyResult, dataset: Dataset) -> list[str]:
    """The study's answer in a few sentences."""
    chosen = result.chosen
    first, *_ = summary.paragraphs(result)
    fit = fit_of(chosen)
    said = [
        f"{summary.headline(result)} {summary.choice(result)}",
        first,
        generalised(result),
        hardest_of(chosen, dataset.classes) if chosen.tests else "",
        f"{curve_words(fit)} {gap_words(fit)}",
        times(result),
        summary.looks(result),
        f"How far to believe this: {_believe(result)}",
    ]
    return [text for text in said if text]


def _believe(result: StudyResult) -> str:
    """What the intervals leave out."""
    covers = summary.covers(result.rows)
    few = min(row.replicates for row in result.rows)
    seeds = (
        ""
        if few > 4
        else f" {formats.plural(few, 'replicate')} a {noun(result)} tell little of how much seeds matter."
    )
    return f"{covers}{seeds} Other data, other settings and other machines were not tried."
