"""Past the labs: a row of ours against the best figure that a lab printed for the same images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from handlens.evaluate import Interval
from handlens.labs.lines import ABSENT, FAILED, cut_down, interval_of
from handlens.labs.published import published
from handlens.labs.run import Found, Part
from handlens.labs.variants import OURS
from handlens.spec import Recipe


@dataclass(frozen=True)
class Past:
    """A row of ours against the best figure that the lab printed for the same images.

    `best` and `obtained` are accuracies (0-1); `said` what became of it.
    """

    lab: str
    study: str
    dataset: str
    name: str
    best: float
    obtained: Interval | None = None
    replicates: int = 0
    wall_s: float | None = None
    cpu_s: float | None = None
    device: str = ""
    said: str = ""
    notes: tuple[str, ...] = ()


def past(found: Found) -> tuple[Past, ...]:
    """Our rows of a lab."""
    return tuple(
        _ours(found, part, recipe)
        for part in found.parts
        for recipe in part.study.recipes
        if recipe.name.startswith(OURS)
    )


def _ours(found: Found, part: Part, recipe: Recipe) -> Past:
    best = best_printed(found, part.study.dataset)
    made = Past(found.lab.name, part.name, part.study.dataset, recipe.name.removeprefix(OURS), best)
    made = dataclasses.replace(made, notes=cut_down(part, recipe))
    member = part.member(recipe.name)
    if member is None or not member.tests:
        return dataclasses.replace(made, said=ABSENT if part.absent else FAILED)
    row, obtained = member.row(), interval_of(member, "accuracy")
    if part.quick or part.sample:
        said = "quick run: not judged" if part.quick else "sample: not judged"
    elif obtained.low > best:
        said = "beats all of them: its whole interval lies above"
    elif obtained.mean > best:
        said = "above all of them, but its interval holds the best one"
    else:
        said = "does not beat the best one"
    return dataclasses.replace(
        made,
        obtained=obtained,
        replicates=row.replicates,
        wall_s=row.fit_wall_s,
        cpu_s=row.fit_cpu_s,
        device=row.device,
        said=said,
    )


def best_printed(found: Found, dataset: str) -> float:
    """The best accuracy that the lab printed for that data set."""
    studies = {part.name for part in found.parts if part.study.dataset == dataset}
    values = [
        row.value if row.metric == "accuracy" else 1 - row.value
        for row in published().rows
        if row.study in studies and row.value is not None and row.metric in ("accuracy", "error")
    ]
    return max(values)
