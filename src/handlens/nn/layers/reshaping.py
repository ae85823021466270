"""Layers that move numbers and compute nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from handlens.nn import checks
from handlens.nn.arrays import Array, Shape, batch_shape
from handlens.nn.cache import Cache
from handlens.nn.layers.base import Layer


@dataclass(eq=False)
class Flatten(Layer):
    """An image becomes one row of features in the order height, width, channels, as in Keras."""

    formula = "y = x in one row"

    def build(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, x: Array, cache: Cache) -> Array:
        if x.ndim == 2:
            return x
        return x.transpose(1, 2, 0, 3).reshape(-1, x.shape[-1])  # [c, h, w, n] -> [h * w * c, n]

    def backward(self, dy: Array, cache: Cache) -> Array:
        if len(self.input_shape) == 1:
            return dy
        return dy.reshape(*self.input_shape, -1).transpose(2, 0, 1, 3)  # [h * w * c, n] -> [c, h, w, n]


@dataclass(eq=False)
class ZeroPadding2D(Layer):
    """A border of zeros: `padding` rows above and below, columns left and right."""

    formula = "y = x with a border of zeros"
    padding: int | tuple[int, int] = 1

    def __post_init__(self) -> None:
        self.padding = checks.pair(self, "padding", self.padding, 0)

    def build(self, input_shape: Shape) -> Shape:
        height, width, channels = self.image_shape(input_shape)
        rows, columns = checks.pair(self, "padding", self.padding, 0)
        return height + 2 * rows, width + 2 * columns, channels

    def forward(self, x: Array, cache: Cache) -> Array:
        y = cache.buffer("y", batch_shape(self.output_shape, x.shape[-1]))
        y.fill(0)
        self._inside(y)[...] = x
        return y

    def backward(self, dy: Array, cache: Cache) -> Array:
        return self._inside(dy)

    def _inside(self, y: Array) -> Array:
        height, width, _ = self.input_shape
        rows, columns = checks.pair(self, "padding", self.padding, 0)
        return y[:, rows : rows + height, columns : columns + width]
