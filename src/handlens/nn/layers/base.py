"""The contract of a layer."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from handlens.errors import SpecError
from handlens.nn import initializers
from handlens.nn.arrays import Array, Shape
from handlens.nn.cache import Cache

MOST_NUMBERS = 2**28  # of one image's data: a description from a file cannot ask for all memory


@dataclass(frozen=True)
class Parameter:
    """An array that a layer owns: `penalty = l1 * sum(|w|) + l2 * sum(w ** 2)` joins the loss.

    `trainable` is false for the moving statistics of batch normalization, which no gradient reaches.
    """

    name: str
    shape: Shape
    initializer: str
    l1: float = 0.0
    l2: float = 0.0
    trainable: bool = True


@dataclass(eq=False)
class Layer(ABC):
    """One step of a network, `y = f(x; parameters)`, on a batch whose last axis is the image.

    A layer is first a description (its constructor's arguments); `build` gives it its shapes, the network its
    parameters, as views of one flat vector: attributes of the parameters' names. It holds nothing else: what
    backward needs of forward lies in the `Cache`, so threads share layers.

    Attributes:
        input_shape, output_shape: of one image, `(height, width, channels)` or `(features,)`.
        formula: what forward computes, for people.
    """

    formula: ClassVar[str] = ""
    input_shape: Shape = field(init=False, repr=False, default=())
    output_shape: Shape = field(init=False, repr=False, default=())

    @abstractmethod
    def build(self, input_shape: Shape) -> Shape:
        """The output's shape for that input's; raises SpecError where the input does not fit."""

    @abstractmethod
    def forward(self, x: Array, cache: Cache) -> Array:
        """y of x; leaves x as it was, and in the cache what backward will need."""

    @abstractmethod
    def backward(self, dy: Array, cache: Cache) -> Array | None:
        """dx of dy, the loss's gradient with respect to y; may overwrite dy.

        Writes the gradients of the parameters into `cache.gradients`. None where `cache.wants_dx` is false.
        """

    def parameters(self) -> tuple[Parameter, ...]:
        """The layer's own parameters in Keras's order, known once it is built."""
        return ()

    def children(self) -> tuple[Layer, ...]:
        """The layers inside this one."""
        return ()

    def bind(self, name: str, values: Array) -> None:
        """Take `values` as the parameter `name`."""
        setattr(self, name, values)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON knows them."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self) if f.init}

    def place(self, input_shape: Shape) -> Shape:
        """Build the layer and remember both shapes."""
        self.input_shape = input_shape
        self.output_shape = self.build(input_shape)
        if math.prod(self.output_shape) > MOST_NUMBERS:
            raise self.refuse_shape(input_shape, f"an output of at most {MOST_NUMBERS} numbers an image")
        return self.output_shape

    def refuse_shape(self, input_shape: Shape, expected: str, remedy: str = "") -> SpecError:
        """The error of an input that does not fit."""
        return SpecError(
            f"the input of one image is {list(input_shape)}",
            where=type(self).__name__,
            expected=expected,
            remedy=remedy,
        )

    def image_shape(self, input_shape: Shape) -> tuple[int, int, int]:
        """Height, width and channels of an input that must be an image."""
        if len(input_shape) != 3:
            raise self.refuse_shape(
                input_shape, "an image: height, width, channels", "put it before Flatten or any Dense layer"
            )
        height, width, channels = input_shape
        return height, width, channels


class Runs(Protocol):
    """What a layer and a fused step have in common."""

    def forward(self, x: Array, cache: Cache) -> Array: ...

    def backward(self, dy: Array, cache: Cache) -> Array | None: ...


def leaves(layer: Layer) -> Iterator[Layer]:
    """The layer and every layer inside it, outermost first."""
    yield layer
    for child in layer.children():
        yield from leaves(child)


def forward_through(layers: Sequence[Runs], caches: Sequence[Cache], x: Array) -> Array:
    """x through one layer after the other."""
    for layer, cache in zip(layers, caches, strict=True):
        x = layer.forward(x, cache)
    return x


def backward_through(layers: Sequence[Runs], caches: Sequence[Cache], dy: Array) -> Array | None:
    """dy back through the layers, the last one first, as far as any layer wants it."""
    dx: Array | None = dy
    for layer, cache in zip(reversed(layers), reversed(caches), strict=True):
        if dx is None:
            return None
        dx = layer.backward(dx, cache)
    return dx


def first_values(parameter: Parameter, rng: np.random.Generator) -> Array:
    """float64 values that the parameter starts from."""
    return initializers.REGISTRY[parameter.initializer](parameter.shape, rng)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Layer):
        return {"layer": type(value).__name__, **value.config()}
    return value
