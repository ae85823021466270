"""Studies as the page shows them: the table, charts, learning curves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from handlens.records import Epoch
from handlens.report import summary
from handlens.report.charts.accuracy import accuracies
from handlens.report.charts.curves import learning_curves
from handlens.report.charts.figure import PAGE_CONFIG, Figure, recipe_colours
from handlens.report.charts.matrix import matrices
from handlens.report.mistakes import confusion
from handlens.report.selection import family, select
from handlens.report.study import figures_of
from handlens.report.table import row_dict
from handlens.serve import grids
from handlens.serve.shelf import Shelf
from handlens.serve.site import Site, member
from handlens.studies.storage.result import Member, StudyResult, chosen_of_each
from handlens.studies.training.progress import plain, running


def listed(shelf: Shelf) -> dict[str, Any]:
    """A study in a list."""
    return {"name": shelf.name, "kind": shelf.kind, "title": shelf.title, "dataset": shelf.dataset} | counts(
        shelf
    )


def counts(shelf: Shelf) -> dict[str, Any]:
    """How far a study is."""
    return {
        "trials": shelf.trials(),
        "done": shelf.done(),
        "running": running(shelf.store.root, shelf.name),
    }


def whole(site: Site, name: str) -> dict[str, Any]:
    """A study with its table."""
    shelf = site.library.shelf(name)
    result = shelf.result()
    about = listed(shelf)
    if result is None:
        classes = list(shelf.images().classes)
        nothing: dict[str, Any] = {"tested": False, "looks": None, "looks_said": "", "models": []}
        return (
            about
            | nothing
            | {"classes": classes, "headline": "", "sentences": [], "notes": [], "failures": []}
        )
    return about | {
        "classes": list(result.chosen.runs[0].classes),
        "headline": summary.headline(result),
        "sentences": summary.paragraphs(result),
        "tested": any(m.tests for m in result.members),
        "looks": result.looks and dataclasses.asdict(result.looks),
        "looks_said": summary.looks(result),
        "notes": list(dict.fromkeys(note for m in result.members for run in m.runs for note in run.notes)),
        "failures": list(result.failures),
        "models": _lines(result),
    }


def _lines(result: StudyResult) -> list[dict[str, Any]]:
    chosen, colours = set(chosen_of_each(result.members)), _colours(result)
    return [
        row_dict(row)
        | {
            "family": family(m),
            "chosen": m in chosen,
            "colour": colours.get(m.name),
            "runs": [run.trial.hash for run in m.runs],
        }
        for row, m in zip(result.rows, result.members, strict=True)
    ]


def _colours(result: StudyResult) -> dict[str, str]:
    """Those of the report: of the configurations that its charts draw."""
    return recipe_colours([result.members[i].name for i in select(result).drawn])


def charts(site: Site, name: str, models: Sequence[str]) -> dict[str, Any]:
    """Accuracies, learning curves, and the confusion matrices of the first configuration."""
    _, result = site.result(name)
    members = [member(result, model) for model in dict.fromkeys(models)]
    key = ("charts", *(m.name for m in members))
    return site.once(result, key, lambda: grids.charts(_figures(result, members)))


def _figures(result: StudyResult, members: Sequence[Member]) -> list[Figure]:
    """The charts of some configurations; without any, those of the report."""
    if not members:
        figures, first = figures_of(result), result.chosen
    else:
        rows = [result.rows[result.members.index(m)] for m in members]
        colours = recipe_colours([m.name for m in members]) | _colours(result)
        figures, first = [accuracies(rows), *learning_curves(members, colours)], members[0]
    if first.tests:
        figures = [*figures, *matrices(confusion(first.tests), first.runs[0].classes)]
    return figures


def topics(site: Site, name: str) -> dict[str, Any]:
    """Verdicts, audits, curves: whatever else there is to say."""
    shelf, result = site.result(name)

    def make() -> dict[str, Any]:
        made = site.make_topics(result, shelf.images(), shelf.store)
        return {"config": PAGE_CONFIG, "topics": [grids.topic(topic) for topic in made]}

    return site.once(result, "topics", make)


def history(
    site: Site, name: str, models: Sequence[str], live: Mapping[str, Sequence[Epoch | dict[str, Any]]]
) -> dict[str, Any]:
    """Learning curves as numbers; `live` are the epochs of the trainings under way, by run."""
    shelf = site.library.shelf(name)
    result = shelf.result()
    curves = []
    for m in result.members if result else ():
        for run in m.runs:
            place = shelf.place(run.trial.hash)
            replicate = place.replicate if place else run.trial.seed + 1
            epochs = [plain(epoch) for epoch in run.history]
            curves.append(_curve(m.name, run.trial.hash, replicate, False, epochs))
    known = {curve["run"] for curve in curves}
    for hash, told in live.items():
        place = shelf.place(hash)
        if place and hash not in known:
            curves.append(_curve(place.model, hash, place.replicate, True, list(told)))
    return {"curves": [curve for curve in curves if not models or curve["model"] in models]}


def _curve(model: str, run: str, replicate: int, live: bool, epochs: list[Any]) -> dict[str, Any]:
    return {"model": model, "run": run, "replicate": replicate, "live": live, "epochs": epochs}
