"""Some of an array's images, by their indices, without a copy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Picked:
    """`images[indices]` of an array too large to copy: read like an array, copied part by part.

    It answers to `shape`, `dtype`, `ndim`, `size`, `nbytes`, `len`, `[...]` and `np.take` as an array does.
    Any other function of NumPy makes a copy of all of it in memory. Ascending indices are read fastest.
    """

    def __init__(self, images: NDArray[Any] | Picked, indices: Any) -> None:
        """`images [n, ...]`, an array or again `Picked`; `indices` whatever may index its first axis."""
        # Refuses what is out of range; negative indices become positive, masks numbers.
        chosen: NDArray[np.int64] = np.arange(len(images))[indices]
        if isinstance(images, Picked):
            chosen = images.indices[chosen]
            images = images.images
        self.images: NDArray[Any] = images
        self.indices: NDArray[np.int64] = chosen
        self.dtype: np.dtype[Any] = images.dtype
        self.shape: tuple[int, ...] = (len(chosen), *images.shape[1:])
        self.ndim = len(self.shape)
        self.size = math.prod(self.shape)
        self.nbytes = self.size * self.dtype.itemsize
        self.reach = images.nbytes // max(1, min(len(chosen), len(images)))  # see `handlens.pages`

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """A copy; `key` as for an array."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is Ellipsis or first is None:
            whole: NDArray[Any] = np.asarray(self)[key]
            return whole
        picked: NDArray[Any] = self.images[self.indices[first]]
        if not rest:
            return picked
        inner = rest if np.ndim(self.indices[first]) == 0 else (slice(None), *rest)
        return np.asarray(picked[tuple(inner)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("picked images cannot become an array without a copy")
        return self.images[self.indices].astype(dtype or self.dtype, copy=False)

    def take(self, indices: Any, axis: int = 0, out: Any = None, mode: str = "raise") -> NDArray[Any]:
        """As `np.take` asks for it: images along the first axis."""
        if axis != 0:
            raise ValueError("images are picked along the first axis")
        chosen = self.indices[indices]  # refuses what is out of range, whatever the mode
        return np.asarray(np.take(self.images, chosen, axis=0, out=out, mode="clip"))

    def span(self, start: int, stop: int) -> tuple[NDArray[Any], int, int]:
        """The array, and the range in it that holds `self[start:stop]`; see `handlens.pages`."""
        chosen = self.indices[start:stop]
        return (self.images, int(chosen.min()), int(chosen.max()) + 1) if len(chosen) else (self.images, 0, 0)
