"""NPZ, NumPy's archive of arrays: `x_train`/`y_train`/`x_test`/`y_test`, `images`/`labels`, or `x`/`y`.

Every array's header is held against its size in the archive before memory is taken, and nothing is unpickled.
"""

from __future__ import annotations

import math
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.formats.contract import Files, Options, Part, Source, check_room, one_file
from handlens.data.formats.streams import MAX_RATIO
from handlens.data.formats.values import to_images, to_labels
from handlens.errors import DataError

NAME = "npz"
PAIRS = (
    {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")},
    {"train": ("train_images", "train_labels"), "test": ("test_images", "test_labels")},
    {"all": ("images", "labels")},
    {"all": ("x", "y")},
)
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001
    """A ZIP archive whose first member is an array."""
    name_length = int.from_bytes(head[26:28], "little")
    return head[:4] == b"PK\x03\x04" and head[30 : 30 + name_length].endswith(b".npy")


def files(parts: Files) -> tuple[Path, ...]:
    """The archives themselves."""
    return tuple(path for paths in parts.values() for path in paths)


def read(parts: Files, options: Options) -> Source:
    """The images and labels of one archive, or of one archive a part.

    Raises:
        DataError: a damaged archive, arrays missing or of the wrong kind, an array that needs pickle.
    """
    found: dict[str, Part] = {}
    notes: dict[str, None] = {}
    for part, paths in parts.items():
        path = one_file(paths, part)
        inside, more = _read_archive(path, options)
        notes.update(dict.fromkeys(more))
        if len(parts) > 1 and "all" not in inside:
            raise DataError(
                f"holds {' and '.join(inside)} images, and so does another file beside it",
                where=path,
                remedy="name the file itself instead of its folder",
            )
        found.update({part if key == "all" else key: value for key, value in inside.items()})
    return Source(NAME, found, files(parts), tuple(notes))


def _read_archive(path: Path, options: Options) -> tuple[dict[str, Part], list[str]]:
    """The parts in one archive, and notes."""
    found: dict[str, Part] = {}
    notes: list[str] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = {
                info.filename.removesuffix(".npy").lower(): info
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
            for part, (x, y) in _names(members, path).items():
                images, more = to_images(
                    _read_member(archive, members[x], path), f"{path}, array {x!r}", options.shape
                )
                labels = _read_member(archive, members[y], path)
                found[part] = Part(images, to_labels(labels, len(images), f"{path}, array {y!r}"))
                notes += more
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DataError(
            f"the archive is damaged ({error})", where=path, remedy="save or download the file again"
        ) from error
    return found, notes


def _names(members: Mapping[str, zipfile.ZipInfo], path: Path) -> dict[str, tuple[str, str]]:
    """Part to the names of its images and labels."""
    for pairs in PAIRS:
        names = {part: pair for part, pair in pairs.items() if all(name in members for name in pair)}
        if names:
            return names
    raise DataError(
        f"holds the arrays {', '.join(sorted(members)) or '(none)'}",
        where=path,
        expected="x_train, y_train, x_test and y_test; or images and labels; or x and y",
    )


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    """One array, filled as data arrive."""
    where = f"{path}, array {info.filename.removesuffix('.npy')!r}"
    if info.file_size > max(info.compress_size, 1) * MAX_RATIO or info.compress_size > path.stat().st_size:
        raise DataError(f"promises {info.file_size:,} bytes, more than the file can hold", where=where)
    check_room(info.file_size, where)
    with archive.open(info) as stream:
        shape, fortran, dtype = _header(stream, where)
        promised = math.prod(shape) * dtype.itemsize
        if promised != info.file_size - stream.tell():
            raise DataError(
                f"its header promises {list(shape)} {dtype}, {promised:,} bytes, but the archive holds "
                f"{info.file_size - stream.tell():,}",
                where=where,
                remedy="save or download the file again",
            )
        buffer = np.empty(promised, np.uint8)
        filled = 0
        while filled < promised:
            got = stream.readinto(buffer[filled : filled + (1 << 20)].data)  # type: ignore[attr-defined]
            if not got:
                raise DataError("its data end early", where=where, remedy="save or download the file again")
            filled += got
        stream.read(1)  # at the end of the data the checksum is compared
    flat = buffer.view(dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _header(stream: Any, where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array, from the header of NumPy's format."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of headers that Python 2 wrote
            version = np.lib.format.read_magic(stream)
            reader = HEADERS[version]
            shape, fortran, dtype = reader(stream)
            shape = tuple(int(side) for side in shape)
    except (zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # NumPy's parser lets almost any exception out of a damaged header
        raise DataError("is no array that NumPy wrote", where=where, remedy="save the file again") from error
    if dtype.hasobject:
        raise DataError(
            "holds Python objects, which only pickle can read, and pickle can run any program",
            where=where,
            remedy="save plain arrays: numpy.savez_compressed(file, x_train=images, ...) with numbers only",
        )
    if dtype.kind not in "biufUS" or dtype.itemsize == 0 or any(side < 0 for side in shape):
        raise DataError(f"holds {dtype} {list(shape)}", where=where, expected="an array of numbers or names")
    return shape, bool(fortran), dtype
