"""Layers run by hand on arrays of ONNX, and why some nodes are beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handlens.errors import SpecError
from handlens.nn import layers
from handlens.nn.cache import Cache
from handlens.nn.layers import Layer
from handlens.nn.layers.base import leaves
from handlens.nn.layers.windows import windows

Arrays = list[np.ndarray]
Attributes = dict[str, Any]

WHOLE = "whole numbers: a network computes in floating point"
CUBE = "images of three dimensions"
DILATED = "dilations"
GROUPED = "channels in groups of more than one"
BORDER = "a border that neither 'valid' nor 'same' gives"
UNEVEN = "a border that is not the same on opposite sides"
FILLED = "a border of other numbers than zeros"
PLACES = "asks where the greatest numbers stood"
MASK = "asks which numbers were kept"
DRAWN = "random numbers of another generator"
EACH = "a bias of its own for each image"


class Refused(Exception):
    """A node that the layers do not cover; its only argument is the reason."""


def through(
    stack: Sequence[Layer], x: np.ndarray, weights: Sequence[np.ndarray] = (), *, training: bool = False
) -> np.ndarray:
    """x, batch last, through layers with those parameters, in the layers' order."""
    shape: tuple[int, ...] = (*x.shape[1:3], x.shape[0]) if x.ndim == 4 else x.shape[:1]
    left = list(weights)
    for layer in stack:
        shape = layer.place(shape)
        cache = cache_of(layer, x.dtype)
        cache.begin(training, np.random.default_rng(0))
        for leaf in leaves(layer):
            for parameter in leaf.parameters():
                values = left.pop(0).astype(x.dtype)
                assert values.shape == parameter.shape
                leaf.bind(parameter.name, values)
        x = layer.forward(x, cache)
    assert not left
    return x


def cache_of(layer: Layer, dtype: np.dtype[Any]) -> Cache:
    return Cache(dtype, children=[cache_of(child, dtype) for child in layer.children()])


def batch_last(x: np.ndarray) -> np.ndarray:
    """`[n, channels, height, width]` to `[channels, height, width, n]`, in one piece."""
    return np.ascontiguousarray(np.moveaxis(x, 0, -1))


def batch_first(y: np.ndarray) -> np.ndarray:
    return np.moveaxis(y, -1, 0)


class Looks:
    """Where a node's windows stand, for images of one or two dimensions; one dimension is a height of 1."""

    def __init__(self, attributes: Attributes, x: np.ndarray, window: Sequence[int]) -> None:
        dimensions = x.ndim - 2
        if dimensions > 2:
            raise Refused(CUBE)
        if any(step > 1 for step in attributes.get("dilations", ())):
            raise Refused(DILATED)
        lacking = 2 - dimensions
        self.x = x.reshape(*x.shape[:2], *(1,) * lacking, *x.shape[2:])
        self.window = (*(1,) * lacking, *window)
        self.strides = (*(1,) * lacking, *attributes.get("strides", [1] * dimensions))
        pads = np.reshape(attributes.get("pads", [0] * 2 * dimensions), (2, -1))
        before, after = ([0] * lacking + [int(v) for v in row] for row in pads)
        kind = attributes.get("auto_pad", b"NOTSET")
        self.border = [
            self._border(i, kind) if kind.startswith(b"SAME") else (before[i], after[i]) for i in (0, 1)
        ]
        self.out = [self._count(i, attributes.get("ceil_mode", 0)) for i in (0, 1)]

    def _border(self, i: int, kind: bytes) -> tuple[int, int]:
        size, window, stride = self.x.shape[2 + i], self.window[i], self.strides[i]
        zeros = max((-(-size // stride) - 1) * stride + window - size, 0)
        less, more = zeros // 2, zeros - zeros // 2
        return (less, more) if kind == b"SAME_UPPER" else (more, less)

    def _count(self, i: int, up: int) -> int:
        size, (before, after) = self.x.shape[2 + i], self.border[i]
        room = size + before + after - self.window[i]
        out = (-(-room // self.strides[i]) if up else room // self.strides[i]) + 1
        return out - 1 if up and (out - 1) * self.strides[i] >= size + before else out

    def padding(self) -> str:
        """The word for this border, where our layers have one."""
        for word in ("valid", "same"):
            try:
                height, width = self.x.shape[2:]
                found = windows(self, (height, width, 1), self.window, self.strides, word)
            except SpecError:
                continue
            starts = (found.rows.before, found.columns.before)
            if (*starts, found.rows.out, found.columns.out) == (*(b for b, _ in self.border), *self.out):
                return word
        raise Refused(BORDER)

    def zeros(self) -> layers.ZeroPadding2D:
        """The border as a layer of its own, where it is one of zeros."""
        if any(before != after for before, after in self.border):
            raise Refused(UNEVEN)
        return layers.ZeroPadding2D((self.border[0][0], self.border[1][0]))

    def run(self, stack: Sequence[Layer], rank: int, weights: Sequence[np.ndarray] = ()) -> Arrays:
        y = batch_first(through(stack, batch_last(self.x), weights))
        assert list(y.shape[2:]) == self.out
        return [y if rank == 4 else y[:, :, 0]]
