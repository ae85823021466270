"""CSV: one image a row, its pixels and a label; with or without a header, plain or gzip.

The label column is the one that the user names, or that the header calls by a usual name. Otherwise it is the
first or the last column, whichever looks less like a pixel: a column of names is the label; a column with one
value is none; else the label is the column whose values are spread more evenly and that follows its neighbour
less, since a pixel resembles the pixel beside it and a label does not. The first column wins a tie.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.formats.contract import Files, Options, Part, Source, check_room, one_file
from handlens.data.formats.rows import MAX_LINE, Layout, is_number, read_rows
from handlens.data.formats.streams import content
from handlens.data.formats.values import image_shape
from handlens.errors import DataError, did_you_mean

NAME = "csv"
LABELS = ("label", "labels", "class", "target", "y", "category", "digit", "letter", "class_name")
COUNTERS = ("", "index", "id", "unnamed: 0")
SEPARATORS = ",;\t"


@dataclass(frozen=True, eq=False)
class Table:
    """A file whose pixels are read but whose label column may still be open between the kept columns."""

    layout: Layout
    pixels: NDArray[np.uint8]
    kept: dict[int, list[str]]
    lines: NDArray[np.int64]
    label: int | None


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001
    """Text whose first line is cut by commas, semicolons or tabs into short cells."""
    first = head.split(b"\n", 1)[0]
    if not first.strip() or any(byte < 32 and byte not in b"\t\r\n" for byte in head):
        return False
    cells = first.decode("utf-8", "replace").split(_separator(first))
    return len(cells) > 1 and max(map(len, cells)) <= 64


def files(parts: Files) -> tuple[Path, ...]:
    """The tables themselves."""
    return tuple(path for paths in parts.values() for path in paths)


def read(parts: Files, options: Options) -> Source:
    """The images and labels of one table a part; where nothing names the label, the longest table decides.

    Raises:
        DataError: no header column of the wanted name, a cell that is no pixel or no label, ragged rows.
    """
    tables = {part: _read_table(one_file(paths, part), options) for part, paths in parts.items()}
    longest = max(tables.values(), key=lambda table: len(table.pixels))
    label = longest.label if longest.label is not None else _choose_label(longest)
    found = {part: _part(table, label, options) for part, table in tables.items()}
    notes: tuple[str, ...] = ()
    if longest.label is None:
        end = "first" if label == longest.layout.kept[0] else "last"
        notes = (f"the {end} column was taken as the label: no name says which it is",)
    return Source(NAME, found, files(parts), notes)


def _read_table(path: Path, options: Options) -> Table:
    """All rows of a file."""
    with content(path) as stream:
        first = stream.readline(MAX_LINE)
        if not first.strip():
            raise DataError("is empty" if not first else "begins with an empty line", where=path)
        separator = _separator(first)
        text = first.decode("utf-8-sig", "replace").strip("\r\n")
        cells = _cells(text, separator, path)
        names = tuple(cells) if _is_header(cells, options.label) else ()
        label = _named_label(names, options.label, path)
        counters = (0,) if names and names[0].lower() in COUNTERS and label != 0 else ()
        edges = (label,) if label is not None else (len(counters), len(cells) - 1)
        layout = Layout(path, len(cells), separator, (*edges, *counters), names)
        if len(cells) - len(counters) < 3:
            raise DataError(
                f"has {len(cells)} columns",
                where=path,
                expected="a label and one column a pixel",
                remedy="if it lists picture files, put the pictures into one folder a class instead",
            )
        if not names:
            stream.seek(0)
        blocks, room = [], 0
        for rows in read_rows(stream, layout, 2 if names else 1):
            room += rows.pixels.nbytes
            check_room(room, path)
            blocks.append(rows)
    if not room:
        raise DataError("holds no images: nothing follows the header", where=path)
    kept = {index: [text for rows in blocks for text in rows.kept[index]] for index in layout.kept}
    pixels = np.concatenate([rows.pixels for rows in blocks])
    return Table(layout, pixels, kept, np.concatenate([rows.lines for rows in blocks]), label)


def _separator(line: bytes) -> str:
    """The likeliest of `SEPARATORS`; a comma where there is none."""
    return max(SEPARATORS, key=lambda separator: line.count(separator.encode()))


def _cells(line: str, separator: str, path: Path) -> list[str]:
    """The cells of the first line."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
    except csv.Error as error:
        raise DataError(f"line 1: {error}", where=path, expected="cells between commas") from error


