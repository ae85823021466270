"""What the code cells of a study's notebook show: `show.table(result)` at the end of a cell.

Each function measures nothing; it puts what a study found (`handlens.run_study`) and its images into
tables, charts and sentences that cannot differ from the runs that they are made from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Dataset
from handlens.data.split import split
from handlens.errors import HandlensError, did_you_mean
from handlens.report import formats, sections, summary
from handlens.report import pictures as grids
from handlens.report.charts.comparison import comparison as comparison_figures
from handlens.report.charts.images import class_counts as class_counts_figure
from handlens.report.charts.matrix import matrices
from handlens.report.charts.roc import roc_figures
from handlens.report.mistakes import confusion as confusion_of
from handlens.report.mistakes import worst_pairs
from handlens.report.notebooks import findings
from handlens.report.notebooks.draw import Shown, chart, pictures, words
from handlens.report.notebooks.markdown import bullets, escape
from handlens.report.notebooks.markdown import table as markdown_table
from handlens.report.selection import folded_words, noun, select
from handlens.report.study import figures_of, notes
from handlens.report.table import caption, cells
from handlens.report.topics.classes import scores_table
from handlens.report.topics.fitting import fitting
from handlens.report.topics.hardest import hardest_of
from handlens.studies.planning.plan import Study
from handlens.studies.storage.result import Member, StudyResult

MISTAKES = 16
SMALL = 240  # CSS pixels of a plot's width where there are three


def facts(images: Dataset, study: Study) -> Shown:
    """Sizes, shape, pixel range and origin of the data."""
    counts = sections.part_counts(images, _held(images, study))
    return words(markdown_table(("", images.title or images.name), sections.facts(images, counts), left=2))


def one_of_each(images: Dataset) -> Shown:
    """The first training image of each class."""
    return pictures(grids.class_grid(images.train))


def class_counts(images: Dataset, study: Study) -> Shown:
    """How many images of each class are for training, validation and test."""
    return chart([class_counts_figure(sections.part_counts(images, _held(images, study)), images.classes)])


def class_table(images: Dataset, study: Study) -> Shown:
    """The same as numbers."""
    counts = sections.part_counts(images, _held(images, study))
    rows = [
        (name, *(formats.whole(int(of_part[i])) for of_part in counts.values()))
        for i, name in enumerate(images.classes)
    ]
    rows.append(("all", *(formats.whole(int(of_part.sum())) for of_part in counts.values())))
    return words(markdown_table(("class", *counts), rows))


def runs(result: StudyResult) -> Shown:
    """How many runs there are and when they were made, and what failed."""
    made = sorted(run.created for member in result.members for run in member.runs)
    first, last = made[0][:16].replace("T", " "), made[-1][:16].replace("T", " ")
    when = f"at {first}" if first == last else f"from {first} to {last}"
    count = formats.plural(len(made), "run")
    text = escape(f"{count} of {formats.plural(len(result.members), noun(result))}, finished {when} UTC.")
    if result.failures:
        text += f"\n\nCould not be trained:\n\n{bullets(result.failures)}"
    return words(text)


def table(result: StudyResult) -> Shown:
    """Every recipe with parameters, accuracy with its 95 % interval, macro F1, error and times."""
    selection, texts = select(result), cells(result.rows)
    header = (
        noun(result), "parameters", "epochs", "validation, %", "test, %",
        "F1, %", "error, %", "training, s", "CPU, s", "µs / image",
    )  # fmt: skip
    rows = []
    for i in selection.shown:
        cell = texts[i]
        rows.append((
            cell["model"], cell["parameters"], cell["epochs"],
            f"{cell['validation']} ({cell['validation_interval']})",
            f"{cell['test']} ({cell['test_interval']})" if cell["test_interval"] else cell["test"],
            cell["macro_f1"], cell["error"], cell["wall"], cell["cpu"], cell["predict"],
        ))  # fmt: skip
    replicates = formats.joined(sorted({cell["replicates"] for cell in texts}), "or")
    said = (
        f"{caption(result.rows)} In brackets 95 % intervals; {replicates} replicates each.",
        folded_words(result, selection),
    )
    return words(f"{markdown_table(header, rows)}\n\n{escape(' '.join(text for text in said if text))}")


def models(result: StudyResult) -> Shown:
    """What each recipe is, in a line."""
    texts = cells(result.rows)
    rows = [
        (row.model, row.engine, text["optimizer"], row.description)
        for row, text in zip(result.rows, texts, strict=True)
    ]
    shown = [rows[i] for i in select(result).shown]
    return words(markdown_table((noun(result), "engine", "optimizer", "model"), shown, left=4))


def accuracy(result: StudyResult) -> Shown:
    """Every recipe's test accuracy with its interval, and its validation accuracy."""
    return chart(figures_of(result)[:1])


