"""IDX, the format of MNIST: big-endian header, then the values as they are; plain or gzip.

Header: two zero bytes, one for the type (8: unsigned byte), one for the number of dimensions, then each
dimension as 32 bits. Source: LeCun, Cortes, Burges, *The MNIST database of handwritten digits*.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handlens.data.formats.contract import Files, Options, Part, Source, check_room, one_file
from handlens.data.formats.streams import content, head_of, most_bytes
from handlens.errors import DataError

NAME = "idx"
TYPES = {8: "uint8", 9: "int8", 11: "int16", 12: "int32", 13: "float32", 14: "float64"}
STEP = 1 << 20
MAPPED = 128 * 2**20  # bytes of values above which a plain file is memory-mapped, not read


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001
    """Two zero bytes, a known type, one to four dimensions."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in TYPES and 1 <= head[3] <= 4


def files(parts: Files) -> tuple[Path, ...]:
    """The images files and, beside them, their labels files."""
    return tuple(path for images in _images(parts).values() for path in (images, _labels_beside(images)))


def read(parts: Files, options: Options) -> Source:  # noqa: ARG001
    """Images with the labels from the file beside them.

    Raises:
        DataError: a wrong type or header, too few or too many bytes, no labels file, counts that differ.
    """
    found = {}
    for part, path in _images(parts).items():
        images, labels = _read_array(path, (3, 4)), _read_array(_labels_beside(path), (1,))
        if len(images) != len(labels):
            raise DataError(
                f"{len(images)} images but {len(labels)} labels in {_labels_beside(path).name}",
                where=path,
                expected="one label an image",
                remedy="check that both files are of the same set",
            )
        images = images if images.ndim == 4 else images[..., np.newaxis]
        found[part] = Part(images, labels.astype(np.int64))
    return Source(NAME, found, files(parts))


def _images(parts: Files) -> dict[str, Path]:
    """The images file of each part, labels files left aside."""
    found = {}
    for part, paths in parts.items():
        images = [path for path in paths if head_of(path)[3:4] != b"\x01"]
        if len(images) > 1:  # a labels file with a damaged header: its name still says what it is
            images = [path for path in images if "label" not in path.name] or images
        if images:
            found[part] = one_file(images, part)
    if not found:
        labels = next(path for paths in parts.values() for path in paths)
        images_name = labels.name.replace("labels", "images").replace("idx1", "idx3")
        beside = labels.with_name(images_name)
        if beside != labels and beside.is_file():  # it was not recognised: reading it says why
            _read_array(beside, (3, 4))
        raise DataError(
            "holds labels, not images", where=labels, remedy=f"name the images file, {images_name}, instead"
        )
    return found


def _labels_beside(images: Path) -> Path:
    """The labels file of an images file: `-images-idx3-` -> `-labels-idx1-`, either may be .gz."""
    name = re.sub("idx[34]", "idx1", images.name.replace("images", "labels"))
    bare = name.removesuffix(".gz")
    for candidate in (name, bare, f"{bare}.gz"):
        if candidate != images.name and (images.parent / candidate).is_file():
            return images.parent / candidate
    raise DataError(
        "has no labels file beside it",
        where=images,
        expected=bare if bare != images.name else "names such as train-images-idx3-ubyte",
        remedy="put it, plain or .gz, into the same folder",
    )


def _read_array(path: Path, dimensions: tuple[int, ...]) -> NDArray[np.uint8]:
    """The array in one file: memory is taken only for what its size can hold, filled as data arrive.

    The array of a large plain file is mapped.
    """
    with content(path) as stream:
        magic = stream.read(4)
        if len(magic) < 4 or magic[:3] != b"\0\0\x08" or magic[3] not in dimensions:
            held = f"{TYPES[magic[2]]} values" if recognises(path, magic) else "no IDX data"
            raise DataError(
                f"holds {held} (it begins with {magic.hex(' ') or 'nothing'})",
                where=path,
                expected=" or ".join(f"00 00 08 0{n}" for n in dimensions) + ", unsigned bytes",
            )
        words = stream.read(4 * magic[3])
        if len(words) < 4 * magic[3]:
            raise DataError("ends within its header", where=path, remedy="download the file again")
        shape = tuple(int(side) for side in np.frombuffer(words, ">u4"))
        _check_promise(path, shape, 4 + len(words))
        if math.prod(shape) > MAPPED and path.stat().st_size == 4 + len(words) + math.prod(shape):
            return np.asarray(np.memmap(path, np.uint8, "r", 4 + len(words), shape))
        values = np.empty(math.prod(shape), np.uint8)
        filled = 0
        while filled < len(values):
            got = stream.readinto(values[filled : filled + STEP].data)  # type: ignore[attr-defined]
            if not got:
                raise DataError(
                    f"ends after {filled:,} of {len(values):,} values",
                    where=path,
                    expected=f"{_times(shape)}, as its header says",
                    remedy="download or copy the file again",
                )
            filled += got
        if stream.read(1):
            raise DataError(
                "goes on after its last value",
                where=path,
                expected=f"{_times(shape)}, as its header says",
                remedy="download or copy the file again",
            )
    return values.reshape(shape)


def _check_promise(path: Path, shape: tuple[int, ...], header: int) -> None:
    """Refuse a header that promises more than the file can hold, nothing, or impossible channels."""
    promised, most = math.prod(shape), most_bytes(path)
    if promised + header > most:
        raise DataError(
            f"is truncated: its header promises {_times(shape)} values, {promised:,} bytes, "
            f"but it cannot hold more than {max(most - header, 0):,}",
            where=path,
            remedy="download or copy the file again",
        )
    check_room(promised, path)
    if not promised:
        raise DataError(f"holds no images: its header says {_times(shape)}", where=path)
    if len(shape) == 4 and shape[3] not in (1, 3):
        raise DataError(f"images have {shape[3]} channels", where=path, expected="1 (grey) or 3 (RGB), last")


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{side:,}" for side in shape)
