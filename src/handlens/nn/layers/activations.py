"""Activation functions as layers, and how the layers with weights apply theirs."""

from __future__ import annotations

from dataclasses import dataclass

from handlens.nn import checks
from handlens.nn.activations import Elu, Function, LeakyRelu, Relu, activation
from handlens.nn.activations import Softmax as SoftmaxFunction
from handlens.nn.arrays import Array, Shape
from handlens.nn.cache import Cache
from handlens.nn.layers.base import Layer


def activate(function: Function, z: Array, cache: Cache) -> Array:
    """`f(z)`, over z itself where the derivative can do without z."""
    y = cache.buffer("y", z.shape) if function.needs_z else z
    function.forward(z, y)
    cache.saved["z"], cache.saved["y"] = z, y
    return y


def deactivate(function: Function, dy: Array, cache: Cache) -> Array:
    """dz of dy, in dy's memory; `activate` was called with the same cache."""
    function.backward(dy, cache.saved["z"], cache.saved["y"])
    return dy


class ElementByElement:
    """What the layers below share: shapes stay, forward and backward are the function's."""

    function: Function

    def build(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, cache: Cache) -> Array:
        y = cache.buffer("y", x.shape)  # not over x, which belongs to the layer before
        self.function.forward(x, y)
        cache.saved["z"], cache.saved["y"] = x, y
        return y

    def backward(self, dy: Array, cache: Cache) -> Array:
        return deactivate(self.function, dy, cache)


@dataclass(eq=False)
class Activation(ElementByElement, Layer):
    """A function of each number, by its name (softmax: of each image's features)."""

    formula = "y = f(x)"
    activation: str

    def __post_init__(self) -> None:
        self.function = activation(self.activation, "Activation")


@dataclass(eq=False)
class ReLU(ElementByElement, Layer):
    """`max(x, 0)`."""

    formula = "y = max(x, 0)"

    def __post_init__(self) -> None:
        self.function = Relu()


@dataclass(eq=False)
class LeakyReLU(ElementByElement, Layer):
    """x above zero, `negative_slope * x` below."""

    formula = "y = x if x > 0 else negative_slope * x"
    negative_slope: float = 0.3

    def __post_init__(self) -> None:
        self.function = LeakyRelu(checks.number(self, "negative_slope", self.negative_slope, 0))


@dataclass(eq=False)
class ELU(ElementByElement, Layer):
    """x above zero, `alpha * (exp(x) - 1)` below."""

    formula = "y = x if x > 0 else alpha * (exp(x) - 1)"
    alpha: float = 1.0

    def __post_init__(self) -> None:
        self.function = Elu(checks.number(self, "alpha", self.alpha, 0, open_="low"))


@dataclass(eq=False)
class Softmax(ElementByElement, Layer):
    """Exponentials that sum to one over the features (of a picture: over the channels of each pixel)."""

    formula = "y = exp(x) / sum(exp(x))"

    def __post_init__(self) -> None:
        self.function = SoftmaxFunction()
