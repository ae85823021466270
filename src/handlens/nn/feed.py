"""From images in memory (or in a mapped file) to the batches that the layers take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.errors import SpecError
from handlens.nn.arrays import Array, Shape
from handlens.nn.cache import Cache


class Feed:
    """Batches of prepared images, `x = (image - offset) * scale`, in one thread's memory.

    The image set is never copied; a batch at a time is.
    """

    def __init__(
        self,
        images: NDArray[Any],
        input_shape: Shape,
        dtype: np.dtype[Any],
        *,
        offset: Any = 0.0,
        scale: Any = 1.0,
        rows: bool = False,
    ) -> None:
        """`images` uint8 or floating `[n, height, width, channels]` or `[n, features]`.

        `offset` and `scale` are numbers or arrays that broadcast against one image. `rows` keeps each image
        in one piece of memory, best where the first layer is dense; else a pixel's values for all images of
        the batch lie side by side.

        Raises:
            SpecError: images of another shape, an offset or scale that does not fit.
        """
        check_images(images, input_shape)
        self.images, self.flat = images, len(input_shape) == 1
        self.rows, self.cache = rows, Cache(dtype)
        self.offset = self._fitting("offset", offset, input_shape)
        self.scale = self._fitting("scale", scale, input_shape)

    def batch(self, indices: NDArray[np.integer[Any]]) -> Array:
        """The prepared images at those indices, batch last: `[channels, height, width, n]`.

        Overwritten by the next call.
        """
        return self.prepare(self.take(indices))

    def take(self, indices: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """The images at those indices as they are, `[n, height, width, channels]` or `[n, features]`."""
        taken = self.cache.buffer("taken", (len(indices), *self.images.shape[1:]), self.images.dtype)
        np.take(self.images, indices, axis=0, out=taken, mode="clip")  # "clip": straight into `out`
        return taken.reshape(len(taken), -1) if self.flat else taken

    def prepare(self, taken: NDArray[Any]) -> Array:
        """A few images `[n, height, width, channels]` as a batch `[channels, height, width, n]`."""
        if self.rows:
            x = self._order(self.cache.buffer("x", taken.shape))
        else:
            x = self.cache.buffer("x", self._order(taken).shape)
        np.copyto(x, self._order(taken), casting="unsafe")
        if self.offset is not None:
            x -= self.offset
        if self.scale is not None:
            x *= self.scale
        return x

    def _order(self, images: NDArray[Any]) -> NDArray[Any]:
        """Batch last and channels first, a view."""
        return images.transpose(3, 1, 2, 0) if images.ndim == 4 else images.T

    def _fitting(self, name: str, value: Any, input_shape: Shape) -> Array | None:
        """The number or array as it broadcasts against a batch; None where it changes nothing."""
        numbers = np.asarray(value, np.float64)
        if not np.isfinite(numbers).all():
            raise SpecError(f"{name} holds a number that is not finite")
        if numbers.ndim == 0:
            neutral = 0.0 if name == "offset" else 1.0
            return None if numbers == neutral else numbers.astype(self.cache.dtype)
        if len(input_shape) == 1 and numbers.size == input_shape[0]:
            numbers = numbers.reshape(-1)
        try:
            full = np.broadcast_to(numbers, input_shape)
        except ValueError:
            raise SpecError(
                f"{name} has the shape {list(numbers.shape)}", expected=f"one that fits {list(input_shape)}"
            ) from None
        return self._order(full[None]).astype(self.cache.dtype)


def check_images(images: NDArray[Any], input_shape: Shape) -> None:
    """Raise SpecError unless the images are numbers `[n, *input_shape]`; flat rows may come as pictures."""
    flat = len(input_shape) == 1 and images.ndim > 1 and int(np.prod(images.shape[1:])) == input_shape[0]
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise SpecError(f"images are of type {images.dtype}", expected="uint8 or a floating type")
    if images.shape[1:] != input_shape and not flat:
        shape = ", ".join(["n", *map(str, input_shape)])
        raise SpecError(f"images have the shape {list(images.shape)}", expected=f"[{shape}]")
