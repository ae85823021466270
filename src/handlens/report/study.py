"""A study's report: one HTML file that opens offline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Dataset
from handlens.errors import StoreError
from handlens.report import formats, page, summary, topic
from handlens.report.charts.accuracy import accuracies
from handlens.report.charts.curves import learning_curves, reading
from handlens.report.charts.figure import Figure, recipe_colours
from handlens.report.charts.matrix import matrices
from handlens.report.mistakes import confusion, worst_pairs
from handlens.report.sections import data_section, environment, mistake_grid
from handlens.report.selection import drawn_words, folded_words, learned_words, noun, select
from handlens.report.table import cells
from handlens.report.topic import Topic
from handlens.studies.storage.result import Member, StudyResult


def write_study(
    result: StudyResult,
    dataset: Dataset,
    path: Path,
    *,
    charts: Path | None = None,
    topics: Sequence[Topic] = (),
) -> None:
    """Write the report of a study as one HTML file without any reference to another file or host.

    Args:
        result: the study's finished runs.
        dataset: what they were trained and tested on.
        path: of the HTML file; its folder is made if need be.
        charts: a folder that gets every chart and image grid as PNG and SVG.
        topics: what else there is to say, shown before the data.

    Raises:
        StoreError: no runs, or predictions that are not of this data set.
        HandlensError: the file or folder cannot be written.
    """
    check(result, dataset)
    chosen = result.chosen
    data = data_section(dataset, chosen.predictions[0].indices)
    accuracy, *curves = figures_of(result)
    matrix = confusion(chosen.tests) if chosen.tests else None
    confusions = [] if matrix is None else matrices(matrix, dataset.classes)
    grid = mistake_grid(chosen, dataset)
    figures = [accuracy, *curves, *confusions, *topic.figures_of(topics), *data.figures]
    grids = [data.grid, *([grid] if grid else []), *topic.grids_of(topics)]
    context = (
        _words(result, dataset)
        | _lines(result)
        | {
            "accuracy": accuracy,
            "curves": curves,
            "confusions": confusions,
            "pairs_said": [] if matrix is None else _pair_words(matrix, dataset.classes),
            "mistakes": grid,
            "data": data,
            "topics": topics,
            "grids": grids,
        }
    )
    page.write("study.html", context, figures, path)
    if charts is not None:
        page.write_charts(figures, grids, charts)


def _words(result: StudyResult, dataset: Dataset) -> dict[str, Any]:
    """All that the page says without charts and tables."""
    return {
        "title": result.title or result.name,
        "headline": summary.headline(result),
        "sentences": summary.paragraphs(result),
        "dataset": dataset,
        "noun": noun(result),
        "looks_said": summary.looks(result),
        "curves_reading": f"{reading(_drawn(result))} {learned_words(result)}".strip(),
        "chosen": result.chosen,
        "environment": environment(result.chosen),
        "commands": commands(result),
        "notes": notes(result, dataset),
    }


def _lines(result: StudyResult) -> dict[str, Any]:
    """The tables of the page, and which colour stands for what."""
    selection, texts = select(result), cells(result.rows)
    drawn = _drawn(result)
    colours = recipe_colours([member.name for member in drawn])
    for i, (row, text) in enumerate(zip(result.rows, texts, strict=True)):
        text["description"] = row.description if row.description != row.model else ""
        text["tag"] = selection.tags[i]
        text["colour"] = colours[row.model] if i in selection.drawn else ""
    learned = [member.name for member in drawn if any(run.history for run in member.runs)]
    return {
        "rows": [texts[i] for i in selection.shown],
        "folded": [texts[i] for i in selection.folded],
        "folded_said": folded_words(result, selection),
        "one_device": len({row.device for row in result.rows}) == 1,
        "curve_colours": [(name, colours[name]) for name in learned],
        "runs": [
            (member.name, run, member.tests[i].look.scores.accuracy if member.tests else None)
            for member in result.members
            for i, run in enumerate(member.runs)
        ],
    }


def _drawn(result: StudyResult) -> list[Member]:
    """The members that the charts show."""
    return [result.members[i] for i in select(result).drawn]


def check(result: StudyResult, dataset: Dataset) -> None:
    """Raise `StoreError` unless the result has runs and its predictions fit the data set."""
    if not result.members:
        raise StoreError(
            "the study has no finished run", where=result.name, remedy="run it first: handlens run"
        )
    for member in result.members:
        tested = {said.probabilities.shape for said in member.tests}
        for run, said in zip(member.runs, member.predictions, strict=True):
            fits = run.classes == dataset.classes and tested <= {(len(dataset.test), len(dataset.classes))}
            within = not len(said.indices) or said.indices.max() < len(dataset.train)
            if not (fits and within):
                raise StoreError(
                    f"the predictions of {member.name!r} are not of the data set {dataset.name!r}",
                    where=run.trial.hash,
                    expected=f"{len(dataset.test)} test images of {len(dataset.classes)} classes",
                    remedy="give the data set that the study was run on",
                )


def commands(result: StudyResult) -> list[str]:
    """What to type to get the same numbers: the study's command, else those of its runs."""
    if result.command:
        return [result.command]
    return _unique(run.environment.command for member in result.members for run in member.runs)


def notes(result: StudyResult, dataset: Dataset) -> list[str]:
    """What failed, and the notes of the data set and of the runs, each once."""
    return _unique(
        chain(
            result.failures,
            dataset.notes,
            (note for m in result.members for run in m.runs for note in run.notes),
        )
    )


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def _pair_words(matrix: NDArray[np.int64], classes: Sequence[str]) -> list[str]:
    """The commonest mistakes in words."""
    return [
        f"{classes[p.true]} taken for {classes[p.given]}: {formats.plural(p.count, 'time')} in "
        f"{formats.whole(p.of)} ({formats.percent(p.count / p.of)} %)"
        for p in worst_pairs(matrix)
    ]


def figures_of(result: StudyResult) -> list[Figure]:
    """The charts that need no data set: accuracies and learning curves, of a dozen members at most."""
    drawn, words = _drawn(result), learned_words(result)
    rows = [result.rows[i] for i in select(result).drawn]
    curves = learning_curves(drawn, recipe_colours([row.model for row in rows]))
    curves = [replace(figure, caption=f"{figure.caption} {words}".strip()) for figure in curves]
    return [accuracies(rows, drawn_words(result)), *curves]
