"""What every reader of image files takes and gives, and how much memory a file may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handlens.errors import DataError

MAX_BYTES = 4 * 2**30
"""Most bytes of pixels that one file or folder may hold: above it a file is refused, whatever it promises."""

Files = Mapping[str, Sequence[Path]]
"""Part ("train", "test" or "all") to the files that hold it."""


@dataclass(frozen=True, eq=False)
class Part:
    """What a file holds, before labels are made contiguous.

    Attributes:
        images: uint8 [n, height, width, channels], channels 1 or 3.
        labels: int64 [n], not negative, perhaps with gaps; or str [n], class names.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any]


@dataclass(frozen=True)
class Options:
    """What a user may say about a file.

    Attributes:
        shape: height and width of the pixels in a row (CSV, NPZ, Parquet); None: a square, from their count.
        size: height and width to which pictures are resized (folder, Parquet); None: their median size.
        label: name of the label column; None: found by its usual names, then by content.
        skip_bad: leave unreadable pictures out and count them, instead of an error.
    """

    shape: tuple[int, int] | None = None
    size: tuple[int, int] | None = None
    label: str | None = None
    skip_bad: bool = False


@dataclass(frozen=True)
class Source:
    """What was read: the format's name, the parts ("train" and/or "test", or "all"), every file that was
    read, and notes for the reader of any result, such as how many pictures were left out."""

    format: str
    parts: Mapping[str, Part]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


class Format(Protocol):
    """A reader of data files: a module with these names. Adding one: write it, add it to `FORMATS`."""

    @property
    def NAME(self) -> str:
        """One word: "idx", "csv"."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file whose content begins with `head`, at most 4096 bytes, is of this format."""

    def files(self, parts: Files) -> tuple[Path, ...]:
        """Every file that `read` would open, without reading them."""

    def read(self, parts: Files, options: Options) -> Source:
        """The images and labels in the files of each part."""


def one_file(paths: Sequence[Path], part: str) -> Path:
    """The only file of a part.

    Raises:
        DataError: there are several.
    """
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths[:3])
        raise DataError(
            f"{len(paths)} files could be the {part} images: {names}",
            where=paths[0].parent,
            expected="one",
            remedy="name the file itself instead of its folder",
        )
    return paths[0]


def check_room(size: int, where: object) -> None:
    """Refuse `size` bytes of pixels when they are more than `MAX_BYTES`.

    Raises:
        DataError: it is too much.
    """
    if size > MAX_BYTES:
        raise DataError(
            f"holds {size / 2**30:,.1f} GiB of pixels",
            where=where,
            expected=f"at most {MAX_BYTES / 2**30:g} GiB",
            remedy="use fewer or smaller images",
        )
