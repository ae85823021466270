"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handlens.nn import checks
from handlens.nn.arrays import Array, Shape
from handlens.nn.cache import Cache
from handlens.nn.layers.base import Layer


@dataclass(eq=False)
class Dropout(Layer):
    """In training each number is zero with probability `rate`, the others are divided by `1 - rate`.

    So the mean stays, and predicting needs no change (Srivastava et al. 2014, "inverted").
    """

    formula = "y = x * mask / (1 - rate)"
    rate: float

    def __post_init__(self) -> None:
        checks.number(self, "rate", self.rate, 0, 1, open_="high")

    def build(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, cache: Cache) -> Array:
        cache.saved["mask"] = None
        if not cache.training or self.rate == 0:
            return x
        if cache.generator is None:
            raise ValueError("a training pass through Dropout needs a generator")
        draws = cache.generator.random(x.shape, dtype=np.float32)
        mask = np.greater_equal(draws, self.rate, out=cache.buffer("mask", x.shape, bool))
        cache.saved["mask"] = mask
        y = np.multiply(x, 1 / (1 - self.rate), out=cache.buffer("y", x.shape))
        y *= mask
        return y

    def backward(self, dy: Array, cache: Cache) -> Array:
        mask = cache.saved["mask"]
        if mask is None:
            return dy
        dx = np.multiply(dy, 1 / (1 - self.rate), out=cache.buffer("dx", dy.shape))
        dx *= mask
        return dx
