"""What known faults of a loss would give, for comparison with a student's numbers."""

from __future__ import annotations

import numpy as np

from handlens.lessons.explain import Guess
from handlens.lessons.loss_reference import (
    ENTROPY,
    SOFTMAX,
    SQUARES,
    K,
    N,
    each_loss,
    gradient_of_sum,
    mixed_softmax,
    softmax,
)  # fmt: skip
from handlens.lessons.loss_setup import LossSetup
from handlens.nn.arrays import Array

Fault = tuple[str, str, Array]  # cause, detail, numbers


def guesses_of_loss(kind: str, z: Array, targets: Array) -> list[Guess]:
    """Faults of the loss: of each image, or of the whole batch under any divisor."""
    total = each_loss(kind, z, targets).sum()
    guesses = []
    for cause, detail, numbers in (
        _losses_of_squares(z, targets) if kind == SQUARES else _losses(kind, z, targets)
    ):
        for value in (numbers.sum(), numbers.sum(axis=1)):
            guesses += [Guess(cause, detail, value * s) for s in (1.0, 1 / N, 1 / K, 1 / (N * K))]
    if kind == SQUARES:
        guesses += [
            Guess("formula", "the root is taken", np.sqrt(total * s)) for s in (1.0, 1 / N, 1 / (N * K))
        ]
    return [*guesses, Guess("wrong-axis", "divided by the number of classes", total / K)]


def _losses_of_squares(z: Array, targets: Array) -> list[Fault]:
    return [
        ("formula", "absolute differences", np.abs(z - targets)),
        ("formula", "differences are not squared", z - targets),
        ("sign", "minus the squares", -((z - targets) ** 2)),
    ]


def _losses(kind: str, z: Array, targets: Array) -> list[Fault]:
    """By number `[n, classes]`; the softmax's own faults where it takes logits."""
    p = z if kind == ENTROPY else softmax(z)
    found = [
        ("sign", "the minus is missing", targets * np.log(p)),
        ("formula", "the logarithm is missing", -targets * p),
        ("formula", "logarithm of base 2", -targets * np.log2(p)),
        ("formula", "logarithm of base 10", -targets * np.log10(p)),
        ("labels", "labels and other classes are mixed up", -(1 - targets) * np.log(p)),
        ("labels", "every class counts, not the true one", -np.log(p)),
        ("formula", "binary cross-entropy of every class", -np.log(np.where(targets > 0, p, 1 - p))),
    ]
    if kind != SOFTMAX:
        return found
    return [
        ("softmax-axis", "softmax over the images", -targets * np.log(softmax(z, 0))),
        ("softmax-axis", "the sum is over the images", -targets * np.log(mixed_softmax(z))),
        ("softmax-axis", "softmax over everything", -targets * np.log(softmax(z, None))),
        ("softmax-axis", "softmax over the images, minus missing", targets * np.log(softmax(z, 0))),
        ("formula", "softmax of softmax", -targets * np.log(softmax(p))),
        *found,
    ]


def guesses_of_gradient(setup: LossSetup, z: Array, targets: Array, labels: Array) -> list[Guess]:
    base = gradient_of_sum(setup.kind, z, targets)
    guesses = [Guess("shape", "backward returns nothing", None)]
    found: list[tuple[str, str, Array]] = [
        ("sign", "truth minus prediction", -base),
        ("formula", "zero", 0 * base),
    ]
    found += _slopes_of_squares(base) if setup.kind == SQUARES else _slopes(setup.kind, z, targets, labels)
    for cause, detail, value in found:
        guesses += [Guess(cause, detail, setup.turn(value * s)) for s in (1.0, 1 / N, 1 / (N * K), 1 / K)]
    guesses += [Guess("wrong-axis", "divided by the number of classes", setup.turn(base / K))]
    return guesses


def mixture(got: Array, z: Array, targets: Array) -> list[Guess]:
    """A gradient of the form a * p + b * y, with any factors but a and -a; rows."""
    p = softmax(z)
    factors, *_ = np.linalg.lstsq(np.stack([p.ravel(), targets.ravel()], axis=1), got.ravel(), rcond=None)
    a, b = (float(f) for f in factors)
    if abs(a + b) <= 1e-6 * abs(a):
        return []  # a multiple of the right gradient
    return [Guess("labels", f"it is {a:.3g} * p {b:+.3g} * one_hot(y)", a * p + b * targets)]


def _slopes_of_squares(base: Array) -> list[Fault]:
    return [
        ("wrong-derivative", "the sign of the difference", np.sign(base)),
        ("formula", "squared", base**2),
    ]


def _slopes(kind: str, z: Array, targets: Array, labels: Array) -> list[Fault]:
    p = z if kind == ENTROPY else softmax(z)
    rows, columns = p.copy(), p.copy()
    rows[labels % N] -= 1
    columns[:, labels] -= 1
    return [
        ("sign", "truth minus prediction", targets - p),
        ("labels", "the truth is not subtracted", p),
        ("labels", "the label's number is subtracted, not its one-hot row", p - labels[:, None]),
        ("labels", "p[y] -= 1 changes whole rows: p[np.arange(n), y] -= 1", rows),
        ("labels", "p[:, y] -= 1 changes whole columns: p[np.arange(n), y] -= 1", columns),
        ("labels", "1 is added where it is to be subtracted", p + targets),
        ("labels", "the truth by itself", -targets),
        ("softmax-axis", "softmax over the images", softmax(z, 0) - targets),
        ("softmax-axis", "softmax over everything", softmax(z, None) - targets),
        ("softmax-axis", "the sum is over the images", mixed_softmax(z) - targets),
        ("labels", "every class counts, not the true one", -1 / p),
        ("softmax-axis", "softmax over the images, truth missing", softmax(z, 0)),
        ("wrong-array", "logits instead of probabilities", z - targets),
        ("wrong-array", "probabilities went through softmax twice", softmax(p) - targets),
        ("wrong-array", "exponentials that are not divided by their sum", np.exp(z) - targets),
        ("wrong-derivative", "with respect to the probabilities, not the logits", -targets / p),
        ("wrong-derivative", "the slope of a sigmoid is multiplied on", (p - targets) * p * (1 - p)),
        ("wrong-derivative", "of the diagonal of the softmax alone", -targets / p * p * (1 - p)),
        ("wrong-derivative", "the minus of -y/p is missing", targets / p),
    ]
