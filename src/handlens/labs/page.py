"""The labs as one HTML file: tables, answers, and the charts that the labs draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handlens.labs import charts
from handlens.labs.answers import answers
from handlens.labs.cells import cells, past_cells
from handlens.labs.effort import effort
from handlens.labs.lines import lines
from handlens.labs.past import past
from handlens.labs.run import Found, Part
from handlens.labs.variants import KERAS, OURS
from handlens.report import page
from handlens.report.charts.comparison import comparison
from handlens.report.charts.curves import learning_curves, reading
from handlens.report.charts.figure import Figure, recipe_colours
from handlens.report.charts.matrix import matrices
from handlens.report.charts.roc import MOST_CLASSES, roc_figures, rocs
from handlens.report.mistakes import confusion
from handlens.report.pictures import Grid
from handlens.report.sections import DataSection, data_section
from handlens.studies.storage.result import Member

# Whose confusion matrix is drawn; whose ROC curves; whose guesses are shown.
MATRIX = {"a": ("dense-512-256", "forest-100"), "b": ("lenet-average",), "c": ("hidden-300-300",)} | {
    "d": ("n-300 learning_rate=0.0005",),
    "e-scratch": ("relu-300x3",),
    "e-keras": ("lenet",),
    "e-fashion": ("three-conv-leaky",),
}
ROC = {"a": "dense-512-256", "c": "hidden-300-300", "e-scratch": "relu-300x3"}
GUESSES = {"d": "n-300 learning_rate=0.0005"}
MOST = 12  # configurations in a chart


@dataclass(eq=False)
class Group:
    """Charts that stand side by side, with their words."""

    title: str
    figures: list[Figure]
    layout: str = "trio"
    colours: list[tuple[str, str]] = field(default_factory=list)
    dashes: bool = False
    words: str = ""


def write_page(found: Sequence[Found], path: Path, command: str, banner: str = "") -> None:
    """Write the page; `banner` is said first.

    Raises:
        HandlensError: the file cannot be written.
    """
    sections = [_section(one) for one in found]
    figures = [figure for section in sections for figure in section["figures"]]
    grids = [grid for section in sections for grid in section["grids"]]
    context = {
        "title": "The five labs, reproduced",
        "banner": banner,
        "command": command,
        "effort": effort(found),
        "labs": sections,
        "grids": grids,
    }
    page.write("labs.html", context, figures, path)


def _section(found: Found) -> dict[str, Any]:
    groups = [group for part in found.parts for group in _groups(part)]
    looked = [found.part(name) for name in (found.lab.data, found.lab.other_data) if name]
    data = [renamed_data(part) for part in looked if part.dataset is not None]
    guesses = [grid for part in found.parts if (grid := _guesses(part))]
    figures = [figure for group in groups for figure in group.figures]
    made = lines(found)
    return {
        "name": found.lab.name,
        "title": found.lab.title,
        "absent": list(dict.fromkeys(part.absent for part in found.parts if part.absent)),
        "samples": list(dict.fromkeys(part.sample for part in found.parts if part.sample)),
        "rows": [(cells(line, found), line.verdict.kind if line.verdict else "") for line in made],
        "answers": answers(found),
        "past": [past_cells(p) for p in past(found)],
        "groups": groups,
        "guesses": guesses,
        "data": data,
        "notes": _notes(found),
        "figures": [*figures, *(figure for _, section in data for figure in section.figures)],
        "grids": [*guesses, *(section.grid for _, section in data)],
    }


def _notes(found: Found) -> list[str]:
    """What failed, and what is said of the data."""
    texts = [text for part in found.parts if part.result for text in part.result.failures]
    texts += [note for part in found.parts if part.dataset for note in part.dataset.notes]
    return list(dict.fromkeys(texts))


def _groups(part: Part) -> list[Group]:
    """The charts of one study."""
    if part.result is None:
        return []
    groups = [_comparison(part), *_curves(part), *_sweep(part), *_matrices(part), *_roc(part)]
    for group in groups:
        group.figures = [charts.renamed(figure, part.name) for figure in group.figures]
    return groups


def _shown(part: Part, *, ours: bool) -> list[Member]:
    """The first configurations of a study in its order, none of Keras's: these lie on top of ours."""
    assert part.result is not None
    order = {name: i for i, name in enumerate(recipe.name for recipe in part.used.recipes)}
    members = [m for m in part.result.members if KERAS not in m.name]
    members = [m for m in members if ours or not m.name.startswith(OURS)]
    return sorted(members, key=lambda m: (order.get(m.family, 0), m.name))[:MOST]


def _comparison(part: Part) -> Group:
    rows = [member.row() for member in _shown(part, ours=True)]
    return Group(f"{part.study.title}: accuracy, F1 and time", comparison(rows))


def _curves(part: Part) -> list[Group]:
    members = _shown(part, ours=False)
    colours = recipe_colours([member.name for member in members])
    figures = learning_curves(members, colours)
    if not figures:
        return []
    taught = [(m.name, colours[m.name]) for m in members if any(run.history for run in m.runs)]
    words = "Training scores are taken while the weights move, so they lag behind the finished epoch's."
    return [
        Group("Loss, accuracy and F1 by epoch", figures, "trio", taught, True, f"{reading(members)} {words}")
    ]


def _sweep(part: Part) -> list[Group]:
    if not part.study.sweep or not part.name.startswith("b"):
        return []
    figure = charts.sweep(part)
    if figure is None:
        return []
    group = Group("The sweep", [figure], "one", charts.sweep_key(part))
    return [group]


def _matrices(part: Part) -> list[Group]:
    found = []
    for i, name in enumerate(MATRIX.get(part.name, ())):
        member = part.member(name)
        if member is not None and member.tests and part.dataset is not None:
            figures = matrices(confusion(member.tests), part.dataset.classes)
            made = [charts.renamed(figure, str(i)) for figure in figures]
            words = (
                "Test images, summed over the replicates. Rows: the class shown; columns: the class given."
            )
            found.append(Group(f"What {name} takes for what", made, "duo", words=words))
    return found


def _roc(part: Part) -> list[Group]:
    name = ROC.get(part.name)
    member = part.member(name) if name else None
    if member is None or not member.tests or part.dataset is None:
        return []
    tested, classes = member.tests[0], part.dataset.classes
    drawn = sorted(rocs(tested), key=lambda roc: roc.area)[:MOST_CLASSES]
    names = [classes[i] for i in sorted(roc.class_index for roc in drawn)]
    figures = roc_figures(tested, classes)
    key = list(recipe_colours(names).items())
    return [Group(f"ROC curves of {name}, first replicate", figures, "duo", key, words=figures[0].caption)]


def _guesses(part: Part) -> Grid | None:
    name = GUESSES.get(part.name)
    member = part.member(name) if name else None
    if member is None or part.dataset is None:
        return None
    return charts.guesses(member, part.dataset, f"{part.name}-guesses")


def renamed_data(part: Part) -> tuple[str, DataSection]:
    """What a study's images look like, under names of its own."""
    assert part.dataset is not None
    held = None
    if part.result is not None:
        held = part.result.chosen.predictions[0].indices
    section = data_section(part.dataset, held)
    return part.dataset.title or part.dataset.name, dataclasses.replace(
        section,
        grid=dataclasses.replace(section.grid, name=f"{part.name}-{section.grid.name}"),
        counts=charts.renamed(section.counts, part.name),
        features=tuple(charts.renamed(figure, part.name) for figure in section.features),
    )
