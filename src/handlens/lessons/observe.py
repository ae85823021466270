"""One forward and one backward pass of a student's thing, and everything that can be seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handlens.lessons import calls
from handlens.lessons.inside import Slot
from handlens.lessons.subject import Answer, Subject
from handlens.nn.arrays import Array

EXACT, SINGLE = 1e-5, 3e-3  # greatest relative errors of a result in float64 and in float32


@dataclass
class Seen:
    """What a pass did.

    `gradients` by the parameter's place in the list, None where nothing was found; `values` are the
    parameters before the pass, `lent` the arrays that were given, as (name, now, before).
    """

    x: Array
    y: Any
    dx: Any = None
    gradients: list[Any] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)
    lent: list[tuple[str, Array, Array]] = field(default_factory=list)
    moved: bool = False  # backward changed the parameters
    moved_by_forward: bool = False
    tolerance: float = EXACT


def run(
    subject: Subject, held: Sequence[Slot], x: Array, dout: Array | None = None, labels: Any = None,
    *, labels_forward: bool = False,
) -> Seen:  # fmt: skip
    """Forward and, where there is one, backward.

    Raises:
        Stopped: the student's code raised.
    """
    lent_x, values = x.copy(), [np.array(s.get(), float) for s in held]
    y = subject.forward(lent_x, labels if labels_forward else None)
    seen = Seen(x, _copy(y), values=values, lent=[("the input", lent_x.copy(), x)])
    seen.moved_by_forward = _moved(held, values)
    lent_d = None if dout is None else dout.copy()
    # The input is lent anew: a forward that spoilt it is named once, and backward is judged by itself.
    answer = subject.backward(lent_x, lent_d, labels)
    seen.moved = _moved(held, values)
    seen.dx, seen.gradients = _gradients(subject, held, values, answer, x)
    for slot, value in zip(held, values, strict=True):
        if _moved([slot], [value]):
            slot.put(value)
    if dout is not None and lent_d is not None:
        seen.lent.append(("the gradient from above", lent_d, dout))
    numbers = [seen.y, seen.dx, *seen.gradients]
    if any(getattr(a, "dtype", None) == np.float32 for a in numbers):
        seen.tolerance = SINGLE
    return seen


def _moved(held: Sequence[Slot], values: Sequence[Array]) -> bool:
    return any(not np.array_equal(np.asarray(s.get(), float), v) for s, v in zip(held, values, strict=True))


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _gradients(
    subject: Subject, held: Sequence[Slot], values: Sequence[Array], answer: Answer, x: Array
) -> tuple[Any, list[Any]]:
    """dx, and the gradient of each parameter: returned, stored under a telling name, or seen in an update."""
    returned = list(answer.returned)
    if (
        len(returned) > 1
        and len(returned) == len(held)
        and np.shape(returned[0]) == values[0].shape != x.shape
    ):
        returned.insert(0, None)
    dx = _copy(returned[0]) if returned else None
    by_place = _by_shape(returned[1:], values)
    named = dict(answer.named)
    if not returned:
        dx = next((v for k, v in named.items() if k.lower() in ("dx", "x", "da_prev", "dinput")), None)
    stored = [s for s in subject.slots() if s.is_gradient and all(s.name != h.name for h in held)]
    rate = rate_of(subject)
    found = []
    for k, slot in enumerate(held):
        value = _by_name(slot, stored, named)
        if value is _NOTHING and k in by_place:
            value = by_place[k]
        if value is _NOTHING and rate and _moved([slot], [values[k]]):
            value = (values[k] - np.asarray(slot.get(), float)) / rate
        if value is _NOTHING:
            value = _lonely(values[k], stored, held)
        found.append(None if value is _NOTHING else _copy(value))
    return dx, found


_NOTHING = object()
_CONTENTS = ("data", "value", "values", "val", "array", "w", "x")  # of an object that holds one parameter


def _by_name(slot: Slot, stored: Sequence[Slot], named: dict[str, Any]) -> Any:
    for key, value in named.items():
        if Slot((key,), {}, key).subject == slot.subject.split(".")[-1] or key == slot.path[-1]:
            return value
    same = [other for other in stored if other.subject == slot.subject]
    beside = [o for o in stored if len(o.path) > 1 and o.path[:-1] == slot.path[:-1] and "grad" in o.path[-1]]
    same += beside if len(beside) == 1 and slot.path[-1].lower() in _CONTENTS else []
    return same[0].get() if same else _NOTHING


def _by_shape(returned: Sequence[Any], values: Sequence[Array]) -> dict[int, Any]:
    """Which returned array belongs to which parameter: by shape, the rest by order."""
    left = [r for item in returned for r in (item.values() if isinstance(item, dict) else [item])]
    found: dict[int, Any] = {}
    for k, value in enumerate(values):
        place = next((j for j, r in enumerate(left) if np.shape(r) == value.shape), None)
        if place is not None:
            found[k] = left.pop(place)
    for k in range(len(values)):
        if k not in found and left:
            found[k] = left.pop(0)
    return found


def _lonely(value: Array, stored: Sequence[Slot], held: Sequence[Slot]) -> Any:
    """The one stored gradient of that shape, whatever its name."""
    taken = {h.subject for h in held}
    fit = [s for s in stored if np.shape(s.get()) == value.shape and s.subject not in taken]
    return fit[0].get() if len(fit) == 1 else _NOTHING


def rate_of(subject: Subject) -> float:
    """The learning rate of a backward that updates by itself."""
    backward = subject.backward_function
    if backward is not None and "rate" in calls.roles_of(backward).values():
        return calls.RATE
    for slot in subject.slots():
        value = slot.get()
        if calls.role(slot.path[-1]) == "rate" and isinstance(value, int | float) and value > 0:
            return float(value)
    return 0.0
