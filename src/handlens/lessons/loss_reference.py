"""Losses and their gradients on rows `[n, classes]`, from handlens.nn where it has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from handlens.nn.arrays import Array
from handlens.nn.losses import SoftmaxCrossEntropy

SOFTMAX, ENTROPY, SQUARES = "softmax-cross-entropy", "cross-entropy", "mse"
LIKELIHOOD = "negative-log-likelihood"  # of log-probabilities
KINDS = (SOFTMAX, ENTROPY, SQUARES, LIKELIHOOD)
N, K = 6, 4
LOSS = 1e-4  # a small epsilon inside the logarithm is no fault


def softmax(z: Array, axis: Any = 1) -> Array:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)  # type: ignore[no-any-return]


def mixed_softmax(z: Array) -> Array:
    """A softmax whose maximum is over the classes and whose sum is over the images."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=0)  # type: ignore[no-any-return]


def each_loss(kind: str, z: Array, targets: Array) -> Array:
    """The loss of each image, `[n]`."""
    if kind == SQUARES:
        return ((z - targets) ** 2).sum(axis=1)  # type: ignore[no-any-return]
    if kind == LIKELIHOOD:
        return -(targets * z).sum(axis=1)  # type: ignore[no-any-return]
    if kind == ENTROPY:
        with np.errstate(all="ignore"):
            return -(targets * np.log(z)).sum(axis=1)  # type: ignore[no-any-return]
    return SoftmaxCrossEntropy().forward(z.T, targets.argmax(axis=1))[0]


def gradient_of_sum(kind: str, z: Array, targets: Array) -> Array:
    if kind == SQUARES:
        return 2 * (z - targets)
    if kind == LIKELIHOOD:
        return -targets
    if kind == ENTROPY:
        return -targets / z
    return SoftmaxCrossEntropy().forward(z.T, targets.argmax(axis=1))[1].T


def scales(kind: str) -> dict[float, str]:
    """Factors of the sum over images that are a convention, not a fault."""
    plain = {
        1.0: "the sum over the images",
        1 / N: "the mean over the images",
        1 / (N * K): "the mean over images and classes",
    }
    if kind == SQUARES:
        return {
            f * s: name + extra for s, name in plain.items() for f, extra in ((1.0, ""), (0.5, ", halved"))
        }
    return plain
