"""The recipes of a study, however Python or a TOML file gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlens.errors import SpecError
from handlens.spec import Recipe, from_dict, zoo

EXPECTED = 'a list of names such as "knn", of tables such as {"use": "mlp", "epochs": 5}, or of recipes'


def read_recipes(recipes: Any, where: str) -> tuple[Recipe, ...]:
    """Each of a list: the name of a recipe of the zoo, a table as of `[[recipe]]`, or a recipe.

    Raises:
        SpecError: no list, an empty one, something else in it, two recipes of one name.
    """
    if isinstance(recipes, str | Mapping | Recipe):
        raise SpecError(
            f"recipes is {recipes!r:.80}", where=where, expected=EXPECTED, remedy="write [...] around it"
        )
    if not isinstance(recipes, list | tuple):
        raise SpecError(f"recipes is {recipes!r:.80}", where=where, expected=EXPECTED)
    made = tuple(_recipe(recipe, f"{where}: recipe {i}") for i, recipe in enumerate(recipes, 1))
    if not made:
        raise SpecError("no recipe", where=where, remedy='add [[recipe]] with use = "forest"')
    names = [recipe.name for recipe in made]
    for name in names:
        if names.count(name) > 1:
            said = f"{names.count(name)} recipes are called {name!r}"
            raise SpecError(said, where=where, remedy="give each its name")
    return made


def _recipe(given: Any, where: str) -> Recipe:
    if isinstance(given, str):
        return zoo(given)
    if isinstance(given, Mapping):
        return from_dict(given, where=where)
    if isinstance(given, Recipe):
        return given
    expected = "a table as of [[recipe]], or in Python a name such as 'knn' or a recipe"
    raise SpecError(f"got {given!r:.80}", where=where, expected=expected)
