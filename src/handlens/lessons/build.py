"""Instances of a student's thing, in sizes of ours: guessed from the constructor, tried by calling."""

from __future__ import annotations

import copy
import functools
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handlens.errors import SpecError
from handlens.lessons import bring, calls
from handlens.lessons.subject import Subject
from handlens.nn.arrays import Array
from handlens.nn.layers.base import Layer

Fresh = Callable[[], Subject]


@dataclass(frozen=True)
class Sizes:
    """Images, features in, features out; hidden units of a network."""

    n: int
    into: int
    out: int
    hidden: int


DISTINCT = Sizes(6, 5, 3, 4)  # a turned matrix does not fit, and stops
SQUARE = Sizes(4, 4, 4, 4)  # here it fits, and its numbers tell which matrix was turned

_BY_NAME = (
    (r"^(w|weights?|kernel)$", "weight"),
    (r"^(b|bias(es)?)$", "bias"),
    (r"rate|^lr$|^eta$|^alpha$", "rate"),
    (r"seed|random_state", "seed"),
    (r"^rng$|generator", "rng"),
    (r"sizes|dims$|^layers$|architecture|^shape$|layer_dims|topology", "chain"),
    (r"hidden", "hidden"),
    (r"batch", "n"),
    (r"^activation|^act$", "activation"),
    (r"out|units|neurons|classes|next|^k$", "out"),
    (r"in|prev|features|^d$", "into"),
)


def fresh_subjects(target: Any, sizes: Sizes) -> Iterator[Fresh]:
    """Ways to make a new subject of the target, the likeliest first. Some fail when they are called."""
    if isinstance(target, tuple):
        yield from _functions(target[0], target[1] if len(target) > 1 else None, sizes)
    elif inspect.isclass(target) or (inspect.isfunction(target) and not _is_forward(target)):
        yield from (_made(target, arguments) for arguments in _arguments(target, sizes))
    elif inspect.isroutine(target) or not hasattr(target, "__dict__") or _is_bare(target):
        yield from _functions(target, bring.partner(target), sizes)
    else:
        yield lambda: _methods(copy.deepcopy(target))


def _is_bare(target: Any) -> bool:
    return callable(target) and bring.method(target, bring.FORWARD[:-3]) is None


def _is_forward(function: Callable[..., Any]) -> bool:
    """Whether a function is a forward pass itself, not a maker of layers."""
    roles = [calls.role(name) for name in calls.required(function)]
    return any(r not in ("", "size") for r in roles) or bring.partner(function) is not None


def _functions(forward: Any, backward: Any, sizes: Sizes) -> Iterator[Fresh]:
    """Functions that are given their weights, in each orientation."""
    for function in (forward, backward):
        if function is not None and not callable(function):
            what = f"{function!r:.60} ({type(function).__name__}) cannot be called"
            raise SpecError(what, expected="a class, an object or functions with forward and backward")
    wanted = set(calls.roles_of(forward).values())
    if "weight" not in wanted:
        yield lambda: Subject((forward, backward), forward, backward)
        return
    for weight, bias in _parameters(sizes):
        given = {"weight": weight} | ({"bias": bias} if "bias" in wanted else {})
        yield functools.partial(_given, forward, backward, given)


def _given(forward: Any, backward: Any, given: dict[str, Array]) -> Subject:
    return Subject((forward, backward), forward, backward, {k: v.copy() for k, v in given.items()})


def _parameters(sizes: Sizes) -> Iterator[tuple[Array, Array]]:
    rng = np.random.default_rng(5)
    weight, bias = rng.normal(size=(sizes.into, sizes.out)), rng.normal(size=sizes.out)
    yield weight, bias
    yield weight.T.copy(), bias[:, None].copy()
    yield weight, bias[None, :].copy()
    yield weight.T.copy(), bias


def _made(maker: Callable[..., Any], arguments: tuple[Any, ...]) -> Fresh:
    return lambda: _methods(maker(*copy.deepcopy(arguments)))


def _methods(thing: Any) -> Subject:
    """The subject of an object with methods, or of a maker's pair of functions."""
    if isinstance(thing, tuple | list) and len(thing) >= 2 and all(callable(f) for f in thing[:2]):
        return Subject(thing, thing[0], thing[1])
    if isinstance(thing, dict) and "forward" in thing:
        return Subject(thing, thing["forward"], thing.get("backward"))
    if isinstance(thing, Layer) and not thing.input_shape:
        _place(thing)
    forward = bring.method(thing, bring.FORWARD)
    if forward is None:
        raise SpecError(
            f"{type(thing).__name__} has no forward",
            expected="methods forward and backward, or two functions",
        )
    return Subject(thing, forward, bring.method(thing, bring.BACKWARD))


def _place(layer: Layer) -> None:
    """Shapes and parameters for a layer in the signature of handlens.nn."""
    rng = np.random.default_rng(7)
    layer.place((DISTINCT.into,))
    for parameter in layer.parameters():
        layer.bind(parameter.name, rng.normal(size=parameter.shape))


def _arguments(maker: Callable[..., Any], sizes: Sizes) -> Iterator[tuple[Any, ...]]:
    """Arguments to try, those that the parameters' names ask for first."""
    must, every = calls.required(maker), calls.names(maker)
    i, h, o = sizes.into, sizes.hidden, sizes.out
    for weight, bias in _parameters(sizes):
        named = [_named(name, sizes, weight, bias) for name in every]
        count = next((k for k, v in enumerate(named) if v is None), len(named))
        if len(must) <= count and count:
            yield tuple(named[:count])
        if len(must) < count and must:
            yield tuple(named[: len(must)])
    if not must:
        yield ()
    many = ((i, o), (o, i), ((i, o),), ([i, h, o],), ([i, o],), (i, h, o), (i, [h], o), (i, [h, h], o))
    yield from (a for a in (*many, (o,), (i, h, h, o), (i, o, "relu")) if len(must) <= len(a) <= len(every))


def _named(name: str, sizes: Sizes, weight: Array, bias: Array) -> Any:
    wanted = next((r for pattern, r in _BY_NAME if re.search(pattern, name.lower())), None)
    known = {
        "weight": weight, "bias": bias, "rate": calls.RATE, "seed": 0, "rng": np.random.default_rng(0),
        "chain": [sizes.into, sizes.hidden, sizes.out], "hidden": sizes.hidden, "n": sizes.n,
        "activation": "relu", "out": sizes.out, "into": sizes.into,
    }  # fmt: skip
    return known.get(wanted or "")
