"""Many pictures into one array of equal images, decoded by threads; unreadable ones are counted and named."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from handlens.data.formats.contract import Options, check_room
from handlens.data.formats.decoding import decode_quietly, measure_quietly
from handlens.errors import DataError

BATCH = 1024
LARGE = 16_000  # bytes; handing a smaller picture to a thread costs more than decoding it (50 us, measured)
T = TypeVar("T")
Pictures = Sequence[bytes | Path]
Batches = Callable[[], Iterable[Pictures]]


@dataclass(frozen=True, eq=False)
class Stack:
    """Pictures of one size.

    Attributes:
        images: uint8 [readable, height, width, channels].
        readable: bool [n], which of the pictures are in `images`.
        notes: what was left out or resized.
    """

    images: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    notes: tuple[str, ...]


def stack(batches: Batches, count: int, name: Callable[[int], str], options: Options, where: object) -> Stack:
    """Decode `count` pictures, given in batches, and resize them to `options.size` or to their median size.

    `name(i)` is what a message calls picture i. All are grey if every one of them is, otherwise all are RGB.

    Raises:
        DataError: unreadable pictures (unless `options.skip_bad`), none at all, or more than memory allows.
    """
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore")

        notes: tuple[str, ...] = ()
        size = options.size
        if size is None:
            size, notes = _median_size(batches, pool, where)
        check_room(count * size[0] * size[1], where)
        images = np.empty((count, *size, 1), np.uint8)
        readable = np.zeros(count, bool)
        reasons: dict[int, str] = {}
        at = filled = 0
        for batch in batches():
            for image in _each(lambda data: _try(data, size), batch, pool):
                if isinstance(image, str):
                    reasons[at] = image
                else:
                    if image.shape[2] > images.shape[3]:
                        images = _in_colour(images, filled, where)
                    images[filled] = image
                    readable[at] = True
                    filled += 1
                at += 1
    return Stack(images[:filled], readable, notes + _judge(reasons, count, name, options.skip_bad, where))


def _each(function: Callable[[bytes | Path], T], batch: Pictures, pool: ThreadPoolExecutor) -> Iterable[T]:
    """`function` of every picture, in order: by threads where pictures are large."""
    looked_at = batch[:: len(batch) // 8 + 1]
    weight = sum(len(data) if isinstance(data, bytes) else data.stat().st_size for data in looked_at)
    return pool.map(function, batch) if weight > LARGE * len(looked_at) else map(function, batch)


def _try(data: bytes | Path, size: tuple[int, int]) -> NDArray[np.uint8] | str:
    """A picture, or why it cannot be read."""
    try:
        return decode_quietly(data, size)
    except DataError as error:
        return error.what


def _in_colour(images: NDArray[np.uint8], filled: int, where: object) -> NDArray[np.uint8]:
    """Room for RGB in place of grey, with what is there already."""
    check_room(images.size * 3, where)
    colour = np.empty((*images.shape[:3], 3), np.uint8)
    colour[:filled] = images[:filled]
    return colour


def _median_size(
    batches: Batches, pool: ThreadPoolExecutor, where: object
) -> tuple[tuple[int, int], tuple[str, ...]]:
    """The median height and width, and a note if there are several sizes."""
    sizes = [size for batch in batches() for size in _each(measure_quietly, batch, pool) if size is not None]
    if not sizes:
        raise DataError(
            "holds no picture that can be read",
            where=where,
            expected="PNG, JPEG, GIF, BMP, WebP or TIFF",
        )
    height, width = (int(side) for side in np.median(np.array(sizes), axis=0))
    different = sum(size != (height, width) for size in sizes)
    if not different:
        return (height, width), ()
    note = f"{different} pictures of other sizes were resized to the median, {height} x {width}"
    return (height, width), (note,)


def _judge(
    reasons: dict[int, str], count: int, name: Callable[[int], str], skip: bool, where: object
) -> tuple[str, ...]:
    """The note on pictures left out, or an error that names them."""
    if not reasons:
        return ()
    first = ", ".join(f"{name(i)} {reason}" for i, reason in list(reasons.items())[:3])
    more = ", ..." if len(reasons) > 3 else ""
    pictures = "picture" if len(reasons) == 1 else "pictures"
    if skip and len(reasons) < count:
        return (f"{len(reasons)} unreadable {pictures} left out: {first}{more}",)
    raise DataError(
        f"{len(reasons)} of {count} {pictures} cannot be read: {first}{more}",
        where=where,
        remedy="replace them" if skip else "replace them, or leave them out with --skip-bad",
    )