def comparison(result: StudyResult) -> Shown:
    """Test accuracy, macro F1 and time of training side by side."""
    return chart(comparison_figures([result.rows[i] for i in select(result).drawn]))


def curves(result: StudyResult) -> Shown:
    """Loss, accuracy and macro F1 by epoch, training and validation."""
    _, *figures = figures_of(result)
    if not figures:
        return words(f"No {noun(result)} of this study trains in epochs, so there are no learning curves.")
    return chart(figures, SMALL)


def overfitting(result: StudyResult) -> Shown:
    """What the curves say of the length of training, and the gaps between accuracies."""
    topic = fitting(result)
    if topic is None:
        return words(f"No {noun(result)} of this study keeps scores that could show over-fitting.")
    (gaps,) = topic.tables
    table = markdown_table(gaps.columns, gaps.rows, left=min(gaps.numbers))
    return words(f"{table}\n\n{bullets(topic.words)}")


def confusion(result: StudyResult, images: Dataset, recipe: str = "") -> Shown:
    """Confusion matrix on the test images, raw and normalised, of a recipe or of the chosen one."""
    member = _member(result, recipe)
    if not member.tests:
        return _closed(member)
    return chart(matrices(confusion_of(member.tests), images.classes))


def mixed_up(result: StudyResult, images: Dataset, recipe: str = "") -> Shown:
    """The commonest mistakes, and which class is hardest."""
    member = _member(result, recipe)
    if not member.tests:
        return _closed(member)
    pairs = [
        (
            images.classes[p.true],
            images.classes[p.given],
            formats.whole(p.count),
            formats.percent(p.count / p.of),
        )
        for p in worst_pairs(confusion_of(member.tests))
    ]
    said = escape(hardest_of(member, images.classes))
    if not pairs:
        return words(f"{escape(member.name)} made no mistake on the test images.")
    header = ("shown", "taken for", "times", "% of the class")
    return words(f"{said}\n\n{markdown_table(header, pairs, left=2)}")


def by_class(result: StudyResult, images: Dataset, recipe: str = "") -> Shown:
    """Recall, precision, F1 and area under the ROC curve of every class."""
    member = _member(result, recipe)
    if not member.tests:
        return _closed(member)
    scores = scores_table(member, images.classes)
    return words(markdown_table(scores.columns, scores.rows))


def roc(result: StudyResult, images: Dataset, recipe: str = "") -> Shown:
    """ROC curve of each class, of the first replicate of a recipe or of the chosen one."""
    member = _member(result, recipe)
    return chart(roc_figures(member.tests[0], images.classes)) if member.tests else _closed(member)


def mistakes(result: StudyResult, images: Dataset) -> Shown:
    """The test images that the chosen recipe got most confidently wrong."""
    grid = sections.mistake_grid(result.chosen, images, MISTAKES)
    if grid is not None:
        return pictures(grid)
    if not result.chosen.tests:
        return _closed(result.chosen)
    return words(f"The first replicate of {escape(result.chosen.name)} got every test image right.")


def conclusions(result: StudyResult, images: Dataset) -> Shown:
    """The study's answer in words."""
    return words(bullets(findings.conclusions(result, images)))


def environment(result: StudyResult, images: Dataset) -> Shown:
    """Versions and machine of the first run, and notes of the data and of the runs."""
    text = markdown_table(("", "of the chosen run"), sections.environment(result.chosen), left=2)
    said = notes(result, images)
    return words(f"{text}\n\nNotes:\n\n{bullets(said)}" if said else text)


def provenance(result: StudyResult) -> Shown:
    """Every run with its seed and its name, which is the hash of all that made it; looks at the test
    images."""
    rows = [
        (member.name, str(run.trial.seed), run.trial.hash, run.trial.numerics)
        for member in (result.members[i] for i in select(result).shown)
        for run in member.runs
    ]
    looks = escape(summary.looks(result))
    return words(f"{markdown_table((noun(result), 'seed', 'run', 'numerics'), rows, left=4)}\n\n{looks}")


def _held(images: Dataset, study: Study) -> NDArray[np.int64]:
    """Positions of the validation images among the training images."""
    return split(images.train.labels, study.split.validation, study.split.seed).validation


def _member(result: StudyResult, recipe: str) -> Member:
    if not recipe:
        return result.chosen
    for member in result.members:
        if member.name == recipe:
            return member
    raise HandlensError(
        f"no {noun(result)} is called {recipe!r}",
        where=result.name,
        remedy=did_you_mean(recipe, [member.name for member in result.members]),
    )


def _closed(member: Member) -> Shown:
    return words(f"The test images were not opened for {escape(member.name)}.")
