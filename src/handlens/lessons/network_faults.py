"""What known faults would give in a network of fully connected layers, for each of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handlens.lessons import backprop
from handlens.lessons.explain import Guess
from handlens.lessons.linear_faults import Terms, guesses_of_bias
from handlens.nn.arrays import Array


@dataclass(frozen=True)
class Places:
    """Where the parameters of each layer lie in the student's list, and which weights are `[out, in]`."""

    weights: list[int]
    biases: list[int | None]
    turned: list[bool]

    def lay(self, k: int, dW: Array) -> Array:
        return dW.T if self.turned[k] else dW


def guesses_of_network(
    values: Sequence[Array],
    x: Array,
    y: Array,
    targets: Array,
    loss: str,
    scale: float,
    rate: float,
    turned: bool,
) -> list[list[Guess]]:
    """Guesses for each parameter; few where the network is none of fully connected layers.

    x, y and targets are rows; `turned`: square weights are likely `[out, in]`.
    """
    found = [_blind(v) for v in values]
    shape = _reference(values, x, y, turned) or _reference(values, x, y, not turned)
    if shape is None:
        return found
    reference, places = shape
    n = len(x)
    z, a = reference.forward(x)
    starts = backprop.tops(loss, reference.functions[-1], z[-1], a[-1], targets)
    right = backprop.backward(reference, x, starts["right"][2])
    deltas = backprop.deltas(reference, x, starts["right"][2])
    for k, (dW, _) in enumerate(right):
        terms = Terms(a[k], reference.weights[k], reference.biases[k], deltas[k])
        if (bias := places.biases[k]) is not None:
            found[bias] += guesses_of_bias(terms, scale != 1)
        across = places.lay(k, dW).T
        found[places.weights[k]] += [Guess("transposed-weight", "turned", across * s) for s in (1, 1 / n)]
    scales = tuple(dict.fromkeys((scale, 1.0, 1 / n)))
    for cause, detail, gradients in backprop.faulty(reference, x, starts, rate * scale):
        for k, (dW, db) in enumerate(gradients):
            found[places.weights[k]] += [Guess(cause, detail, places.lay(k, dW) * s) for s in scales]
            if (bias := places.biases[k]) is not None:
                found[bias] += [Guess(cause, detail, db * s) for s in scales]
    return found


def _reference(
    values: Sequence[Array], x: Array, y: Array, turned: bool
) -> tuple[backprop.Reference, Places] | None:
    """The network as one of fully connected layers, if it is one."""
    left = [k for k, v in enumerate(values) if is_bias(v)]
    width = x.shape[1]
    places = Places([k for k, v in enumerate(values) if not is_bias(v)], [], [])
    weights, biases = [], []
    for k in places.weights:
        W = values[k]
        if W.ndim != 2 or width not in W.shape:
            return None
        places.turned.append(turned if W.shape[0] == W.shape[1] else W.shape[0] != width)
        weights.append(W.T if places.turned[-1] else W)
        width = weights[-1].shape[1]
        place = next((j for j in left if values[j].size == width), None)
        left = [j for j in left if j != place]
        places.biases.append(place)
        biases.append(np.zeros(width) if place is None else values[place].ravel())
    reference = backprop.recognise(weights, biases, x, y, 1e-5)
    return None if reference is None else (reference, places)


def is_bias(value: Array) -> bool:
    return value.ndim < 2 or 1 in value.shape


def _blind(value: Array) -> list[Guess]:
    """What can be guessed of any parameter."""
    if is_bias(value):
        zeros = (np.zeros_like(value), np.zeros(()))
        return [Guess("dropped-bias-gradient", "it is zero", zero) for zero in zeros]
    return [Guess("formula", "zero", np.zeros_like(value))]
