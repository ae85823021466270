"""A reference network of fully connected layers, whose backward pass can be made wrong on purpose."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from handlens.lessons.explain import fits
from handlens.lessons.functions import FUNCTIONS, pull, slope
from handlens.nn.arrays import Array

HIDDEN = ("relu", "sigmoid", "tanh", "leaky relu (0.01)")
OUTPUT = ("softmax", "linear", "sigmoid", "tanh", "relu")
Gradients = list[tuple[Array, Array]]  # dW [in, out] and db [out] of each layer


@dataclass(frozen=True)
class Reference:
    """Weights `[in, out]`, biases `[out]`, and the function after each layer."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    functions: tuple[str, ...]

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """The sums z of each layer, and the activations, x first; rows."""
        z, a = [], [x]
        for W, b, name in zip(self.weights, self.biases, self.functions, strict=True):
            z.append(a[-1] @ W + b)
            a.append(FUNCTIONS[name](z[-1]))
        return z, a


def recognise(
    weights: Sequence[Array], biases: Sequence[Array], x: Array, y: Array, tolerance: float
) -> Reference | None:
    """The reference whose forward pass gives y: one hidden function throughout, in every layer or in some."""
    inner = len(weights) - 1
    masks = list(itertools.product((True, False), repeat=inner)) if inner <= 6 else [(True,) * inner]
    for hidden, output, mask in itertools.product(HIDDEN, OUTPUT, masks):
        functions = (*(hidden if used else "linear" for used in mask), output)
        reference = Reference(tuple(weights), tuple(biases), functions)
        with np.errstate(all="ignore"):
            if fits(y, reference.forward(x)[1][-1], tolerance):
                return reference
    return None


def backward(reference: Reference, x: Array, top: Array, fault: str = "", step: float = 0.0) -> Gradients:
    """Sums over the images. `top`: the gradient of the last z. `fault`: one of `FAULTS`, or none.

    `step`: the rate of a network that updates each layer on the way.
    """
    z, a = reference.forward(x)
    delta, found = top, []
    for k in reversed(range(len(z))):
        before = z[k - 1] if fault == "z for a" and k else a[k]
        found.append((before.T @ delta, delta.sum(axis=0)))
        if k:
            W = reference.weights[k]
            if fault == "W not turned" and W.shape[0] == W.shape[1]:
                W = W.T
            if fault == "updated":
                W = W - step * found[-1][0]
            delta = through(reference.functions[k - 1], delta @ W.T, z[k - 1], a[k], fault)
    return found[::-1]


def deltas(reference: Reference, x: Array, top: Array) -> list[Array]:
    """The gradient of each layer's z, rows."""
    z, a = reference.forward(x)
    found = [top]
    for k in reversed(range(1, len(z))):
        found.append(
            through(reference.functions[k - 1], found[-1] @ reference.weights[k].T, z[k - 1], a[k], "")
        )
    return found[::-1]


def through(name: str, up: Array, z: Array, a: Array, fault: str) -> Array:
    """The gradient of z from `up`, that of the activation a = f(z), right or with one of `FAULTS`."""
    simple: dict[str, Array] = {
        "no slope": up,
        "slope alone": slope(name, z),
        "a (1 - a)": up * a * (1 - a),
        "1 - a ** 2": up * (1 - a**2),
        "1 - a": up * (1 - a),
        "z (1 - z)": up * z * (1 - z),
        "1 - z ** 2": up * (1 - z**2),
        "a": up * a,
    }
    if fault in simple:
        return simple[fault]
    if fault == "mask turned" and "relu" in name:
        return np.where(z < 0, up, 0.0)
    at = {"slope at a": a, "slope at the gradient": up}.get(fault, z)
    return pull(name, up, at)


FAULTS = {
    "slope at the gradient": ("wrong-mask", "the slope is taken of the gradient, not of z"),
    "mask turned": ("wrong-mask", "turned round: it passes where z is negative"),
    "no slope": ("wrong-derivative", "the activation's derivative is missing"),
    "slope at a": ("wrong-derivative", "the derivative is evaluated at the activation, not at z"),
    "a (1 - a)": ("wrong-derivative", "it is a * (1 - a)"),
    "1 - a ** 2": ("wrong-derivative", "it is 1 - a ** 2"),
    "1 - a": ("wrong-derivative", "it is 1 - a"),
    "z (1 - z)": ("wrong-derivative", "it is z * (1 - z): z where the activation is right"),
    "1 - z ** 2": ("wrong-derivative", "it is 1 - z ** 2: z where the activation is right"),
    "a": ("wrong-derivative", "it is the activation"),
    "slope alone": ("chain-rule", "the gradient from the layer above does not enter"),
    "z for a": ("wrong-array", "z of the layer before, where its activation enters the product"),
    "W not turned": ("transposed-weight", "W where W.T is right, on the way back"),
    "updated": ("updated-first", "the layer above was updated before its weights were used"),
}


def faulty(
    reference: Reference, x: Array, starts: dict[str, tuple[str, str, Array]], step: float
) -> Iterator[tuple[str, str, Gradients]]:
    """Cause, detail and gradients of every fault: of the way back first, then of where it starts."""
    for fault, (cause, detail) in FAULTS.items():
        yield cause, detail, backward(reference, x, starts["right"][2], fault, step)
    for name, (cause, detail, top) in starts.items():
        if name != "right":
            yield cause, detail, backward(reference, x, top)


def tops(loss: str, output: str, z: Array, y: Array, targets: Array) -> dict[str, tuple[str, str, Array]]:
    """Where the way back starts: the gradient of the last z under a loss, and what goes wrong with it.

    `loss`: "entropy" of the outputs, "entropy of logits", "binary", "squares" (halved), or "given":
    targets are then the gradient of the outputs itself.
    """
    difference = y - targets
    right = {
        "entropy of logits": lambda: _softmax(z, 1) - targets,
        "binary": lambda: difference,
        "entropy": lambda: difference,
        "squares": lambda: pull(output, difference, z),
        "given": lambda: pull(output, targets, z),
    }[loss]()
    found = {"right": ("", "", right), "sign": ("sign", "truth minus prediction", -right)}
    if loss == "given":
        return found
    slopes = y * (1 - y) if output in ("softmax", "sigmoid") else slope(output, z)
    doubled = "y * (1 - y) is multiplied on: the loss with its softmax already holds it"
    return found | {
        "no truth": ("labels", "the truth is not subtracted", y),
        "plain": ("wrong-derivative", "the derivative of the last activation is missing", difference),
        "slope": ("wrong-derivative", doubled, difference * slopes),
        "slope of y": (
            "wrong-derivative",
            "the last derivative is evaluated at the output",
            difference * slope_or_one(output, y),
        ),
        "axis": ("softmax-axis", "softmax over the images", _softmax(z, 0) - targets),
        "mixed axes": ("softmax-axis", "the sum is over the images", _mixed(z) - targets),
        "z": ("wrong-array", "the sums z instead of the outputs", z - targets),
    }


def slope_or_one(output: str, at: Array) -> Array:
    return np.ones_like(at) if output == "softmax" else slope(output, at)


def _mixed(z: Array) -> Array:
    """A softmax whose maximum is over the classes and whose sum is over the images."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=0)  # type: ignore[no-any-return]


def _softmax(z: Array, axis: int) -> Array:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)  # type: ignore[no-any-return]
