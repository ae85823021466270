"""Two short names for the types that every file here speaks of."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""Numbers of the network's one floating type (float32 or float64), unless said otherwise."""

Shape = tuple[int, ...]
"""The shape of one image's data in Keras's order: `(height, width, channels)` or `(features,)`."""


def batch_shape(shape: Shape, n: int) -> Shape:
    """The shape of n images as the layers hold them, batch last.

    `(height, width, channels)` becomes `(channels, height, width, n)`, `(features,)` becomes `(features, n)`.
    """
    if len(shape) == 3:
        height, width, channels = shape
        return channels, height, width, n
    return (*shape, n)
