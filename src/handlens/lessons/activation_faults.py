"""What known faults of an activation function would give, for comparison with a student's numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from handlens.lessons.explain import Guess
from handlens.lessons.functions import FUNCTIONS, pull, slope
from handlens.nn.arrays import Array

Turn = Callable[[Array], Array]  # from rows to the student's orientation


def guesses_of_forward(name: str, x: Array, turn: Turn) -> list[Guess]:
    guesses = [
        Guess("formula", f"it is {other}", turn(f(x))) for other, f in FUNCTIONS.items() if other != name
    ]
    if name == "softmax":
        e = np.exp(x)
        guesses = [
            Guess("softmax-axis", "each column sums to one, not each image's row", turn(e / e.sum(axis=0))),
            Guess("softmax-axis", "everything sums to one", turn(e / e.sum())),
            Guess("formula", "it is not divided by its sum", turn(e)),
            *guesses,
        ]
        if len(x) == len(x.T):
            guesses.append(Guess("softmax-axis", "keepdims=True is missing", turn(e / e.sum(axis=1))))
    return [
        *guesses,
        Guess("sign", "of -x", turn(FUNCTIONS[name](-x))),
        Guess("formula", "the smaller of x and 0", turn(np.minimum(x, 0))),
        Guess("formula", "|x|", turn(np.abs(x))),
    ]


def _of_softmax(x: Array, y: Array, d: Array, turn: Turn) -> list[Guess]:
    p0 = np.exp(x - x.max(axis=0))
    p0 /= p0.sum(axis=0)
    return [
        Guess("wrong-derivative", "the diagonal of the Jacobian alone: y * (1 - y)", turn(d * y * (1 - y))),
        Guess("chain-rule", "y * (1 - y) by itself", turn(y * (1 - y))),
        Guess("softmax-axis", "the sum is over the images", turn(y * (d - (d * y).sum(axis=0)))),
        Guess("softmax-axis", "softmax over the images", turn(p0 * (d - (d * p0).sum(axis=0)))),
        Guess("wrong-derivative", "the sum is missing", turn(d * y)),
    ]


def guesses_of_dx(name: str, x: Array, d: Array, turn: Turn) -> list[Guess]:
    y = FUNCTIONS[name](x)
    guesses = [
        Guess("shape", "backward returns nothing", None),
        Guess("wrong-derivative", "the gradient passes as if the function were not there", turn(d)),
        Guess("formula", "zero", turn(np.zeros_like(d))),
    ]
    if name == "softmax":
        return guesses + _of_softmax(x, y, d, turn)
    right = slope(name, x)
    if "relu" in name:
        guesses += [
            Guess("wrong-mask", "from the gradient: it must come from the input", turn(pull(name, d, d))),
            Guess("wrong-mask", "turned round: it passes where the input is negative", turn(d * (x < 0))),
            Guess("wrong-mask", "where input and gradient are both positive", turn(d * (x > 0) * (d > 0))),
            Guess("wrong-mask", "from the gradient, turned round", turn(d * (d < 0))),
        ]
    guesses += [Guess("chain-rule", "the derivative by itself, without dout", turn(right))]
    for argument, of in ((y, "the output"), (d, "the gradient from above")):
        guesses.append(
            Guess(
                "wrong-derivative", f"evaluated at {of} instead of the input", turn(d * slope(name, argument))
            )
        )
        guesses.append(Guess("chain-rule", f"evaluated at {of}, without dout", turn(slope(name, argument))))
    for formula, v in formulas(x, "x") + formulas(y, "y") + formulas(d, "dout"):
        guesses.append(Guess("wrong-derivative", f"it is dout * {formula}", turn(d * v)))
        guesses.append(Guess("chain-rule", f"it is {formula} by itself", turn(v)))
    return guesses


def formulas(a: Array, name: str) -> list[tuple[str, Array]]:
    """What students write for a derivative, of an array of that name."""
    return [
        (f"{name} * (1 - {name})", a * (1 - a)), (f"(1 - {name} ** 2)", 1 - a**2), (f"(1 - {name})", 1 - a),
        (name, a), (f"(1 + {name})", 1 + a), (f"{name} * (1 + {name})", a * (1 + a)), (f"{name} ** 2", a**2),
        (f"(1 - {name}) ** 2", (1 - a) ** 2), (f"(1 + {name} ** 2)", 1 + a**2),
    ]  # fmt: skip
