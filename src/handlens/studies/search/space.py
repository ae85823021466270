"""What a search may choose from: ranges and lists of values for the fields of a recipe."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from handlens.errors import SpecError, did_you_mean
from handlens.spec import Recipe
from handlens.studies.planning.configurations import expand, value_text
from handlens.studies.planning.fields import settable, with_value
from handlens.studies.planning.sweep import RANGES, Axis, read_sweep

EXAMPLE = '"optimizer.learning_rate" = { low = 1e-4, high = 1e-1, log = true }'


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole ones where both, and `step`, are whole.

    `log`: as many between 0.01 and 0.1 as between 0.1 and 1.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @property
    def whole(self) -> bool:
        return all(isinstance(x, int) for x in (self.low, self.high, self.step or 1))

    @property
    def probes(self) -> tuple[int | float, ...]:
        """The values at which a field would refuse this range first."""
        return self.low, self.high

    @property
    def count(self) -> float:
        """How many values there are; infinity without steps."""
        step = self.step or (1 if self.whole else 0)
        return math.inf if not step else math.floor((self.high - self.low) / step * (1 + 1e-12)) + 1

    @property
    def last(self) -> int | float:
        """The largest value that the steps reach."""
        return self.high if self.step is None else self.low + (int(self.count) - 1) * self.step

    def value(self, drawn: Any) -> int | float:
        """A drawn number as the recipe gets it: at most 6 significant digits, within the range."""
        if self.whole:
            return int(drawn)
        return float(min(max(float(f"{drawn:.6g}"), self.low), self.high))

    def all(self) -> list[Any]:
        """Every value; those of a finite range only."""
        return [self.low + i * (self.step or 1) for i in range(int(self.count))]


@dataclass(frozen=True)
class Choices:
    """A few values; `labels` are their texts, all different."""

    values: tuple[Any, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(map(value_text, self.values))

    @property
    def probes(self) -> tuple[Any, ...]:
        return self.values

    @property
    def count(self) -> float:
        return len(self.values)

    def value(self, drawn: Any) -> Any:
        """The value of a label."""
        return self.values[self.labels.index(drawn)]

    def all(self) -> list[Any]:
        """Every label."""
        return list(self.labels)


Space = Mapping[str, Range | Choices]


def read_space(table: Any, recipe: Recipe, where: str) -> Space:
    """The space of a `[search.space]` table, each of its values tried on the recipe's fields.

    A key is one of a sweep's (`optimizer.learning_rate`, `layers.l2`, `layers.0.units`, `epochs`). It has a
    range `{ low, high, log, step }`, a list, or one of a sweep's `linspace` and `logspace`. A key that only
    some choices leave a place for (`optimizer.momentum` beside `optimizer = ["SGD(0.1)", "Adam(0.001)"]`)
    makes no difference to the others.

    Raises:
        SpecError: no key, a key that the recipe does not have, a value that its field refuses.
    """
    flat = dict(_flat(table)) if isinstance(table, Mapping) else {}
    if not flat:
        raise SpecError("nothing to choose from", where=where, remedy=f"write there {EXAMPLE}")
    space = {key: _axis(raw, key, where) for key, raw in flat.items()}
    variants = [recipe]
    for key, axis in space.items():
        if "." not in key and key in settable(recipe):
            variants += [_checked(recipe, key, value, where) for value in axis.probes]
    for key, axis in space.items():
        fits = next((variant for variant in variants if key in settable(variant)), recipe)
        for value in axis.probes:
            _checked(fits, key, value, where)
    return space


def size(space: Space) -> float:
    """How many configurations there are; infinity where a range has no steps."""
    return math.prod(axis.count for axis in space.values())


def with_values(recipe: Recipe, values: Mapping[str, Any]) -> tuple[Recipe, dict[str, Any]]:
    """The recipe with those of the values that it has a place for, and these; whole parts come first.

    Raises:
        SpecError: a value that its field refuses.
    """
    used = {}
    for key in sorted(values, key=lambda key: key.count(".")):
        if key in settable(recipe):
            recipe, used[key] = with_value(recipe, key, values[key]), values[key]
    return recipe, {key: value for key, value in values.items() if key in used}


def named(recipe: Recipe, values: Mapping[str, Any]) -> str:
    """What people call a configuration: `mlp learning_rate=0.00312 units=128`."""
    ends = [key.rpartition(".")[2] for key in values]
    shorts = [end if ends.count(end) == 1 else key for key, end in zip(values, ends, strict=True)]
    said = (f"{short}={value_text(value)}" for short, value in zip(shorts, values.values(), strict=True))
    return " ".join([recipe.name, *said])


def _checked(recipe: Recipe, key: str, value: Any, where: str) -> Recipe:
    try:
        (made,) = expand([recipe], (Axis((key,), ((value,),)),), where)
    except SpecError as error:
        error.where = error.where.replace(": [sweep]", "", 1)
        raise
    return made.recipe


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their values: TOML makes tables of them where they are not quoted."""
    words = {"low", "high", *RANGES}
    for name, value in table.items():
        if isinstance(value, Mapping) and value and not words & value.keys():
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _axis(raw: Any, key: str, where: str) -> Range | Choices:
    place = f"{where} {key}"
    if isinstance(raw, Mapping) and not any(word in raw for word in RANGES):
        return _range(raw, place)
    if not isinstance(raw, Mapping | list | tuple):
        expected = "a range such as { low = 1e-4, high = 0.1, log = true } or a list of values"
        raise SpecError(f"got {raw!r}", where=place, expected=expected)
    (axis,) = read_sweep({"value": raw}, place)
    choices = Choices(tuple(value for (value,) in axis.settings))
    for label in choices.labels:
        if choices.labels.count(label) > 1:
            raise SpecError(f"{label} stands there {choices.labels.count(label)} times", where=place)
    return choices


def _range(raw: Mapping[str, Any], where: str) -> Range:
    known = [f.name for f in fields(Range)]
    for word in raw:
        if word not in known:
            raise SpecError(f"unknown key {word!r}", where=where, remedy=did_you_mean(word, known))
    for word in ("low", "high"):
        if word not in raw:
            raise SpecError(f"{word} is missing", where=where, expected="{ low = ..., high = ... }")
    for word in ("low", "high", "step"):
        value = raw.get(word, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
            raise SpecError(f"{word} is {value!r}", where=where, expected="a number")
    made = Range(raw["low"], raw["high"], raw.get("log", False), raw.get("step"))
    if not made.low < made.high:
        raise SpecError(f"low is {made.low!r} and high {made.high!r}", where=where, expected="low below high")
    if not isinstance(made.log, bool):
        raise SpecError(f"log is {made.log!r}", where=where, expected="true or false")
    if made.log and (made.low <= 0 or made.step is not None):
        raise SpecError("log = true", where=where, expected="low above 0 and no step with it")
    if made.step is not None and not 0 < made.step <= made.high - made.low:
        raise SpecError(f"step is {made.step!r}", where=where, expected="above 0, at most high - low")
    return made
