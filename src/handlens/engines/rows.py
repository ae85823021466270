"""What scikit-learn calls X: images or rows of numbers, and the affine map that prepares them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.prepare import KINDS, fit_preparation
from handlens.errors import SpecError, did_you_mean

Rows = NDArray[Any]
Shape = tuple[int, ...]

TYPES = (np.float64, np.float32, np.uint8)  # that stay as they are; other numbers become the first
TINY = 1e-12  # deviation over mean below which a feature counts as constant


def flatten(x: Any) -> tuple[Any, Shape | None]:
    """Images as rows (a view where memory allows) with the shape of one; anything else as it is, and None.

    Images are arrays [n, height, width] or [n, height, width, channels].
    """
    if getattr(x, "ndim", 2) not in (3, 4):
        return x, None
    images = np.asarray(x)
    shape = images.shape[1:] if images.ndim == 4 else (*images.shape[1:], 1)
    return images.reshape(len(images), math.prod(shape)), shape


def input_shape(features: int, seen: Shape | None, asked: Any) -> Shape:
    """The shape of one image, as its array has it or `image_shape` asks for; else `(features,)`.

    Raises:
        SpecError: `asked` is not two or three whole numbers, or does not agree with what X is.
    """
    if asked is None:
        return (features,) if seen is None else seen
    whole = isinstance(asked, tuple | list) and all(isinstance(side, int | np.integer) for side in asked)
    if not whole or len(asked) not in (2, 3) or min(asked) < 1:
        raise SpecError(f"image_shape is {asked!r}", expected="(height, width) or (height, width, channels)")
    shape = tuple(int(side) for side in asked) + (1,) * (3 - len(asked))
    if math.prod(shape) != features or seen not in (None, shape):
        got = f"{features} numbers a row" if seen is None else f"images of shape {list(seen)}"
        raise SpecError(f"image_shape is {asked!r}, but X has {got}", expected="the same of both")
    return shape


def affine(kind: Any, images: Rows) -> tuple[Any, Any]:
    """Offset and scale of `(x - offset) * scale`, fitted on images [n, *shape] or rows [n, features].

    Numbers, or arrays of one image's shape.

    Args:
        kind: "unit" takes 0..255 of bytes, or the range of other numbers, to [0, 1]; "standardize" subtracts
            the one mean of all numbers and divides by their one deviation; "standardize-pixels" does so
            number by number of an image or row; None changes nothing. "auto" is "unit" for bytes,
            "standardize" for other images, whose numbers are of one kind, "standardize-pixels" for rows.

    Raises:
        SpecError: another kind.
    """
    if kind is None:
        return 0.0, 1.0
    if kind not in ("auto", *KINDS):
        raise SpecError(f"prepare is {kind!r}", remedy=did_you_mean(str(kind), ("auto", *KINDS)))
    if kind == "auto":
        kind = "standardize" if images.ndim == 4 else "standardize-pixels"
        kind = "unit" if images.dtype == np.uint8 else kind
    if images.dtype == np.uint8:
        made = fit_preparation(kind, images.reshape(len(images), 1, 1, -1))
        shape = images.shape[1:] if made.offset.ndim else ()
        return made.offset.reshape(shape), made.scale.reshape(shape)
    if kind == "unit":
        low, high = float(images.min()), float(images.max())
        return low, 1 / (high - low) if high > low else 1.0
    axis = 0 if kind == "standardize-pixels" else None
    mean = images.mean(axis=axis, dtype=np.float64)
    deviation = images.std(axis=axis, dtype=np.float64)
    return mean, 1 / np.where(deviation > TINY * np.abs(mean), deviation, 1.0)
