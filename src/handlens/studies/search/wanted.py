"""The description of a search, from a study's `[search]` table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlens.data import Dataset
from handlens.errors import SpecError, did_you_mean
from handlens.spec import Recipe, digest, to_dict
from handlens.studies.planning.plan import Study
from handlens.studies.planning.tomlfile import read_toml
from handlens.studies.search import methods
from handlens.studies.search.space import EXAMPLE, Space, read_space, size

TRIALS = 50  # the budget where none is said


@dataclasses.dataclass(frozen=True)
class Search:
    """What a search may choose and how it goes about it.

    Attributes:
        recipe: the study's recipe whose fields are searched.
        space: its fields, each with a range or choices.
        trials: budget, counted over all calls; None: no limit.
        minutes: budget, minutes of training over all calls; the trial in which it ends is finished.
        seed: of the sampler. Networks have the study's seed, as its first replicate has.
        storage: SQLAlchemy's address of a database; empty: a SQLite file `search/<study>.db` in the store.
    """

    recipe: Recipe
    space: Space
    sampler: methods.Method = ("tpe", {})
    pruner: methods.Method = ("median", {})
    trials: int | None = TRIALS
    minutes: float | None = None
    seed: int = 0
    storage: str = ""


def search_table(path: Path) -> Mapping[str, Any]:
    """The `[search]` table of a study's file that `read_study` has accepted.

    Raises:
        SpecError: there is none.
    """
    table = read_toml(path).get("search")
    if not isinstance(table, dict):
        raise SpecError("no [search]", where=path, remedy=f"add [search.space] with {EXAMPLE}")
    return table


def read_search(table: Mapping[str, Any], study: Study, where: str = "[search]") -> Search:
    """The search that a table describes, checked against the study's recipes.

    Where the study has several recipes, `recipe` names the one. A sweep of the study takes no part.

    Raises:
        SpecError: unknown keys, sampler or pruner, a budget of nothing, a space that does not fit the recipe.
        MissingExtra: Optuna is not installed.
    """
    known = [f.name for f in dataclasses.fields(Search)]
    for key in table:
        if key not in known:
            raise SpecError(f"unknown key {key!r}", where=where, remedy=did_you_mean(key, known))
    recipe = _recipe(table.get("recipe"), study, where)
    space = read_space(table.get("space"), recipe, f"{where} space")
    sampler = methods.read_method(table.get("sampler", "tpe"), methods.SAMPLERS, f"{where} sampler")
    if sampler[0] == "grid" and math.isinf(size(space)):
        key = next(key for key, axis in space.items() if math.isinf(axis.count))
        raise SpecError(
            "a range without steps has no grid", where=f"{where} space {key}", remedy="add a step"
        )
    minutes = _number(table, "minutes", float, where)
    seed, storage = table.get("seed", study.seed), table.get("storage", "")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecError(f"seed is {seed!r}", where=where, expected="a whole number from 0")
    if not isinstance(storage, str) or (storage and "://" not in storage):
        raise SpecError(
            f"storage is {storage!r}", where=where, expected="an address such as postgresql://server/database"
        )
    return Search(
        recipe,
        space,
        sampler,
        methods.read_method(table.get("pruner", "median"), methods.PRUNERS, f"{where} pruner"),
        _number(table, "trials", int, where) or (None if minutes else TRIALS),
        minutes,
        seed,
        storage,
    )


def question(study: Study, wanted: Search, dataset: Dataset) -> str:
    """Digest of all that decides what the trials will be, but for the budget."""
    recipe = {key: value for key, value in to_dict(wanted.recipe).items() if key != "name"}
    space = {key: repr(axis) for key, axis in wanted.space.items()}
    method = [str(wanted.sampler), str(wanted.pruner), wanted.seed]
    return digest(
        {
            "data": dataset.digest,
            "split": study.split.plain(),
            "seed": study.seed,
            "recipe": recipe,
            "space": list(space.items()),
            "method": method,
        }
    )


def _recipe(name: Any, study: Study, where: str) -> Recipe:
    recipes: dict[str, Recipe] = {recipe.name: recipe for recipe in study.recipes}
    if name is None and len(recipes) == 1:
        return next(iter(recipes.values()))
    if name is None:
        first = next(iter(recipes))
        raise SpecError(
            f"the study has {len(recipes)} recipes", where=where, remedy=f'say recipe = "{first}"'
        )
    if name not in recipes:
        raise SpecError(f"no recipe is called {name!r}", where=where, remedy=did_you_mean(str(name), recipes))
    return recipes[name]


def _number(table: Mapping[str, Any], key: str, kind: type[int | float], where: str) -> Any:
    value = table.get(key)
    allowed = (int, float) if kind is float else (int,)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, allowed) or not 0 < value < math.inf:
        expected = "a number above 0" if kind is float else "a whole number from 1"
        raise SpecError(f"{key} is {value!r}", where=where, expected=expected)
    return value
