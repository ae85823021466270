"""Training images for many processes at once: one file, mapped into the memory of each."""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data import ImageSet
from handlens.errors import StoreError
from handlens.pages import parts
from handlens.studies.storage import disk
from handlens.studies.training.trial import Training


@dataclass(frozen=True)
class Place:
    """Where an array lies: the file, the bytes before it, its shape and the type of its numbers."""

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: str

    def open(self) -> NDArray[Any]:
        """The array, mapped read-only.

        Raises:
            OSError: the file is not there.
        """
        return np.asarray(np.memmap(self.path, self.dtype, "r", self.offset, self.shape))


@dataclass(frozen=True)
class Shared:
    """Training images as another process finds them."""

    name: str
    notes: tuple[str, ...]
    classes: tuple[str, ...]
    images: Place
    labels: Place

    def open(self) -> Training:
        """What was shared, as it was.

        Raises:
            OSError: a file is not there.
        """
        images = ImageSet(self.images.open(), self.labels.open(), self.classes)
        return Training(self.name, images, self.notes)


@contextlib.contextmanager
def shared(data: Training, root: Path) -> Iterator[Shared]:
    """The training images for other processes; what is not mapped from a file is written under `root`.

    Raises:
        StoreError: cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            root.mkdir(parents=True, exist_ok=True)
            beside = tempfile.TemporaryDirectory(prefix=disk.UNFINISHED, dir=root, ignore_cleanup_errors=True)
            made = _share(data, Path(stack.enter_context(beside)))
        except OSError as error:
            raise StoreError(
                f"cannot share the images with the workers ({error.strerror or error})",
                where=root,
                remedy="free space, name another folder with --runs, or train in turn with --workers 1",
            ) from error
        yield made


def _share(data: Training, folder: Path) -> Shared:
    images, labels = data.images.images, data.images.labels
    return Shared(
        data.name,
        data.notes,
        data.images.classes,
        _held(place_of(images), folder / "images") or _write(images, folder / "images"),
        _held(place_of(labels), folder / "labels") or _write(labels, folder / "labels"),
    )


def _held(place: Place | None, link: Path) -> Place | None:
    """The same file by a name of our own: somebody may clear the cache that it lies in."""
    if place is None:
        return None
    try:
        link.hardlink_to(place.path)
    except OSError:  # another disk, or one without links
        return place
    return dataclasses.replace(place, path=link)


def place_of(array: NDArray[Any]) -> Place | None:
    """Where in which file an array is mapped from; None for one that is in memory."""
    base: Any = array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    mapped = isinstance(base, np.memmap) and base.mode == "r" and base.filename is not None
    if not mapped or not array.flags.c_contiguous or not array.size:
        return None
    # A part of a memory map says the whole one's offset: the place in memory tells.
    bytes_mapped = np.frombuffer(base._mmap, np.uint8)
    start = base.offset - base.offset % mmap.ALLOCATIONGRANULARITY
    path, offset = Path(base.filename), start + array.ctypes.data - bytes_mapped.ctypes.data
    try:
        there = path.stat().st_size >= offset + array.nbytes
    except OSError:  # removed since: the map stays, the name does not
        return None
    return Place(path, offset, array.shape, array.dtype.str) if there else None


def _write(array: NDArray[Any], path: Path) -> Place:
    with path.open("xb") as file:
        for part in parts(array):
            file.write(np.ascontiguousarray(part).data)
    return Place(path, 0, array.shape, array.dtype.str)
