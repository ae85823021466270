"""What a network is made of, as data: layers, losses. Names, arguments and defaults are Keras's.

Defaults on which libraries differ (initialiser, epsilon, momentum, padding) stand here, so that every engine
gets the same number.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from handlens.spec.text import description

Count = Annotated[int, Field(gt=0)]
Pair = Count | tuple[Count, Count]
Share = Annotated[float, Field(ge=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0)]
Padding = Literal["valid", "same"]
ActivationName = Literal[
    "linear", "relu", "sigmoid", "tanh", "softmax", "leaky_relu", "elu", "gelu", "silu"
]  # fmt: skip
Initializer = Literal[
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
    "orthogonal", "zeros",
]  # fmt: skip


@description
class Flatten:
    """Pixels and channels of an image become one row of features."""


@description
class Dense:
    """`activation(x @ kernel + bias)`.

    `l1 * sum(|kernel|) + l2 * sum(kernel ** 2)` joins the loss.
    """

    units: Count
    activation: ActivationName = "linear"
    use_bias: bool = True
    kernel_initializer: Initializer = "glorot_uniform"
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0


@description
class Activation:
    """A function of each number (softmax: of each row)."""

    activation: ActivationName


@description
class Dropout:
    """In training, each number is zero with probability `rate`; the others are divided by `1 - rate`."""

    rate: Share


LAYERS: dict[str, type] = {layer.__name__: layer for layer in (Flatten, Dense, Activation, Dropout)}
Layer = Flatten | Dense | Activation | Dropout
