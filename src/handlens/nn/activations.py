"""Activation functions: each with its derivative beside it.

`forward` may write its result over its argument unless the derivative needs that argument (`needs_z`).
`backward` turns `dy` into `dz` in place: `dz = f'(z) * dy`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from handlens.errors import SpecError, did_you_mean
from handlens.nn.arrays import Array
from handlens.nn.erf import erf


class Function(ABC):
    """`y = f(z)` over arrays `[features, n]` or `[channels, height, width, n]`.

    Attributes:
        needs_z: the derivative is written in z and not in y alone, so y may not overwrite z.
        rising: f never falls, so f of a maximum is the maximum of f; the fused pooling step relies on it.
        formula: for people.
    """

    needs_z: ClassVar[bool] = False
    rising: ClassVar[bool] = True
    formula: ClassVar[str]

    @abstractmethod
    def forward(self, z: Array, out: Array) -> None:
        """`out = f(z)`; out may be z where `needs_z` is false."""

    @abstractmethod
    def backward(self, dy: Array, z: Array, y: Array) -> None:
        """`dy *= f'(z)`; z is only meaningful where `needs_z`."""


class Linear(Function):
    formula = "y = z"

    def forward(self, z: Array, out: Array) -> None:
        if out is not z:
            np.copyto(out, z)

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        pass


class Relu(Function):
    formula = "y = max(z, 0)"

    def forward(self, z: Array, out: Array) -> None:
        np.maximum(z, 0, out=out)

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        dy *= y > 0


@dataclass(frozen=True)
class LeakyRelu(Function):
    """`y = z` above zero, `slope * z` below (Maas et al. 2013)."""

    formula = "y = z if z > 0 else slope * z"
    slope: float = 0.2

    def forward(self, z: Array, out: Array) -> None:
        np.copyto(out, np.where(z > 0, z, self.slope * z))

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        np.multiply(dy, self.slope, out=dy, where=y <= 0)


@dataclass(frozen=True)
class Elu(Function):
    """Exponential linear unit (Clevert et al. 2016); below zero `dy/dz = alpha exp(z) = y + alpha`."""

    formula = "y = z if z > 0 else alpha * (exp(z) - 1)"
    alpha: float = 1.0

    def forward(self, z: Array, out: Array) -> None:
        below = self.alpha * np.expm1(np.minimum(z, 0))
        np.copyto(out, np.where(z > 0, z, below))

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        np.multiply(dy, y + self.alpha, out=dy, where=y <= 0)


class Sigmoid(Function):
    """`1 / (1 + exp(-z))`, written as a tanh, which overflows nowhere."""

    formula = "y = 1 / (1 + exp(-z))"

    def forward(self, z: Array, out: Array) -> None:
        np.multiply(z, 0.5, out=out)
        np.tanh(out, out=out)
        out += 1
        out *= 0.5

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        dy *= y * (1 - y)


class Tanh(Function):
    formula = "y = tanh(z)"

    def forward(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        dy *= 1 - y * y


class Silu(Function):
    """`z * sigmoid(z)` (Elfwing et al. 2018), also called swish."""

    formula = "y = z / (1 + exp(-z))"
    needs_z = True
    rising = False

    def forward(self, z: Array, out: Array) -> None:
        np.multiply(z, 0.5 * (1 + np.tanh(0.5 * z)), out=out)

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        gate = 0.5 * (1 + np.tanh(0.5 * z))
        dy *= gate + y * (1 - gate)


class Gelu(Function):
    """`z` times the probability that a standard normal number is below z (Hendrycks & Gimpel 2016)."""

    formula = "y = z * (1 + erf(z / sqrt(2))) / 2"
    needs_z = True
    rising = False

    def forward(self, z: Array, out: Array) -> None:
        np.multiply(z, 0.5 * (1 + erf(z * math.sqrt(0.5))), out=out)

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        below = 0.5 * (1 + erf(z * math.sqrt(0.5)))
        density = np.exp(-0.5 * np.square(z)) * (1 / math.sqrt(2 * math.pi))
        dy *= below + z * density


class Softmax(Function):
    """Exponentials that sum to one over the features (or channels): axis 0 here, Keras's last axis."""

    formula = "y = exp(z) / sum(exp(z))"
    rising = False

    def forward(self, z: Array, out: Array) -> None:
        np.subtract(z, z.max(axis=0), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=0)

    def backward(self, dy: Array, z: Array, y: Array) -> None:
        dy -= (dy * y).sum(axis=0)
        dy *= y


REGISTRY: dict[str, Callable[[], Function]] = {
    "linear": Linear,
    "relu": Relu,
    "leaky_relu": LeakyRelu,
    "elu": Elu,
    "gelu": Gelu,
    "silu": Silu,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "softmax": Softmax,
}


def activation(name: str | None, where: str = "activation") -> Function:
    """The function of that name, with Keras's default arguments; None is "linear".

    Raises:
        SpecError: no such function.
    """
    found = REGISTRY.get("linear" if name is None else name)
    if found is None:
        raise SpecError(
            f"activation {name!r} is unknown", where=where, remedy=did_you_mean(str(name), REGISTRY)
        )
    return found()
