"""More replicates for the recipes whose interval is too wide to judge the printed figure by."""

from __future__ import annotations

import dataclasses

from handlens.labs.chain import by_engine
from handlens.labs.lines import ENGINES, Line, lines
from handlens.labs.published import published
from handlens.labs.run import Asked, Found, Part, trained
from handlens.studies.planning.plan import configurations

STEPS = (5, 8)  # replicates in all


def settled(found: Found, how: Asked) -> Found:
    """The lab with further replicates where they can settle a verdict, in `STEPS`.

    Raises:
        HandlensError: as `run_lab`.
    """
    for replicates in STEPS:
        open_ones = [line for line in lines(found) if line.verdict and line.verdict.more]
        if not open_ones:
            break
        parts = tuple(_raised(part, _recipes(part, open_ones), replicates, how) for part in found.parts)
        found = dataclasses.replace(found, parts=parts)
    return found


def _recipes(part: Part, open_ones: list[Line]) -> set[str]:
    """The recipes of the part that the lines stand on: a continued one stands on its whole chain."""
    families = {c.name: c.family for c in configurations(part.used)}
    wanted = set()
    for line in open_ones:
        if line.study != part.name:
            continue
        wanted.add(families[line.name])
        if line.start == "continued":
            for chain in published().chains:
                if chain.study == part.name and line.row.recipe in chain.recipes:
                    keras = line.engine == ENGINES["keras"]
                    wanted |= {recipe.name for recipe in by_engine(part.used, chain.recipes, keras=keras)}
    return wanted


def _raised(part: Part, names: set[str], replicates: int, how: Asked) -> Part:
    if not names or part.dataset is None or part.used.replicates >= replicates:
        return part
    recipes = tuple(recipe for recipe in part.used.recipes if recipe.name in names)
    return trained(part, dataclasses.replace(part.used, recipes=recipes, replicates=replicates), how)
