"""A student's layer, loss or network, called in one way whatever its style."""

from __future__ import annotations

import contextlib
import os
import random
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from handlens.errors import SpecError
from handlens.lessons import calls
from handlens.lessons.inside import Slot, slots
from handlens.nn.arrays import Array
from handlens.nn.cache import Cache

_OURS, _NUMPY = f"{Path(__file__).parents[1]}{os.sep}", f"{Path(np.__file__).parent}{os.sep}"
_ZERO = re.compile(r"^(zero|reset|clear)_?(grad|gradients?|grads)?$")


class Stopped(Exception):
    """The student's own code raised; the text is its message.

    `own`: the code broke by itself, and not for the way in which it was called; `reached`: the line of the
    called function at which it stopped.
    """

    def __init__(self, said: str, *, own: bool = False, reached: int = 0) -> None:
        super().__init__(said)
        self.own, self.reached = own, reached


def most_plausible(stops: list[Stopped]) -> Stopped:
    """Of the stops of several ways to call one thing, the one to show: the first that came furthest."""
    return max(stops, key=lambda stop: (stop.own, stop.reached), default=Stopped(""))


def not_called(what: str, stops: list[Stopped], name: str, expected: str) -> SpecError:
    """What is said where no way of calling it works: an error of its own has nothing to do with our ways."""
    stop = most_plausible(stops)
    if stop.own:
        return SpecError(f"{what} stops with {stop}", where=name)
    return SpecError(f"{what} cannot be called ({stop})", where=name, expected=expected)


def _stopped(error: Exception) -> Stopped:
    """The stop of an error in the student's code, with its place there."""
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith((_OURS, _NUMPY))
    ]
    said = f"{type(error).__name__}: {error}"
    if not frames:
        return Stopped(said)
    # Shapes and arguments clash where the way was wrong, and so do the methods of a number or a list.
    plain = isinstance(getattr(error, "obj", None), int | float | str | tuple | list | dict)
    by_way = isinstance(error, ValueError | TypeError | IndexError) or plain
    name, line = frames[-1]
    return Stopped(f"{said} ({Path(name).name}, line {line})", own=not by_way, reached=frames[0][1])


@dataclass
class Answer:
    """What backward left: the returned arrays in order, and whatever was named."""

    returned: list[Any]
    named: dict[str, Any] = field(default_factory=dict)


