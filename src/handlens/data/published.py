"""The files of a catalogue entry: found or downloaded, read, and held against what was published."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handlens.data.cache import cache_folder
from handlens.data.catalogue import Entry, File, data_folders, find_files, find_shipped
from handlens.data.download import download
from handlens.data.formats import FORMATS, Options, Part, Source
from handlens.data.formats.bundle import sniff
from handlens.data.formats.names import part_of
from handlens.data.formats.streams import content
from handlens.errors import DataError

MAX_SHIPPED = 1 << 28


def find_or_download(entry: Entry, progress: bool | None = None) -> tuple[Path, ...]:
    """The files of an entry: shipped with a package, in `HANDLENS_DATA`, in the cache, or downloaded.

    Raises:
        DataError: they are nowhere and cannot be downloaded.
    """
    if entry.package:
        return find_shipped(entry)
    folder = download_folder(entry)
    found = find_files(entry, [*data_folders(), folder.parent])
    return found or download(entry, folder, progress=progress)


def download_folder(entry: Entry) -> Path:
    """Where the downloaded files of an entry are kept."""
    return cache_folder() / "downloads" / entry.name


def read_published(entry: Entry, paths: Sequence[Path]) -> Source:
    """The images of an entry's files, upright, from 0 to 255; notes say which file is not the published one.

    Raises:
        DataError: a damaged file.
    """
    if entry.package:
        return _read_shipped(entry, paths[0])
    images = [path for path in paths if "-labels-" not in path.name]
    kind = sniff(images[0], FORMATS)
    if kind is None:
        raise DataError("is damaged", where=images[0], remedy="download the file again")
    source = kind.read({part_of(path.name): [path] for path in images}, Options())
    parts = source.parts
    notes = tuple(
        note
        for file, path in zip(entry.files, paths, strict=True)
        if (note := _differs(file, path, parts[part_of(path.name)], path.parent == download_folder(entry)))
    )
    if entry.transposed:
        parts = {name: Part(part.images.transpose(0, 2, 1, 3), part.labels) for name, part in parts.items()}
    return Source(source.format, parts, source.files, notes + source.notes)


def _differs(file: File, path: Path, part: Part, downloaded: bool) -> str:
    """A note where a file is not, or cannot be told to be, the published one.

    A downloaded member of an archive has no hash of its own; that of the archive vouched for it.
    """
    if file.content:
        array = part.labels.astype(np.uint8) if "-labels-" in path.name else part.images[..., 0]
        if _idx_hash(array) != file.content:
            return f"{path.name} is not the published file: its content differs"
    elif not (downloaded and not file.sha256) and _file_hash(path) != file.sha256:
        return f"{path.name} was not compared with the published file: the hash of its content is not known"
    return ""


def _idx_hash(array: NDArray[np.uint8]) -> str:
    """sha256 (hex) of the IDX file of a uint8 array."""
    digest = hashlib.sha256(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_shipped(entry: Entry, path: Path) -> Source:
    """A table of pixels with the label last and no header, as packages ship it."""
    with content(path) as stream:
        text = stream.read(MAX_SHIPPED)
    same = hashlib.sha256(text).hexdigest() == entry.files[0].content
    rows = text.count(b"\n")
    try:
        cells = text.decode().strip().replace("\n", ",")
        table = np.fromstring(cells, dtype=np.int64, sep=",").reshape(rows, -1)
        side = math.isqrt(table.shape[1] - 1)
        pixels = (
            np.rint(table[:, :-1] * (255 / entry.brightest)).astype(np.uint8).reshape(rows, side, side, 1)
        )
    except ValueError as error:
        raise DataError("is damaged", where=path, remedy=f"install {entry.package} again") from error
    notes = () if same else (f"the package {entry.package} ships other data than handlens knows",)
    return Source("csv", {"all": Part(pixels, table[:, -1])}, (path,), notes)
