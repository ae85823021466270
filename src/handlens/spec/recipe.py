"""Recipes: all that decides how a model is made, from TOML, from Python or from the zoo, as frozen data."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.resources
import json
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from handlens.errors import SpecError, did_you_mean
from handlens.spec.network import LAYERS, Count, Layer, Positive
from handlens.spec.source import source_of
from handlens.spec.text import description, parse, parse_call, parse_list, to_text
from handlens.spec.training import (
    AUGMENTATIONS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    SGD,
    Augmentation,
    Constant,
    Loss,
    Optimizer,
    Schedule,
    SoftmaxCrossEntropy,
)

Name = Annotated[str, Field(min_length=1, max_length=80)]
Preparation = Literal["unit", "standardize", "standardize-pixels"]
Monitor = Literal["accuracy", "macro_f1", "loss"]


@description
class Estimator:
    """A scikit-learn classifier: a short name (`forest`) or an import path, with its arguments."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.-]*$")]
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        inner = ", ".join(f"{k}={v!r}" for k, v in self.arguments.items())
        return f"{self.name}({inner})" if inner else self.name


@description
class NetworkRecipe:
    """A network and its training. The softmax head over the data set's classes is added by the engine.

    Attributes:
        prepare: pixels to [0, 1] (`unit`), minus the training images' one mean over their one deviation
            (`standardize`), or pixel by pixel (`standardize-pixels`).
        reduction: a batch's gradient is the `mean` or the `sum` over its images.
        clip_norm: a gradient longer than this is shortened to it.
        ema: the share that a running average of the weights keeps at each step; the average is what is
            validated and kept. None: the weights themselves.
        augment: how training images are changed.
        patience: stop after so many epochs without a better validation `monitor`; None: never.
        keep: the weights of the `last` epoch or of the one with the `best` validation `monitor`.
        engine: `scratch`, or `keras`, which also knows the precision `bfloat16`: products of short numbers,
            with weights of float32.
    """

    name: Name
    layers: tuple[Layer, ...]
    optimizer: Optimizer = SGD()
    schedule: Schedule = Constant()
    loss: Loss = SoftmaxCrossEntropy()
    epochs: Count = 10
    batch_size: Count = 128
    prepare: Preparation = "unit"
    reduction: Literal["mean", "sum"] = "mean"
    clip_norm: Positive | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    augment: Augmentation | None = None
    patience: Count | None = None
    monitor: Monitor = "accuracy"
    keep: Literal["last", "best"] = "last"
    engine: Literal["scratch", "keras"] = "scratch"
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        if self.precision != "float32" and self.engine != "keras":
            raise SpecError(f"precision {self.precision}", expected='engine = "keras", or precision float32')


@description
class EstimatorRecipe:
    """A scikit-learn classifier on the prepared pixels, a row an image."""

    name: Name
    estimator: Estimator
    prepare: Preparation = "unit"
    engine: Literal["classic"] = "classic"


@description
class KerasRecipe:
    """A Keras model that a function of the user's own builds, and its training.

    Attributes:
        model: `module:function`; the module is found from the current directory, then as Python finds it.
        source: sha256 of the module's file, so that a changed file is another trial; found when the recipe is
            made unless given. What the module itself imports is not looked at.
        optimizer, loss: None: what the model is compiled with; where it is not, `Adam()` and
            `SoftmaxCrossEntropy()`.
        schedule: of the learning rate; for an optimizer that has one of its own: `Constant()`.

    The other attributes are those of a `NetworkRecipe`.

    Raises:
        SpecError: there is no such module.
    """

    name: Name
    model: str
    source: str = ""
    optimizer: Optimizer | None = None
    schedule: Schedule = Constant()
    loss: Loss | None = None
    epochs: Count = 10
    batch_size: Count = 128
    prepare: Preparation = "unit"
    augment: Augmentation | None = None
    patience: Count | None = None
    monitor: Monitor = "accuracy"
    keep: Literal["last", "best"] = "last"
    engine: Literal["keras"] = "keras"

    def __post_init__(self) -> None:
        module, _, function = self.model.partition(":")
        if not (function.isidentifier() and all(part.isidentifier() for part in module.split("."))):
            expected = "module:function, such as 'mymodule:build_model'"
            raise SpecError(f"model is {self.model!r}", expected=expected)
        if not self.source:
            object.__setattr__(self, "source", source_of(module))


