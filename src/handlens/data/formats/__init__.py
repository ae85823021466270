"""Files of images, recognised by content: IDX, CSV, NPZ, Parquet, and folders of pictures.

A new format is one module with the names of `contract.Format`, added to `FORMATS`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from handlens.data.formats import bundle, csvfile, folder, idx, npz, parquet
from handlens.data.formats.contract import Format, Options, Part, Source
from handlens.data.formats.names import part_of
from handlens.data.formats.streams import head_of
from handlens.errors import DataError

__all__ = ["FORMATS", "Options", "Part", "Source", "list_files", "read"]

FORMATS: tuple[Format, ...] = (idx, npz, parquet, csvfile)
"""In the order in which they are asked; CSV last, since it has no magic bytes."""


DEFAULTS = Options()


def read(path: Path, options: Options = DEFAULTS) -> Source:
    """The images and labels in a file, in a folder of data files, or in a folder of pictures.

    Raises:
        DataError: not there, of no known format, or with anything wrong inside; the message says where.
        MissingExtra: Parquet without pyarrow.
    """
    try:
        found = _find(path)
        if found is None:
            source = folder.read(path, options)
        else:
            source = found.format.read(found.parts, options)
            source = replace(source, notes=found.notes + source.notes)
    except OSError as error:
        raise _unreadable(path, error) from error
    _check(source, path)
    return source


def list_files(path: Path) -> tuple[Path, ...]:
    """Every file that `read(path)` would open, found without reading the images.

    Raises:
        DataError: not there, or of no known format.
    """
    try:
        found = _find(path)
        return folder.files(path) if found is None else found.format.files(found.parts)
    except OSError as error:
        raise _unreadable(path, error) from error


def _find(path: Path) -> bundle.Bundle | None:
    """The data files at `path`; None where it is a folder of pictures."""
    if not path.exists():
        raise DataError("does not exist", where=path, remedy="check the path")
    if path.is_dir():
        found = bundle.find(path, FORMATS)
        if found and not found.parts.keys() & {"train", "test"} and folder.holds_pictures(path):
            return None  # a table of notes beside folders of pictures
        return found
    if not path.is_file():
        raise DataError("is neither a file nor a folder", where=path)
    kind = bundle.sniff(path, FORMATS)
    if kind is None:
        raise _unknown(path)
    part = part_of(path.name)
    return bundle.Bundle(kind, {part if part in ("train", "test") else "all": [path]})


def _unknown(path: Path) -> DataError:
    """What to say of a file that no format recognises."""
    if not path.stat().st_size:
        return DataError("is empty", where=path, remedy="download or copy the file again")
    head = head_of(path)
    held = f"begins with {head[:4].hex(' ')}" if head else "holds damaged gzip data"
    return DataError(
        f"is of no known format: it {held}",
        where=path,
        expected="IDX (00 00 08 03), NPZ, Parquet, CSV (text with commas), or a folder of pictures",
        remedy="download the file again if it should be one of these",
    )


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(
        f"cannot be read ({error.strerror or error})",
        where=error.filename or path,
        remedy="check the file and its permissions",
    )


def _check(source: Source, path: Path) -> None:
    """Refuse parts without images or of different shapes."""
    shapes = {part: value.images.shape[1:] for part, value in source.parts.items()}
    if not shapes or not all(len(part.images) for part in source.parts.values()):
        raise DataError("holds no images", where=path)
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{part} {' x '.join(map(str, shape))}" for part, shape in shapes.items())
        raise DataError(
            f"images differ in shape: {told}",
            where=path,
            expected="one height, width and number of channels",
            remedy="convert one part to the shape of the other",
        )
