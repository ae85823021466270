"""From arrays of numbers, as files hold them, to images and labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.errors import DataError


def to_images(
    array: NDArray[Any], where: object, shape: tuple[int, int] | None = None
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """uint8 [n, height, width, channels] from [n, h, w], [n, h, w, c], [n, c, h, w] or [n, pixels]; notes.

    Whole numbers 0-255 are taken as they are; floats from 0 to 1 are scaled to 0-255 and rounded, floats from
    0 to 255 rounded, both with a note.

    Raises:
        DataError: values that are no pixels, or a shape that is no images.
    """
    if array.size == 0:
        raise DataError(f"holds no images: the array is {list(array.shape)}", where=where)
    if array.ndim == 2:
        array = array.reshape(len(array), *image_shape(array.shape[1], where, shape))
    elif array.ndim == 3:
        array = array[..., np.newaxis]
    notes: tuple[str, ...] = ()
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
        notes = ("channels came first and were moved last",)
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        raise DataError(
            f"images are an array {list(array.shape)}",
            where=where,
            expected="[n, height, width] or [n, height, width, channels] with 1 or 3 channels",
        )
    pixels, more = _to_bytes(array, where)
    return np.ascontiguousarray(pixels), notes + more


def _to_bytes(array: NDArray[Any], where: object) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Values as uint8, and notes on how."""
    if array.dtype == np.uint8:
        return array, ()
    if array.dtype == np.bool_:
        return array * np.uint8(255), ("true and false were read as pixels of 255 and 0",)
    if array.dtype.kind not in "iuf":
        raise DataError(f"pixels are {array.dtype}", where=where, expected="numbers from 0 to 255")
    low, high = array.min(), array.max()
    # NaN spoils both ends, and every comparison with it is false.
    if not (low >= 0 and high <= 255):
        raise DataError(
            f"pixels run from {low:g} to {high:g}",
            where=where,
            expected="whole numbers from 0 to 255, or shares from 0 to 1",
            remedy="scale them, or replace what is not a number, before saving",
        )
    if array.dtype.kind != "f":
        return array.astype(np.uint8), ()
    scale = 255 if high <= 1 else 1
    out = np.empty(array.shape, np.uint8)
    exact = scale == 1
    for i in range(0, len(array), 1024):  # in blocks, so that no second copy in floats is made
        block = array[i : i + 1024].astype(np.float64) * scale
        rounded = np.rint(block)
        exact = exact and bool((block == rounded).all())
        out[i : i + 1024] = rounded
    if scale == 255:
        return out, ("pixels from 0 to 1 were scaled to 0-255 and rounded",)
    return out, () if exact else ("fractions of pixels were rounded",)


def image_shape(count: int, where: object, shape: tuple[int, int] | None) -> tuple[int, int, int]:
    """Height, width and channels of an image given as a row of `count` pixels (RGB: three a pixel, together).

    Raises:
        DataError: `count` does not fit `shape`, or is not a square.
    """
    if shape is None:
        side = math.isqrt(count)
        if side * side == count and count > 0:
            return side, side, 1
        raise DataError(
            f"{count} pixels an image are no square",
            where=where,
            remedy="say their shape with --shape HEIGHTxWIDTH, and check which column is the label",
        )
    height, width = shape
    for channels in (1, 3):
        if height * width * channels == count > 0:
            return height, width, channels
    raise DataError(
        f"{count} pixels an image do not fit the shape {height} x {width}",
        where=where,
        expected=f"{height * width}, or {height * width * 3} in colour",
        remedy="correct --shape",
    )


def to_labels(array: NDArray[Any], count: int, where: object) -> NDArray[Any]:
    """int64 [n] or str [n] from [n], [n, 1] or one-hot [n, k].

    Raises:
        DataError: labels that are negative, fractional, or not one an image.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "biuf":
        if not (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()):
            raise DataError("labels of two dimensions are not one-hot", where=where, expected="one 1 a row")
        array = array.argmax(axis=1)
    if array.shape != (count,):
        raise DataError(
            f"{count} images but labels of shape {list(array.shape)}",
            where=where,
            expected="one label an image",
        )
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind in "US":
        return array
    if array.dtype.kind not in "biuf":
        raise DataError(f"labels are {array.dtype}", where=where, expected="whole numbers or names")
    bad = ~((array >= 0) & (array < 2**53) & (np.floor(array) == array))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"the label of image {row} is {array[row]}",
            where=where,
            expected="a whole number from 0",
            remedy="number the classes from 0, or use their names",
        )
    return array.astype(np.int64)