Recipe = NetworkRecipe | KerasRecipe | EstimatorRecipe
KINDS = {"layers": NetworkRecipe, "model": KerasRecipe, "estimator": EstimatorRecipe}
PARTS = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "loss": LOSSES, "augment": AUGMENTATIONS}


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data with every default written out: what a trial's hash is made of."""
    plain: dict[str, Any] = {}
    for f in dataclasses.fields(recipe):
        value = getattr(recipe, f.name)
        if f.name == "layers":
            plain[f.name] = [to_text(layer, full=True) for layer in value]
        elif isinstance(value, Estimator):
            plain[f.name] = str(value)
        else:
            plain[f.name] = to_text(value, full=True) if dataclasses.is_dataclass(value) else value
    return plain


def from_dict(table: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
    """A recipe from a TOML table; `use = "forest"` starts from a recipe of the zoo.

    Raises:
        SpecError: unknown keys, layers or arguments; not one of `layers`, `estimator` and `model`.
    """
    fields = dict(table)
    if "use" in fields:
        base = to_dict(zoo(_text(fields.pop("use"), f"{where}: use"), where=f"{where}: use"))
        fields = base | fields
    where = f"{where} {fields['name']!r}" if isinstance(fields.get("name"), str) else where
    kinds = [kind for key, kind in KINDS.items() if key in fields]
    if len(kinds) != 1:
        raise SpecError(
            "a recipe has either layers, an estimator or a model",
            where=where,
            remedy='write layers = ["Flatten()", ...], estimator = "forest" or model = "module:function"',
        )
    kind: Any = kinds[0]
    known = [f.name for f in dataclasses.fields(kind)]
    for key in fields:
        if key not in known:
            raise SpecError(f"unknown key {key!r}", where=where, remedy=did_you_mean(key, known))
    if "layers" in fields:
        fields["layers"] = _layers(fields["layers"], where)
    if "estimator" in fields:
        fields["estimator"] = estimator(_text(fields["estimator"], where), where=where)
    for key, known_parts in PARTS.items():
        if fields.get(key) is not None:
            place = f"{where}: {key}"
            fields[key] = parse(_text(fields[key], place), known_parts, where=place)
    try:
        recipe: Recipe = kind(**fields)
        return recipe
    except SpecError as error:
        error.where = where
        raise


def estimator(text: str, *, where: str = "") -> Estimator:
    """An `Estimator` from `forest(n_estimators=300)`; the hyphens of short names are kept."""
    head, paren, rest = text.partition("(")
    name, arguments = parse_call(head.strip().replace("-", "_") + paren + rest, where=where)
    return Estimator(name if "." in name else name.replace("_", "-"), arguments)


@functools.cache
def zoo_names() -> tuple[str, ...]:
    """The names of the recipes that come with handlens, in the order of the zoo's file."""
    return tuple(_zoo_tables())


def zoo(name: str, *, where: str = "") -> Recipe:
    """A recipe that comes with handlens, e.g. `forest` or `mlp-500-300` (also known as `mlp`).

    Raises:
        SpecError: no such recipe.
    """
    tables = _zoo_tables()
    also = {other: key for key, table in tables.items() for other in table.get("also", [])}
    key = also.get(name, name)
    if key not in tables:
        raise SpecError(
            f"no recipe is called {name!r}", where=where, remedy=did_you_mean(name, [*tables, *also])
        )
    table = {k: v for k, v in tables[key].items() if k != "also"}
    return from_dict({"name": key} | table, where="zoo")


def digest(plain: Mapping[str, Any]) -> str:
    """sha256 (hex) of plain data, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _zoo_tables() -> dict[str, dict[str, Any]]:
    text = importlib.resources.files("handlens.spec").joinpath("zoo.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise SpecError(f"got {value!r}", where=where, expected="a text in quotes")
    return value


def _layers(value: Any, where: str) -> tuple[Layer, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise SpecError(f"layers is {value!r}", where=where, expected="a list of texts like 'Dense(64)'")
    found: list[Layer] = []
    for text in texts:
        place = f"{where}: layers[{len(found)}]"  # counted from 0, as Python and the keys of sweeps do
        found += parse_list(_text(text, place), LAYERS, where=place)
    return tuple(found)
