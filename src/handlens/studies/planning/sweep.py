"""A sweep: several values for fields of the recipes, multiplied or side by side."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from handlens.errors import SpecError
from handlens.spec import Estimator, to_text
from handlens.studies.planning.fields import NONE

LIMIT, TRIALS = 10_000, 100_000  # configurations; configurations times replicates
RANGES = ("linspace", "logspace")


@dataclasses.dataclass(frozen=True)
class Axis:
    """Keys whose values are taken together: each of `settings` has one value for each of `keys`."""

    keys: tuple[str, ...]
    settings: tuple[tuple[Any, ...], ...]


Sweep = tuple[Axis, ...]


def read_sweep(table: Mapping[str, Any], where: str) -> Sweep:
    """The axes of a `[sweep]` table: first its keys, then the groups of `zip`, as they are written.

    Raises:
        SpecError: no list or range, an empty one, lists of unlike lengths in a group, a key that stands
            twice.
    """
    groups = table.get("zip", ())
    if not isinstance(groups, Sequence) or not all(isinstance(group, Mapping) for group in groups):
        raise SpecError("zip is not a list of tables", where=where, remedy="write [[sweep.zip]]")
    plain = _flat({key: value for key, value in table.items() if key != "zip"}, where)
    axes = [Axis((key,), tuple((v,) for v in _values(raw, f"{where} {key}"))) for key, raw in plain]
    axes += [_group(group, f"{where} zip {number}") for number, group in enumerate(groups, 1)]
    keys = [key for axis in axes for key in axis.keys]
    for key in keys:
        if keys.count(key) > 1:
            raise SpecError(f"{key} stands there {keys.count(key)} times", where=where, expected="once")
    return tuple(axes)


def _flat(table: Mapping[str, Any], where: str, before: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their values: TOML makes tables of them where they are not quoted."""
    for name, value in table.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping) and value and not any(word in value for word in RANGES):
            yield from _flat(value, where, f"{key}.")
        else:
            yield key, value


def _group(table: Mapping[str, Any], where: str) -> Axis:
    columns = {key: _values(raw, f"{where}: {key}") for key, raw in _flat(table, where)}
    lengths = {key: len(values) for key, values in columns.items()}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise SpecError(said or "no keys", where=where, expected="lists of one length, taken together")
    return Axis(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def bounded(count: int, where: str) -> None:
    """Refuse more configurations than anybody can mean."""
    if count > LIMIT:
        raise SpecError(f"{count:,} configurations", where=where, expected=f"at most {LIMIT:,}")


def bounded_trials(configurations: int, replicates: int, where: str) -> None:
    """Refuse more trials than anybody can mean, before any of them is made."""
    count = configurations * replicates
    if count > TRIALS:
        each = "configuration" if configurations == 1 else "configurations"
        said = f"{count:,} trials ({configurations:,} {each}, {replicates:,} replicates each)"
        raise SpecError(said, where=where, expected=f"at most {TRIALS:,}", remedy="ask for fewer replicates")


def _values(raw: Any, where: str) -> tuple[Any, ...]:
    if isinstance(raw, Mapping):
        return _range(raw, where)
    raw = raw.tolist() if hasattr(raw, "tolist") else raw  # an array of NumPy's
    if not isinstance(raw, list | tuple):
        expected = "a list, { linspace = [first, last, count] } or { logspace = [first, last, count] }"
        raise SpecError(f"got {raw!r}", where=where, expected=expected)
    if not raw:
        raise SpecError("a list without values", where=where, expected="at least one")
    bounded(len(raw), where)
    return tuple(_plain(value, where) for value in raw)


def _plain(value: Any, where: str) -> Any:
    value = value.item() if hasattr(value, "item") else value  # a number of NumPy's
    if value is None:
        return NONE
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return str(value) if isinstance(value, Estimator) else to_text(value)
    if isinstance(value, list | tuple):
        return tuple(_plain(inner, where) for inner in value)
    if not isinstance(value, bool | int | float | str) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        raise SpecError(
            f"got {value!r}", where=where, expected="numbers, texts, true or false, or lists of these"
        )
    return value


def _range(table: Mapping[str, Any], where: str) -> tuple[float, ...]:
    kind = next(iter(table), "")
    if len(table) != 1 or kind not in RANGES:
        raise SpecError(f"got {dict(table)!r}", where=where, expected="either linspace or logspace")
    three = table[kind]
    if not isinstance(three, list | tuple) or len(three) != 3:
        raise SpecError(f"{kind} is {three!r}", where=where, expected="[first, last, count]")
    first, last, count = three
    for end in (first, last):
        if isinstance(end, bool) or not isinstance(end, int | float) or not abs(end) < 1e300:
            raise SpecError(f"{kind} has {end!r}", where=where, expected="numbers as first and last")
        if kind == "logspace" and end <= 0:
            raise SpecError(f"logspace has {end!r}", where=where, expected="first and last above 0")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise SpecError(f"{kind} has a count of {count!r}", where=where, expected="a whole number from 1")
    bounded(count, where)
    return _spaced(kind, first, last, count)


def _spaced(kind: str, first: float, last: float, count: int) -> tuple[float, ...]:
    """The numbers of a range, to 12 significant digits: a trial's hash is made of them."""
    shares = [Fraction(i, count - 1) for i in range(1, count - 1)]
    if kind == "linspace":
        a, b = Fraction(str(first)), Fraction(str(last))  # decimals are exact here: 0.1 + 0.2 is 0.3
        inner = [float(a + (b - a) * share) for share in shares]
    else:
        low, high = math.log10(first), math.log10(last)
        inner = [10 ** (low + (high - low) * float(share)) for share in shares]
    numbers = [first, *(float(f"{x:.12g}") for x in inner), *([last] if count > 1 else [])]
    whole = isinstance(first, int) and isinstance(last, int) and all(x == int(x) for x in numbers)
    return tuple(int(x) if whole else float(x) for x in numbers)
