"""Parameters without influence: a forward that never uses its weights is homework that was not done."""

from __future__ import annotations

import re

import numpy as np

from handlens.lessons.inside import Slot
from handlens.lessons.setup import Setup
from handlens.lessons.subject import Stopped, Subject, same_value
from handlens.nn.arrays import Array

_WEIGHT, _BIAS = re.compile(r"^w\d*$"), re.compile(r"^b\d*$")


def unused_parameters(setup: Setup) -> list[str]:
    """Names of the weights and biases without influence, of an object or layer that uses none of its weights.

    One unused array beside used ones is no proof: it may be a copy that the student keeps.
    """
    subject, x = setup.fresh(), setup.inputs(1)
    held = [s for s in subject.slots() if _is_weight(s, setup.into) or _is_bias(s)]
    rng = np.random.default_rng(17)
    for slot in held:  # zeros would hide the influence of each other
        slot.put(rng.normal(0, 1 / np.sqrt(max(np.shape(slot.get()))), size=np.shape(slot.get())))
    try:
        plain = np.array(subject.forward(x.copy()))
        idle = [slot for slot in held if not _has_influence(subject, slot, x, plain)]
    except Stopped:
        return []
    names = {s.name for s in idle}
    found = []
    for part in dict.fromkeys(_part(s) for s in held):
        weights = [s for s in held if _part(s) == part and not _is_bias(s)]
        if weights and all(s.name in names for s in weights):
            found += [s.name for s in idle if _part(s) == part]
    return found


def _has_influence(subject: Subject, slot: Slot, x: Array, plain: Array) -> bool:
    old = np.array(slot.get())
    slot.put(old + 0.5)
    changed = not same_value(np.array(subject.forward(x.copy())), plain)
    slot.put(old)
    return changed


def _last(slot: Slot) -> str:
    return slot.subject.split(".")[-1]


def _is_array(slot: Slot) -> bool:
    value = slot.get()
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0 and value.ndim > 0


def _is_weight(slot: Slot, into: int) -> bool:
    """An array that is called a weight, or a matrix that takes the features of an image."""
    if not _is_array(slot) or slot.is_gradient:
        return False
    shape = np.shape(slot.get())
    return bool(_WEIGHT.match(_last(slot))) or (len(shape) == 2 and into in shape and min(shape) > 1)


def _is_bias(slot: Slot) -> bool:
    return _is_array(slot) and not slot.is_gradient and bool(_BIAS.match(_last(slot)))


def _part(slot: Slot) -> tuple[str, ...]:
    """The layer of a network that it lies in."""
    return slot.path[:2] if slot.path[0] == "layers" else ()