class Subject:
    """One instance of a student's thing, with the arrays that it was given from outside (`given`)."""

    def __init__(
        self,
        thing: Any,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        given: dict[str, Array] | None = None,
    ) -> None:
        self.thing, self.forward_function, self.backward_function = thing, forward, backward
        self.given = given or {}
        self.cache: Any = None
        self.output: Any = None
        self.rest: tuple[Any, ...] = ()
        self.steady = False  # the same random numbers in every forward: dropout can be checked so
        self.swapped = False  # backward(x, dout) where the names say backward(dout, x), or say nothing
        if calls.required(forward)[1:2] and calls.role(calls.required(forward)[1]) == "cache":
            self.cache = Cache(np.dtype(float), _Zeros(thing))  # the signature of handlens.nn

    def slots(self) -> list[Slot]:
        """Everything that this thing holds."""
        ours = self.cache.gradients if isinstance(self.cache, Cache) else {}
        return slots(self.thing, self.given, {"gradients": ours})

    def forward(self, x: Array, labels: Any = None) -> Any:
        """The first thing that forward returns; the others are kept as `rest` and as the cache."""
        values = {"input": x, "training": True, **self._outside()}
        if labels is not None:
            values["labels"] = labels
        with _same_numbers() if self.steady else contextlib.nullcontext():
            answer = self._run(self.forward_function, values, ("input", "labels", "weight", "bias"))
        if isinstance(answer, tuple):
            self.output, self.rest = (answer[0], answer[1:]) if answer else (None, ())
            self.cache = self.rest[0] if len(self.rest) == 1 else self.rest
        else:
            self.output, self.rest = answer, ()
        return self.output

    def backward(self, x: Array, dout: Any = None, labels: Any = None) -> Answer:
        """Run backward on whatever it asks for."""
        if self.backward_function is None:
            return Answer(list(self.rest))
        values = {"input": x, "output": self.output, "rate": calls.RATE, **self._outside()}
        if np.ndim(self.output) == 2:
            values["prediction"] = self.output  # of a network; a loss is given its input
        if dout is not None:
            values["gradient"] = dout
        if labels is not None:
            values["labels"] = labels
        if dout is not None and _takes_one(self.backward_function):
            values["input"] = values["output"] = dout  # whatever the name of its one array
        if self.swapped and dout is not None:
            values["input"], values["gradient"] = dout, x
        first = ("gradient", "labels") if labels is None else ("labels", "gradient")
        answer = self._run(
            self.backward_function, values, (*first, "input", "output", "cache", "weight", "bias")
        )
        if isinstance(answer, dict):
            return Answer([], {str(k): v for k, v in answer.items()})
        return Answer(list(answer) if isinstance(answer, tuple | list) else [answer])

    def zero_gradients(self) -> None:
        """Call zero_grad, wherever the object and the things inside it have one."""
        things = [self.thing, *getattr(self.thing, "layers", [])] if not isinstance(self.thing, tuple) else []
        for thing in things:
            for name in dir(thing):
                if _ZERO.match(name) and callable(getattr(thing, name)) and name not in ("reset", "clear"):
                    self._run(getattr(thing, name), {}, ())

    def _outside(self) -> dict[str, Any]:
        values: dict[str, Any] = dict(self.given)
        if self.cache is not None:
            values["cache"] = self.cache
        return values

    def _run(self, function: Callable[..., Any], values: dict[str, Any], order: tuple[str, ...]) -> Any:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return calls.call(function, values, order)
            except SpecError as error:
                raise Stopped(str(error)) from error
            except Exception as error:
                raise _stopped(error) from error


def _takes_one(function: Callable[..., Any]) -> bool:
    roles = calls.roles_of(function)
    return (
        len([n for n in calls.required(function) if roles[n] not in ("rate", "cache", "weight", "bias")]) == 1
    )


@contextlib.contextmanager
def _same_numbers() -> Iterator[None]:
    """NumPy's and Python's global random numbers from one seed, and back to where they were."""
    ours, theirs = np.random.get_state(), random.getstate()  # noqa: NPY002 - what a student draws from
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(ours)  # noqa: NPY002
        random.setstate(theirs)


class _Zeros(dict[str, Array]):
    """Gradients in the manner of handlens.nn: made when they are first asked for."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def __missing__(self, name: str) -> Array:
        self[name] = np.zeros_like(getattr(self.layer, name), float)
        return self[name]


def parameters(subject: Subject, x: Array, labels: Any = None) -> list[Slot]:
    """The arrays that forward depends on: each is disturbed in turn, and put back.

    Held before forward ran, so what forward stores for backward is not among them; arrays that the first call
    of forward makes are tried where there are no others.
    """
    before = _arrays(subject)
    subject.forward(x.copy(), labels)
    held = before or _arrays(subject)
    rng = np.random.default_rng(3)
    plain = _value(subject.forward(x.copy(), labels))
    found = []
    for slot in held:
        old = np.array(slot.get())
        slot.put(
            np.asarray(old + 0.1 + rng.random(old.shape), float if old.dtype.kind in "iub" else old.dtype)
        )
        try:
            if not same_value(_value(subject.forward(x.copy(), labels)), plain):
                found.append(slot)
        except Stopped:
            pass
        slot.put(old)
    subject.forward(x.copy(), labels)
    return found


def _arrays(subject: Subject) -> list[Slot]:
    return [s for s in subject.slots() if isinstance(s.get(), np.ndarray) and s.get().size > 0]


def _value(output: Any) -> Any:
    return np.array(output, copy=True) if isinstance(output, np.ndarray | float | np.number) else output


def same_value(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True))
