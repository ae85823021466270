"""Large arrays a part at a time: the pages of a memory-mapped file that were read are given back.

A page counts as memory of the process that read it until it is given back; the system's own copy stays, so
that another process, or the next epoch, need not read the disk again. All of this is advice: it changes no
value, and does nothing for arrays in memory or where the system has no such call.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

PART = 16 * 2**20  # bytes


def image_bytes(images: NDArray[Any]) -> int:
    """Bytes of one image of `images [n, ...]`."""
    return math.prod(images.shape[1:]) * images.dtype.itemsize


def reach(images: Any) -> int:
    """Bytes gone through for an image: more than it has where `images` are some of many (`Picked`)."""
    return image_bytes(images) if isinstance(images, np.ndarray) else int(images.reach)


def parts(images: NDArray[Any], most: int = PART) -> Iterator[NDArray[Any]]:
    """`images [n, ...]` in order, going through at most so many bytes (but at least one image) at a time.

    A part's pages are given back when the next part is asked for.
    """
    step = max(1, most // max(1, reach(images)))
    for start in range(0, len(images), step):
        yield images[start : start + step]
        release(images)


def release(images: NDArray[Any]) -> None:
    """Give back all pages of the file that `images` are mapped from; those still needed are mapped anew.

    All, since the system also maps neighbours of what is read.
    """
    array, _, _ = _span(images, 0, 0)
    mapping = _mapping(array)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def expect(images: NDArray[Any], start: int, stop: int) -> None:
    """Let the system begin to read `images[start:stop]` from the disk."""
    array, start, stop = _span(images, start, stop)
    mapping, part = _mapping(array), array[start:stop]
    if mapping is None or not part.size or not hasattr(mmap, "MADV_WILLNEED"):
        return
    low, high = np.lib.array_utils.byte_bounds(part)
    origin = np.frombuffer(mapping, np.uint8, 1).__array_interface__["data"][0]
    first = (low - origin) // mmap.PAGESIZE * mmap.PAGESIZE
    mapping.madvise(mmap.MADV_WILLNEED, first, high - origin - first)


def _span(images: Any, start: int, stop: int) -> tuple[NDArray[Any], int, int]:
    """The array that holds `images[start:stop]`, and where; what is no array tells by its own `span`."""
    while not isinstance(images, np.ndarray):
        images, start, stop = images.span(start, stop)
    return images, start, stop


def _mapping(array: NDArray[Any]) -> mmap.mmap | None:
    """The read-only map that an array is a view of: a private one would lose what was written to it."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) and memoryview(base).readonly else None
