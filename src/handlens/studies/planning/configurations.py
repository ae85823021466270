"""The configurations of a study: each of its recipes with each choice of its sweep's values."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from handlens.errors import SpecError, did_you_mean, our_name
from handlens.spec import Recipe, digest, to_dict
from handlens.studies.planning.fields import settable, with_value
from handlens.studies.planning.sweep import Sweep, bounded


@dataclasses.dataclass(frozen=True)
class Configuration:
    """A recipe with values of its study's sweep.

    Attributes:
        name: the family's and the values', e.g. `mlp l2=1e-05`; the family's alone where it is its only one.
        family: what the study calls the recipe.
        values: the sweep's keys that the recipe has, each with its value here.
    """

    name: str
    family: str
    recipe: Recipe
    values: Mapping[str, Any]


def expand(recipes: Sequence[Recipe], sweep: Sweep, where: str = "") -> tuple[Configuration, ...]:
    """Every configuration: recipe by recipe, the last axis varies fastest.

    An axis that a recipe does not have makes no configurations of it.

    Raises:
        SpecError: a key that no recipe has, a value that its field refuses, two equal configurations, more
            than 10,000.
    """
    place = f"{where}: [sweep]".removeprefix(": ")
    shorts = short_keys([key for axis in sweep for key in axis.keys])
    made: list[Configuration] = []
    for recipe in recipes:
        found = _of_recipe(recipe, sweep, place)
        for values, variant in found:
            said = "".join(f" {shorts[key]}={value_text(value)}" for key, value in values.items())
            name = recipe.name + (said if len(found) > 1 else "")
            made.append(Configuration(name, recipe.name, variant, values))
        bounded(len(made), place)
    used = {key for configuration in made for key in configuration.values}
    for key in shorts:
        if key not in used:
            known = set().union(*map(settable, recipes))
            raise SpecError(f"no recipe has {key!r}", where=place, remedy=_suggestion(key, known))
    _distinct(made, where)
    return tuple(made)


def value_text(value: Any) -> str:
    """A value as people read it in a configuration's name."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        inner = ", ".join(map(value_text, value))
        return inner if value and all(isinstance(v, str) for v in value) else f"({inner})"
    return " ".join(str(value).split())


def _of_recipe(recipe: Recipe, sweep: Sweep, where: str) -> list[tuple[dict[str, Any], Recipe]]:
    fields = {f.name for f in dataclasses.fields(recipe)}
    axes = [axis for axis in sweep if any(key.partition(".")[0] in fields for key in axis.keys)]
    bounded(math.prod(len(axis.settings) for axis in axes), where)
    found: dict[tuple[int | None, ...], tuple[dict[str, Any], Recipe]] = {}
    for chosen in itertools.product(*(range(len(axis.settings)) for axis in axes)):
        pairs = [zip(axis.keys, axis.settings[i], strict=True) for axis, i in zip(axes, chosen, strict=True)]
        values, variant = _applied(recipe, dict(itertools.chain(*pairs)), where)
        # What this recipe, or the optimizer that it has here, does not know makes no difference.
        differs = (i if values.keys() & axis.keys else None for axis, i in zip(axes, chosen, strict=True))
        found.setdefault(tuple(differs), (values, variant))
    return list(found.values())


def _applied(recipe: Recipe, wanted: dict[str, Any], where: str) -> tuple[dict[str, Any], Recipe]:
    """The recipe with those of the values that it has a place for, and which these are."""
    used = set()
    for dots in range(3):  # whole parts first, then their arguments, then those of single layers
        keys = [key for key in wanted if key.count(".") == dots]
        known = settable(recipe) if keys else set()
        for key in filter(known.__contains__, keys):
            try:
                recipe = with_value(recipe, key, wanted[key])
            except SpecError as error:
                error.where = f"{where} {key}: {error.where}".removesuffix(": ")
                raise
            used.add(key)
    return {key: value for key, value in wanted.items() if key in used}, recipe


def _distinct(made: Sequence[Configuration], where: str) -> None:
    recipes: dict[str, str] = {}
    for configuration in made:
        name = configuration.name
        plain = digest({k: v for k, v in to_dict(configuration.recipe).items() if k != "name"})
        if plain in recipes:
            said = f"{recipes[plain]!r} and {name!r} are the same configuration"
            raise SpecError(said, where=where, remedy="leave one of them out")
        recipes[plain] = name
    names = list(recipes.values())
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SpecError(f"two configurations are called {twice!r}", where=where, remedy="rename a recipe")


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """Each key's last word, or the whole key where two end alike."""
    ends = [key.rpartition(".")[2] for key in keys]
    return {key: end if ends.count(end) == 1 else key for key, end in zip(keys, ends, strict=True)}


def _suggestion(key: str, known: set[str]) -> str:
    """The key that was meant: as it is called here, one that ends so, one that begins so, or any."""
    key = our_name(key)
    if key in known:
        return f"did you mean {key!r}?"
    ends = sorted(k for k in known if k.endswith(f".{key}"))
    if ends:
        return f"did you mean {ends[0]!r}?"
    head, dot, _ = key.partition(".")
    near = {k for k in known if k.startswith(head + dot)} if dot else set()
    near = near if any(c.isdigit() for c in key) else {k for k in near if not any(c.isdigit() for c in k)}
    return did_you_mean(key, near or {k for k in known if "." not in k})
