"""Convolution, bias, activation and 2 x 2 max-pooling in one step.

The plain layers `Conv2D` and `MaxPooling2D` say what is computed; this file says it faster, and a test holds
the two together. One pooled output looks at a patch of side `kernel + 1`. A matrix that holds the kernel at
each of the four places where it fits into that patch gives the four candidates of the maximum in one product,
as four blocks that each lie in one piece. For an activation that never falls, the maximum may be taken first,
of numbers four times as many as the activation then sees.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from handlens.nn.activations import Function
from handlens.nn.arrays import Array
from handlens.nn.cache import Cache
from handlens.nn.layers import Conv2D, MaxPooling2D
from handlens.nn.layers.activations import deactivate
from handlens.nn.layers.windows import Windows

PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))  # of the kernel in its patch, row by row as MaxPooling2D looks


class ConvPool:
    """`Conv2D(strides=1)` with a rising activation, then `MaxPooling2D(2)`, with its parameters."""

    def __init__(self, convolution: Conv2D, function: Function, pooling: MaxPooling2D) -> None:
        """`function` stands between the two, as the convolution's own or as a layer."""
        self.convolution, self.function = convolution, function
        self.patch = (convolution.window[0] + 1, convolution.window[1] + 1)
        self.output_shape = pooling.output_shape
        rows, columns = convolution.windows.rows, convolution.windows.columns
        self.windows = Windows(
            replace(rows, window=self.patch[0], stride=2, out=self.output_shape[0]),
            replace(columns, window=self.patch[1], stride=2, out=self.output_shape[1]),
        )

    def forward(self, x: Array, cache: Cache) -> Array:
        """x `[channels, height, width, n]` to y `[filters, out, out, n]`."""
        height, width, filters = self.output_shape
        padded = self.convolution.windows.pad(x, cache)
        patches = self.windows.patches(padded, cache)  # [patch, patch, channels, out, out, n]
        cache.saved["x_shape"] = x.shape

        expanded = self._expand(len(x), cache)
        matrix = cache.saved["patches"] = patches.reshape(len(expanded), -1)
        candidates = cache.buffer("candidates", (4, filters, matrix.shape[1]))
        cache.product(expanded.T, matrix, candidates.reshape(4 * filters, -1))  # [4 * filters, out * out * n]
        y = self._maximum(candidates, cache)
        if self.convolution.use_bias:
            y += self.convolution.bias[:, None]
        y = y.reshape(filters, height, width, -1)
        self.function.forward(y, y)
        cache.saved["z"] = cache.saved["y"] = y
        return y

    def backward(self, dy: Array, cache: Cache) -> Array | None:
        """Like the plain layers'; the kernel's gradient is the sum over its four places."""
        patches, filters = cache.saved["patches"], self.convolution.filters
        dz = deactivate(self.function, dy, cache).reshape(filters, -1)
        if self.convolution.use_bias:
            np.sum(dz, axis=1, out=cache.gradients["bias"])
        dcandidates = self._spread(dz, cache)
        dexpanded = cache.buffer("dexpanded", (len(patches), 4 * filters))
        cache.product(patches, dcandidates.T, dexpanded)
        self._gather(dexpanded, cache.gradients["kernel"])
        if not cache.wants_dx:
            return None

        dpatches = cache.buffer("dpatches", patches.shape)
        expanded = cache.buffer("expanded", (len(patches), 4 * filters))
        cache.product(expanded, dcandidates, dpatches)
        channels, *_, n = cache.saved["x_shape"]
        return self._overlay(dpatches.reshape(*self.patch, channels, *self.output_shape[:2], n), cache)

    def _expand(self, channels: int, cache: Cache) -> Array:
        """The kernel at its four places: `[patch * patch * channels, 4 * filters]`, zeros elsewhere."""
        kernel = self.convolution.kernel
        rows, columns = self.convolution.window
        expanded = cache.buffer("expanded", (self.patch[0] * self.patch[1] * channels, 4 * kernel.shape[3]))
        places = expanded.reshape(*self.patch, channels, 4, -1)
        for place, (i, j) in enumerate(PLACES):  # what lies between the places is zero from the start
            places[i : i + rows, j : j + columns, :, place] = kernel
        return expanded

    def _gather(self, dexpanded: Array, dkernel: Array) -> None:
        """The reverse of `_expand`: the sum over the places."""
        rows, columns = self.convolution.window
        places = dexpanded.reshape(*self.patch, dkernel.shape[2], 4, -1)
        dkernel.fill(0)
        for place, (i, j) in enumerate(PLACES):
            dkernel += places[i : i + rows, j : j + columns, :, place]

    def _maximum(self, z: Array, cache: Cache) -> Array:
        """The greatest of four blocks `[4, filters, m]`; in training also who won: above, below, of both."""
        shape = z.shape[1:]
        right_above = cache.buffer("right_above", shape, bool)
        right_below = cache.buffer("right_below", shape, bool)
        below = cache.buffer("below", shape, bool)
        y, lower = cache.buffer("y", shape), z[2]
        if cache.training:
            np.greater(z[1], z[0], out=right_above)
            np.greater(z[3], z[2], out=right_below)
        np.maximum(z[0], z[1], out=y)
        np.maximum(z[2], z[3], out=lower)
        if cache.training:
            np.greater(lower, y, out=below)
        np.maximum(y, lower, out=y)
        return y

    def _spread(self, dz: Array, cache: Cache) -> Array:
        """Each number of dz `[filters, m]` to the one of four that won, as a matrix `[4 * filters, m]`."""
        d = cache.buffer("dcandidates", (4, *dz.shape))
        np.multiply(dz, cache.buffer("below", dz.shape, bool), out=d[2])
        np.subtract(dz, d[2], out=d[0])
        np.multiply(d[0], cache.buffer("right_above", dz.shape, bool), out=d[1])
        d[0] -= d[1]
        np.multiply(d[2], cache.buffer("right_below", dz.shape, bool), out=d[3])
        d[2] -= d[3]
        return np.asarray(d.reshape(-1, dz.shape[1]))

    def _overlay(self, dpatches: Array, cache: Cache) -> Array:
        """Add up what every pixel received from the patches that held it (col2im).

        Patches stand two pixels apart, so a pixel's parity in the image is its parity in every patch: the
        sums are taken for each parity apart, in long runs, and put between each other at the end.
        """
        channels, height, width, n = dpatches.shape[2:]
        rows, columns = ((size + 1) // 2 for size in self.convolution.windows.padded)
        planes = cache.buffer("planes", (2, 2, channels, rows, columns, n))
        planes.fill(0)
        for i in range(0, self.patch[0], 2):
            for j in range(0, self.patch[1], 2):
                part = dpatches[i : i + 2, j : j + 2]
                place = planes[:, :, :, i // 2 : i // 2 + height, j // 2 : j // 2 + width]
                place[: part.shape[0], : part.shape[1]] += part
        dpadded = cache.buffer("dpadded", (channels, rows, 2, columns, 2, n))
        np.copyto(dpadded, planes.transpose(2, 3, 0, 4, 1, 5))
        return self.convolution.windows.inside(dpadded.reshape(channels, 2 * rows, 2 * columns, n))
