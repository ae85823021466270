"""Pooling: one number for each window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handlens.nn import checks
from handlens.nn.arrays import Array, Shape, batch_shape
from handlens.nn.cache import Cache
from handlens.nn.layers.base import Layer
from handlens.nn.layers.windows import check_padding, windows


@dataclass(eq=False)
class MaxPooling2D(Layer):
    """The greatest number of each window. Of equal ones the first, row by row, receives the gradient.

    `strides` is `pool_size` unless given. Padding never wins.
    """

    formula = "y = max of x over each window"
    pool_size: int | tuple[int, int] = (2, 2)
    strides: int | tuple[int, int] | None = None
    padding: str = "valid"

    def __post_init__(self) -> None:
        self.window = self.pool_size = checks.pair(self, "pool_size", self.pool_size)
        self.step = self.window if self.strides is None else checks.pair(self, "strides", self.strides)
        self.strides = self.step
        check_padding(self, self.padding)

    def build(self, input_shape: Shape) -> Shape:
        shape = self.image_shape(input_shape)
        self.windows = windows(self, shape, self.window, self.step, self.padding)
        return self.windows.rows.out, self.windows.columns.out, shape[2]

    def forward(self, x: Array, cache: Cache) -> Array:
        padded = self.windows.pad(x, cache, -np.inf)
        shape = batch_shape(self.output_shape, x.shape[-1])
        y = cache.buffer("y", shape)
        winner = cache.buffer("winner", shape, np.int16)
        higher = cache.buffer("higher", shape, bool)
        y.fill(-np.inf)
        winner.fill(0)
        for k, (_, _, index) in enumerate(self.windows.offsets()):
            np.greater(padded[index], y, out=higher)
            winner[higher] = k
            np.maximum(padded[index], y, out=y)
        cache.saved["x_shape"] = x.shape
        return y

    def backward(self, dy: Array, cache: Cache) -> Array:
        """dx receives dy where the window's winner stood."""
        winner = cache.buffer("winner", dy.shape, np.int16)
        dpadded = self.windows.empty_gradient(cache.saved["x_shape"], cache)
        for k, (_, _, index) in enumerate(self.windows.offsets()):
            dpadded[index] += dy * (winner == k)
        return self.windows.inside(dpadded)


@dataclass(eq=False)
class AveragePooling2D(Layer):
    """The mean of each window; of a window over the border, the mean of the pixels inside the image."""

    formula = "y = mean of x over each window"
    pool_size: int | tuple[int, int] = (2, 2)
    strides: int | tuple[int, int] | None = None
    padding: str = "valid"

    def __post_init__(self) -> None:
        self.window = self.pool_size = checks.pair(self, "pool_size", self.pool_size)
        self.step = self.window if self.strides is None else checks.pair(self, "strides", self.strides)
        self.strides = self.step
        check_padding(self, self.padding)

    def build(self, input_shape: Shape) -> Shape:
        shape = self.image_shape(input_shape)
        self.windows = windows(self, shape, self.window, self.step, self.padding)
        self.shares = (1 / self.windows.counts())[
            :, :, None
        ]  # of one pixel in its window's mean, [out, out, 1]
        return self.windows.rows.out, self.windows.columns.out, shape[2]

    def forward(self, x: Array, cache: Cache) -> Array:
        padded = self.windows.pad(x, cache)
        y = cache.buffer("y", batch_shape(self.output_shape, x.shape[-1]))
        y.fill(0)
        for _, _, index in self.windows.offsets():
            y += padded[index]
        y *= self.shares.astype(y.dtype)
        cache.saved["x_shape"] = x.shape
        return y

    def backward(self, dy: Array, cache: Cache) -> Array:
        """Each pixel of a window receives its share of dy."""
        dpadded = self.windows.empty_gradient(cache.saved["x_shape"], cache)
        share = dy * self.shares.astype(dy.dtype)
        for _, _, index in self.windows.offsets():
            dpadded[index] += share
        return self.windows.inside(dpadded)


@dataclass(eq=False)
class GlobalAveragePooling2D(Layer):
    """The mean of each channel over the whole image: `[channels, n]`."""

    formula = "y[c] = mean of x[c]"

    def build(self, input_shape: Shape) -> Shape:
        return (self.image_shape(input_shape)[2],)

    def forward(self, x: Array, cache: Cache) -> Array:
        y = cache.buffer("y", (x.shape[0], x.shape[-1]))
        return np.asarray(np.mean(x, axis=(1, 2), out=y))

    def backward(self, dy: Array, cache: Cache) -> Array:
        """Every pixel receives `dy / (height * width)`."""
        height, width, _ = self.input_shape
        dx = cache.buffer("dx", batch_shape(self.input_shape, dy.shape[-1]))
        dx[...] = (dy / (height * width))[:, None, None, :]
        return dx