def _is_header(cells: Sequence[str], label: str | None) -> bool:
    """Whether the first line names columns: it has the wanted name, is mostly words, or counts 0, 1, 2 ..."""
    if label is not None and label in cells:
        return True
    numbers = [float(cell) for cell in cells if is_number(cell)]
    if 2 * len(numbers) < len(cells):
        return True
    return len(numbers) > 3 and numbers in ([*range(len(numbers))], [*range(1, len(numbers) + 1)])


def _named_label(names: Sequence[str], wanted: str | None, path: Path) -> int | None:
    """The index of the label column if a name tells it."""
    if wanted is not None:
        if wanted in names:
            return names.index(wanted)
        known = f"{names[0]} ... {names[-1]}" if names else "none: the file has no header"
        hint = did_you_mean(wanted, names) if 0 < len(names) <= 20 else f"its columns are {known}"
        raise DataError(f"has no column {wanted!r}", where=path, remedy=hint)
    lower = [name.lower() for name in names]
    return next((lower.index(name) for name in LABELS if name in lower), None)


def _choose_label(table: Table) -> int:
    """The kept column, first or last, that looks more like a label (rule: top of the file)."""
    first, last = table.layout.kept[:2]
    neighbours = {first: first + 1, last: last - 1}
    scores = {}
    for index, neighbour in neighbours.items():
        if not all(map(is_number, table.kept[index])):
            scores[index] = 2.0
            continue
        values = np.array(table.kept[index], np.float64)
        if not np.isfinite(values).all() or (values < 0).any() or (values != np.floor(values)).any():
            scores[index] = -2.0
            continue
        counts = np.unique(values, return_counts=True)[1]
        shares = counts / counts.sum()
        evenness = float(-(shares * np.log(shares)).sum() / np.log(len(shares))) if len(shares) > 1 else -1.0
        beside = table.pixels[:, neighbour].astype(np.float64)
        spread = values.std() * beside.std()
        alike = abs(((values - values.mean()) * (beside - beside.mean())).mean() / spread) if spread else 0.0
        scores[index] = evenness - float(alike)
    return first if scores[first] >= scores[last] else last


def _part(table: Table, label: int, options: Options) -> Part:
    """The images and labels of a table, the label column being known."""
    layout = table.layout
    if label not in table.kept:
        raise DataError(
            f"has {layout.columns} columns and its label is not column {label + 1}, as in the file beside it",
            where=layout.path,
            remedy="give both files the same columns, or name one file itself instead of the folder",
        )
    pixels = table.pixels
    for index, texts in table.kept.items():  # an edge that turned out to be a pixel, not the label
        if index != label and table.label is None and index in layout.kept[:2]:
            pixels[:, index] = _edge_pixels(table, index, texts)
    extra = set(layout.kept[1 if table.label is not None else 2 :]) | {label}
    keep = np.array([index not in extra for index in range(layout.columns)])
    height, width, channels = image_shape(int(keep.sum()), layout.path, options.shape)
    images = pixels[:, keep].reshape(len(pixels), height, width, channels)
    return Part(images, _labels(table, label))


def _edge_pixels(table: Table, index: int, texts: list[str]) -> NDArray[np.uint8]:
    """The pixels of a column that was kept as text."""
    values = np.array([float(text) if is_number(text) else -1.0 for text in texts])
    good = (values >= 0) & (values <= 255) & (values == np.floor(values))
    if not good.all():
        row = int(good.argmin())
        raise DataError(
            f"line {table.lines[row]}, {table.layout.column(index)}: {texts[row][:40]!r} is no pixel",
            where=table.layout.path,
            expected="a whole number from 0 to 255",
            remedy="correct the cell, or name the label column with --label",
        )
    return values.astype(np.uint8)


def _labels(table: Table, label: int) -> NDArray[Any]:
    """int64 [n], or str [n] where any label is no number."""
    texts = table.kept[label]
    numbers = np.array([float(text) if is_number(text) else -1.0 for text in texts])
    named = not all(map(is_number, texts))
    good = np.array([text != "" for text in texts]) if named else (numbers >= 0) & (numbers < 2**53)
    good &= named | (numbers == np.floor(numbers))
    if not good.all():
        row = int(good.argmin())
        raise DataError(
            f"line {table.lines[row]}, {table.layout.column(label)}: {texts[row]!r} is no label",
            where=table.layout.path,
            expected="a whole number from 0, or a name",
            remedy="correct the label, or name another column with --label",
        )
    return np.array(texts) if named else numbers.astype(np.int64)
