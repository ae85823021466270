"""Sliding windows over images: where each stands, and the border that "same" padding needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from handlens.errors import SpecError
from handlens.nn import checks
from handlens.nn.arrays import Array
from handlens.nn.cache import Cache

PADDINGS = ("valid", "same")


def check_padding(owner: object, padding: str) -> None:
    checks.choice(owner, "padding", padding, PADDINGS)


@dataclass(frozen=True)
class Side:
    """Rows or columns: `before` and `after` zeros of padding, `out` windows, one every `stride` pixels."""

    size: int
    window: int
    stride: int
    before: int
    after: int
    out: int

    def inside(self) -> Array:
        """float64 [out]: how much of each window lies inside the image."""
        start = np.arange(self.out, dtype=np.float64) * self.stride - self.before
        return np.minimum(start + self.window, self.size) - np.maximum(start, 0)


def side(size: int, window: int, stride: int, padding: str) -> Side:
    """`valid`: only windows that lie inside the image. `same`: `ceil(size / stride)` windows over an image
    padded on both ends, the odd zero at its end, as Keras and TensorFlow pad.
    """
    if padding == "valid":
        return Side(size, window, stride, 0, 0, (size - window) // stride + 1)
    out = -(-size // stride)
    zeros = max((out - 1) * stride + window - size, 0)
    return Side(size, window, stride, zeros // 2, zeros - zeros // 2, out)


@dataclass(frozen=True)
class Windows:
    """Every window of an image `[channels, height, width, n]`."""

    rows: Side
    columns: Side

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width with the border."""
        r, c = self.rows, self.columns
        return r.before + r.size + r.after, c.before + c.size + c.after

    @property
    def has_border(self) -> bool:
        return self.padded != (self.rows.size, self.columns.size)

    def offsets(self) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
        """`(i, j, index)`: `padded[index]` is pixel (i, j) of every window, `[channels, out, out, n]`."""
        r, c = self.rows, self.columns
        for i in range(r.window):
            for j in range(c.window):
                rows = slice(i, i + (r.out - 1) * r.stride + 1, r.stride)
                columns = slice(j, j + (c.out - 1) * c.stride + 1, c.stride)
                yield i, j, (slice(None), rows, columns)

    def patches(self, padded: Array, cache: Cache) -> Array:
        """Every window's pixels, `[rows, columns, channels, out, out, n]`: one copy, in long runs."""
        r, c = self.rows, self.columns
        channels, height, width, image = padded.strides
        view = as_strided(
            padded,
            (r.window, c.window, padded.shape[0], r.out, c.out, padded.shape[-1]),
            (height, width, channels, height * r.stride, width * c.stride, image),
            writeable=False,
        )
        patches = cache.buffer("patches", view.shape)
        np.copyto(patches, view)
        return patches

    def inside(self, padded: Array) -> Array:
        """The image within its border, a view."""
        r, c = self.rows, self.columns
        return padded[:, r.before : r.before + r.size, c.before : c.before + c.size]

    def pad(self, x: Array, cache: Cache, value: float = 0.0) -> Array:
        """x with the border; x itself where there is none."""
        if not self.has_border:
            return x
        padded = cache.buffer("padded", (x.shape[0], *self.padded, x.shape[-1]))
        padded.fill(value)
        self.inside(padded)[...] = x
        return padded

    def empty_gradient(self, x_shape: tuple[int, ...], cache: Cache) -> Array:
        """Zeros of the padded image's shape, in which backward collects."""
        channels, _, _, n = x_shape
        gradient = cache.buffer("dpadded", (channels, *self.padded, n))
        gradient.fill(0)
        return gradient

    def counts(self) -> Array:
        """float64 [out, out]: pixels of each window that lie inside the image, not in its border."""
        return np.outer(self.rows.inside(), self.columns.inside())


def windows(
    owner: object,
    shape: tuple[int, int, int],
    window: tuple[int, int],
    strides: tuple[int, int],
    padding: str,
) -> Windows:
    """The windows over an image of `(height, width, channels)`.

    Raises:
        SpecError: no window fits.
    """
    rows = side(shape[0], window[0], strides[0], padding)
    columns = side(shape[1], window[1], strides[1], padding)
    if padding == "valid" and (rows.out < 1 or columns.out < 1):
        raise SpecError(
            f"no window of {window[0]} x {window[1]} fits into the {shape[0]} x {shape[1]} pixels left",
            where=type(owner).__name__,
            remedy="pool less before it, pad, or use padding='same'",
        )
    if padding == "same" and (window[0] > 2 * shape[0] + 1 or window[1] > 2 * shape[1] + 1):
        checks.refuse(owner, "window", window, f"at most twice the image's {shape[0]} x {shape[1]} pixels")
    return Windows(rows, columns)
