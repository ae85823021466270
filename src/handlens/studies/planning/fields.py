"""What of a recipe can be set by a key: `epochs`, `optimizer.learning_rate`, `layers.l2`, `estimator.C`."""

from __future__ import annotations

import dataclasses
from typing import Any

from handlens.errors import SpecError
from handlens.spec import Estimator, EstimatorRecipe, KerasRecipe, Layer, Recipe, Residual, from_dict, to_dict
from handlens.spec.recipe import PARTS

NONE = "none"  # how a text says that a field which may be left out is left out
INNER = ("layers", "shortcut")  # of a residual block: layers, not arguments


def settable(recipe: Recipe) -> set[str]:
    """The keys that `with_value` takes for this recipe.

    `epochs`: a field of the recipe. `optimizer.learning_rate`: an argument of a part; those of `augment` are
    there even where the recipe has none yet. `layers.l2`: an argument of all layers that have it, those
    inside residual blocks too. `layers.0.units`: of one layer, counted from 0. `estimator.C`: an argument of
    the scikit-learn class, whether it was written before or not.

    Raises:
        SpecError: an estimator that cannot be built.
    """
    keys = {f.name for f in dataclasses.fields(recipe)} - {"name", "source"}
    if isinstance(recipe, EstimatorRecipe):
        return keys | {f"estimator.{name}" for name in _arguments(recipe.estimator)}
    for head in PARTS:
        keys |= {f"{head}.{name}" for name in _names(_part(recipe, head))}
    for position, layer in enumerate(getattr(recipe, "layers", ())):  # a model of the user's own shows none
        keys |= {f"layers.{position}.{name}" for name in _names(layer)}
        keys |= {f"layers.{name}" for name in _names_within(layer)}
    return keys


def with_value(recipe: Recipe, key: str, value: Any) -> Recipe:
    """The recipe with another value of one of its `settable` keys.

    `value` is plain: a number, text, boolean or tuple of these. The text `none` stands for nothing where
    nothing is the default.

    Raises:
        SpecError: a value that the field refuses.
    """
    head, _, name = key.partition(".")
    if not name:
        return _with_field(recipe, key, _said(recipe, key, value))
    if isinstance(recipe, EstimatorRecipe):
        value = None if value == NONE and _arguments(recipe.estimator)[name] is None else value
        arguments = recipe.estimator.arguments | {name: value}
        return dataclasses.replace(recipe, estimator=Estimator(recipe.estimator.name, arguments))
    if isinstance(recipe, KerasRecipe) or head != "layers":
        return dataclasses.replace(recipe, **{head: _changed(_part(recipe, head), name, value)})
    position, _, argument = name.rpartition(".")
    layers = tuple(
        _changed(layer, argument, value)
        if position == str(i)
        else layer
        if position
        else _changed_within(layer, name, value)
        for i, layer in enumerate(recipe.layers)
    )
    return dataclasses.replace(recipe, layers=layers)


def _with_field(recipe: Recipe, key: str, value: Any) -> Recipe:
    if key in PARTS or key in ("layers", "estimator"):  # texts to be read
        return from_dict(to_dict(recipe) | {key: _lists(value)})
    changed = {key: value} | ({"source": ""} if key == "model" else {})  # found anew
    try:
        return dataclasses.replace(recipe, **changed)
    except SpecError as error:
        error.where = f"recipe {recipe.name!r}"
        raise


def _arguments(estimator: Estimator) -> dict[str, Any]:
    """The arguments of an estimator's class, each with the value that it has here."""
    from handlens.engines.classic import build

    return dict(build(estimator, seed=0).get_params(deep=False))


def _part(recipe: Recipe, head: str) -> Any:
    """A recipe's optimizer, schedule, loss or augmentation; where it has none, the one that it might have."""
    part = getattr(recipe, head)
    kinds = tuple(PARTS[head].values())
    return kinds[0]() if part is None and len(kinds) == 1 else part


def _names(part: Any) -> set[str]:
    names = set() if part is None else {f.name for f in dataclasses.fields(part)}
    return names - set(INNER) if isinstance(part, Residual) else names


def _names_within(layer: Layer) -> set[str]:
    inner = (*layer.layers, *layer.shortcut) if isinstance(layer, Residual) else ()
    return _names(layer).union(*map(_names_within, inner))


def _changed_within(layer: Layer, name: str, value: Any) -> Layer:
    """The layer, and those inside it, with another argument where they have it."""
    made = _changed(layer, name, value) if name in _names(layer) else layer
    if not isinstance(made, Residual):
        return made
    layers, shortcut = (
        tuple(_changed_within(inner, name, value) for inner in side) for side in (made.layers, made.shortcut)
    )
    return dataclasses.replace(made, layers=layers, shortcut=shortcut)


def _changed(part: Any, name: str, value: Any) -> Any:
    return dataclasses.replace(part, **{name: _said(part, name, value)})


def _said(part: Any, name: str, value: Any) -> Any:
    """The value, or nothing where the text says so and nothing is the field's default."""
    default = {f.name: f.default for f in dataclasses.fields(part)}[name]
    return None if value == NONE and default is None else value


def _lists(value: Any) -> Any:
    """As it would come out of a TOML file, where there are lists and no tuples."""
    return [_lists(inner) for inner in value] if isinstance(value, tuple) else value
