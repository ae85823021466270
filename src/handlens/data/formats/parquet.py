"""Parquet: pictures (bytes, or `{bytes, path}` as on Hugging Face), lists of pixels, or one column a pixel.

Read a row group at a time; needs pyarrow (extra `parquet`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.formats.contract import Files, Options, Part, Source, check_room
from handlens.data.formats.csvfile import COUNTERS, LABELS
from handlens.data.formats.stacking import Pictures, stack
from handlens.data.formats.values import to_images, to_labels
from handlens.errors import DataError, MissingExtra, did_you_mean

NAME = "parquet"
BATCH = 1024


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001
    """The format's four magic bytes."""
    return head[:4] == b"PAR1"


def files(parts: Files) -> tuple[Path, ...]:
    """The files themselves; a part may be cut into several."""
    return tuple(path for paths in parts.values() for path in paths)


def read(parts: Files, options: Options) -> Source:
    """The images and labels of each part, whose files are read one after the other.

    Raises:
        DataError: a damaged file, no column of images or of labels, unreadable pictures, ragged lists.
        MissingExtra: pyarrow is not installed.
    """
    found, notes = {}, {}
    for part, paths in parts.items():
        pieces = []
        for path in paths:
            with _opened(path) as file:
                piece, more = _read_file(file, path, options)
            pieces.append(piece)
            notes.update(dict.fromkeys(more))
        if len({piece.images.shape[1:] for piece in pieces}) > 1:
            raise DataError(f"images of the {part} files differ in shape", where=paths[0].parent)
        images = np.concatenate([piece.images for piece in pieces]) if len(pieces) > 1 else pieces[0].images
        found[part] = Part(images, np.concatenate([piece.labels for piece in pieces]))
    return Source(NAME, found, files(parts), tuple(notes))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A `pyarrow.parquet.ParquetFile`; what pyarrow says of a damaged file becomes a DataError."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet") from error
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, TypeError, MemoryError) as error:
        raise DataError(
            f"the Parquet data are damaged ({' '.join(str(error).split())[:100]})",
            where=path,
            remedy="download or copy the file again",
        ) from error


def _read_file(file: Any, path: Path, options: Options) -> tuple[Part, list[str]]:
    """The part in one file, and notes."""
    import pyarrow

    schema, count = file.schema_arrow, file.metadata.num_rows
    if not count:
        raise DataError("holds no images: it has no rows", where=path)
    label = _label_column(schema.names, options.label, path)
    rest = [name for name in schema.names if name != label and name.lower() not in COUNTERS]
    encoded = [name for name in rest if _is_encoded(schema.field(name).type, pyarrow)]
    lists = [name for name in rest if _is_list(schema.field(name).type, pyarrow)]
    labels = np.concatenate(list(_columns(file, [label], _label_values)))
    names = _class_names(schema, label)
    labels = to_labels(labels, count, f"{path}, column {label!r}")
    if names and labels.dtype == np.int64 and labels.max() < len(names):
        labels = np.array(names)[labels]
    if encoded:
        stacked = stack(
            lambda: _columns(file, [encoded[0]], _encoded_values),
            count,
            lambda i: f"row {i}",
            options,
            path,
        )
        return Part(stacked.images, labels[stacked.readable]), list(stacked.notes)
    columns = lists[:1] or rest
    if not columns:
        raise DataError(f"has no column of images beside {label!r}", where=path)
    blocks, room = [], 0
    for block in _columns(file, columns, lambda batch: _pixel_values(batch, path)):
        room += block.nbytes
        check_room(room, path)
        blocks.append(block)
    if len({block.shape[1:] for block in blocks}) > 1:
        raise DataError("rows differ in their number of pixels", where=f"{path}, column {columns[0]!r}")
    rows = np.concatenate(blocks)
    if len(rows) != count:
        raise DataError(
            f"the Parquet data are damaged ({count} labels, {len(rows)} rows of pixels)", where=path
        )
    images, notes = to_images(rows, path, options.shape)
    return Part(images, labels), list(notes)


def _columns(file: Any, columns: Sequence[str], convert: Any) -> Iterator[Any]:
    """Some columns of a file, converted, a batch of rows at a time."""
    for batch in file.iter_batches(batch_size=BATCH, columns=list(columns)):
        yield convert(batch)


def _label_column(names: Sequence[str], wanted: str | None, path: Path) -> str:
    """The label's column: as wanted, else by its usual names."""
    if wanted is not None:
        if wanted in names:
            return wanted
        raise DataError(f"has no column {wanted!r}", where=path, remedy=did_you_mean(wanted, names[:20]))
    usual = {name.lower(): name for name in reversed(names)}
    found = next((usual[name] for name in LABELS if name in usual), None)
    if found is None:
        raise DataError(
            f"has no column that is called a label, only {', '.join(names[:5])}",
            where=path,
            expected=" or ".join(LABELS[:4]),
            remedy="name the column with --label",
        )
    return found


def _is_encoded(kind: Any, arrow: Any) -> bool:
    """Whether a column holds encoded pictures: bytes, or a structure with a field of them."""
    if arrow.types.is_struct(kind):
        return any(field.name == "bytes" and _is_encoded(field.type, arrow) for field in kind)
    return bool(arrow.types.is_binary(kind) or arrow.types.is_large_binary(kind))


def _is_list(kind: Any, arrow: Any) -> bool:
    return bool(
        arrow.types.is_list(kind) or arrow.types.is_large_list(kind) or arrow.types.is_fixed_size_list(kind)
    )


def _encoded_values(batch: Any) -> Pictures:
    """The bytes of every picture; empty, hence unreadable, where there are none."""
    import pyarrow

    column = batch.column(0)
    if pyarrow.types.is_struct(column.type):
        column = column.field("bytes")
    return [value or b"" for value in column.to_pylist()]


def _label_values(batch: Any) -> NDArray[Any]:
    """Labels as numbers or names; a missing one becomes what `to_labels` refuses."""
    values = batch.column(0).to_pylist()
    return np.array([-1 if value is None else value for value in values])


def _pixel_values(batch: Any, path: Path) -> NDArray[Any]:
    """[rows, pixels] of a column of lists (nested ones keep their shape), or of one column a pixel."""
    import pyarrow

    if _is_list(batch.column(0).type, pyarrow):
        try:
            return np.array(batch.column(0).to_pylist())
        except ValueError as error:
            raise DataError("rows differ in their number of pixels", where=path) from error
    return np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns], axis=1)


def _class_names(schema: Any, label: str) -> list[str]:
    """Names of the classes that Hugging Face's metadata give; empty where there are none."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        names = features[label]["names"]
        return names if all(isinstance(name, str) for name in names) else []
    except (KeyError, TypeError, ValueError):
        return []
