"""What known faults of a fully connected layer would give, for comparison with a student's numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handlens.lessons.explain import Guess
from handlens.nn.arrays import Array

Turn = Callable[[Array], Array]  # from our orientation to the student's
_TURNED = "W where W.T is right, or W.T where W is"


@dataclass(frozen=True)
class Terms:
    """The pass in rows: x `[n, in]`, W `[in, out]`, b `[out]`, dz `[n, out]`."""

    x: Array
    W: Array
    b: Array
    dz: Array


def guesses_of_forward(t: Terms, changed: Array, turn: Turn) -> list[Guess]:
    """`changed`: the input as forward left it; t.dz is not used."""
    x, W, b = t.x, t.W, t.b
    guesses = [Guess("dropped-bias", "it is x @ W", turn(x @ W))] if b.any() else []
    guesses.append(Guess("sign", "it is x @ W - b", turn(x @ W - b)))
    if W.shape[0] == W.shape[1]:
        guesses.append(Guess("transposed-weight", _TURNED, turn(x @ W.T + b)))
        guesses.append(Guess("transposed-weight", "W turned, and no bias", turn(x @ W.T)))
        if len(x) == len(b):
            added = turn(x @ W + b[:, None])
            guesses.append(Guess("wrong-axis", "b is added to the images, not to the features", added))
    guesses.append(Guess("in-place", "it computes with the input that it changed", turn(changed @ W + b)))
    guesses.append(Guess("dtype", "it is cut to whole numbers", np.trunc(turn(x @ W + b))))
    return guesses


def guesses_of_dx(t: Terms, turn: Turn, rate: float) -> list[Guess]:
    n = len(t.x)
    guesses = [
        Guess("shape", "backward returns nothing", None),
        Guess("shape", "it is the gradient itself: the product with W is missing", turn(t.dz)),
        Guess("shape", "summed over the images", (t.dz @ t.W.T).sum(axis=0)),
        Guess("shape", "averaged over the images", (t.dz @ t.W.T).mean(axis=0)),
        Guess("formula", "zero", np.zeros_like(turn(t.x))),
        Guess("extra-1/n", "divided by the number of features", turn(t.dz @ t.W.T) / t.x.shape[1]),
    ]
    for scale in (rate, rate / n):
        updated = t.W - scale * (t.x.T @ t.dz)
        guesses.append(
            Guess("updated-first", "W was updated before dx was computed with it", turn(t.dz @ updated.T))
        )
    if t.W.shape[0] == t.W.shape[1]:
        for scale in (1, 1 / n):
            guesses.append(
                Guess(
                    "transposed-weight", "W where W.T is right, or W.T where W is", turn(t.dz @ t.W) * scale
                )
            )
            if t.dz.shape == t.W.shape:
                guesses += [
                    Guess(
                        "transposed-weight", "the factors are in the wrong order or turned", turn(v) * scale
                    )
                    for v in (
                        t.W @ t.dz,
                        t.W.T @ t.dz,
                        t.W @ t.dz.T,
                        t.W.T @ t.dz.T,
                        t.dz.T @ t.W,
                        t.dz.T @ t.W.T,
                    )
                ]
    return guesses


def guesses_of_dW(t: Terms, raw: Turn) -> list[Guess]:
    n, right = len(t.x), t.x.T @ t.dz
    guesses = [Guess("transposed-weight", "turned: x.T @ dout and dout.T @ x are two things", raw(right.T))]
    if t.x.shape == t.dz.shape == t.W.shape:
        for product in (t.x @ t.dz, t.x @ t.dz.T, t.dz @ t.x, t.x.T @ t.dz.T, t.dz @ t.x.T):
            for scale in (1, 1 / n):
                guesses.append(Guess("transposed-weight", "x is turned the wrong way", raw(product) * scale))
                guesses.append(
                    Guess("transposed-weight", "x is turned the wrong way", raw(product.T) * scale)
                )
    guesses += [Guess("transposed-weight", "turned", raw(right.T) / n)]
    for count, name in ((t.x.shape[1], "features"), (t.dz.shape[1], "outputs")):
        guesses.append(Guess("wrong-axis", f"divided by the number of {name}", raw(right) / count))
    ones = np.ones_like(t.x)
    guesses.append(Guess("wrong-array", "the input does not enter", raw(ones.T @ t.dz)))
    guesses.append(Guess("formula", "zero", np.zeros_like(raw(right))))
    return guesses


def guesses_of_bias(t: Terms, averaged: bool) -> list[Guess]:
    """`averaged`: dW is divided by the number of images."""
    n, right = len(t.dz), t.dz.sum(axis=0)
    also = "dW is divided by n and db is not" if averaged else "not divided"
    guesses = [
        Guess("dropped-bias-gradient", "nothing is stored or returned", None),
        Guess("dropped-bias-gradient", "it is zero", np.zeros_like(right)),
        Guess("dropped-bias-gradient", "it is zero", np.zeros(())),
    ]
    if averaged:
        guesses.append(Guess("missing-1/n", also, right))
    for scale in (1, 1 / n, 1 / t.dz.shape[1]):
        guesses += [
            Guess("wrong-axis", "summed over the features instead of the images", t.dz.sum(axis=1) * scale),
            Guess("wrong-axis", "one number: summed over everything", t.dz.sum() * scale),
            Guess(
                "wrong-axis", "one number: summed over everything", np.full_like(right, t.dz.sum() * scale)
            ),
            Guess("wrong-axis", "not summed over the images", t.dz * scale),
            Guess("wrong-axis", "not summed over the images", t.dz.T * scale),
        ]
    guesses += [
        Guess("wrong-axis", "divided by the number of features", right / count)
        for count in (t.x.shape[1], t.dz.shape[1])
    ]
    guesses += [
        Guess("wrong-array", "the sum of the input", t.x.sum(axis=0)),
        Guess("wrong-array", "b itself", t.b),
    ]
    guesses += [Guess("wrong-axis", "one image alone", row) for row in t.dz]
    return guesses
