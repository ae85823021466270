"""Rows of pixels from CSV text, a block of lines at a time: fast where every pixel is plain digits.

The fast way works on all bytes of a block at once; whatever it does not understand goes the slow way, cell by
cell, which reads every notation (`0.0`, `1e2`, quotes, spaces) and names line and column of what is wrong.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from handlens.errors import DataError

BLOCK = 1 << 20
MAX_LINE = 1 << 24
NEWLINE, ZERO = ord("\n"), ord("0")


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a table.

    Attributes:
        pixels: uint8 [rows, columns]; what stands in the kept columns means nothing.
        kept: the text of the cells in every kept column, by its index.
        lines: int64 [rows], the line of each row in the file, from 1.
    """

    pixels: NDArray[np.uint8]
    kept: dict[int, list[str]]
    lines: NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Where a table comes from and what its columns are: the number of columns, the character between them,
    the indices of columns that are kept as text, and the header's names (empty where there is none)."""

    path: Path
    columns: int
    separator: str
    kept: tuple[int, ...]
    names: tuple[str, ...] = ()

    def column(self, index: int) -> str:
        """A column as a message names it."""
        return f"column {index + 1}" + (f" ({self.names[index]!r})" if self.names else "")


def read_rows(stream: IO[bytes], layout: Layout, line: int) -> Iterator[Rows]:
    """All rows of `stream`, whose next line is number `line`.

    Raises:
        DataError: a ragged row, or a cell that is no pixel, with its line and column.
    """
    rest = b""
    while block := stream.read(BLOCK):
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if len(rest) > MAX_LINE:
            raise DataError(f"line {line} is longer than {MAX_LINE:,} bytes", where=layout.path)
        if newline:
            yield _read_block(whole + newline, layout, line)
            line += whole.count(b"\n") + 1
    if rest.strip():
        yield _read_block(rest + b"\n", layout, line)


def _read_block(block: bytes, layout: Layout, line: int) -> Rows:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        here = line + block.count(b"\n", 0, error.start)
        raise DataError(
            f"line {here} is no UTF-8 text",
            where=layout.path,
            remedy="save the file as UTF-8",
        ) from None
    fast = _read_fast(block.replace(b"\r\n", b"\n"), layout, line)
    return fast or _read_slow(block, layout, line)


def _read_fast(block: bytes, layout: Layout, line: int) -> Rows | None:
    """The rows of a block, or None where anything but one to three digits stands for a pixel."""
    text = np.frombuffer(block, np.uint8)
    ends: NDArray[np.int64] = np.flatnonzero((text == ord(layout.separator)) | (text == NEWLINE))
    if ends.size % layout.columns or b'"' in block:
        return None
    lengths = (np.diff(ends, prepend=-1) - 1).reshape(-1, layout.columns)
    ends = ends.reshape(-1, layout.columns)  # [rows, columns]
    if (text[ends[:, -1]] != NEWLINE).any() or block.count(b"\n") != len(ends):
        return None
    kept = {}
    for index in layout.kept:
        spans = zip((ends[:, index] - lengths[:, index]).tolist(), ends[:, index].tolist(), strict=True)
        kept[index] = [block[start:end].decode("utf-8", "replace").strip() for start, end in spans]
    is_pixel = np.ones(layout.columns, bool)
    is_pixel[list(layout.kept)] = False
    if not ((lengths >= 1) & (lengths <= 3))[:, is_pixel].all():
        return None
    digits = text - np.uint8(ZERO)  # below zero it wraps to far above nine
    value = digits[ends - 1].astype(np.uint16)
    wrong = value > 9
    for place, weight in ((2, 10), (3, 100)):
        digit = digits[ends - place] * (lengths >= place)
        wrong |= digit > 9
        value += digit * np.uint16(weight)
    wrong |= value > 255
    if wrong[:, is_pixel].any():
        return None
    return Rows(value.astype(np.uint8), kept, np.arange(line, line + len(ends)))


def _read_slow(block: bytes, layout: Layout, line: int) -> Rows:
    """The rows of a block, cell by cell."""
    reader = csv.reader(block.decode("utf-8", "replace").splitlines(True), delimiter=layout.separator)
    is_pixel = [index for index in range(layout.columns) if index not in layout.kept]
    rows, lines = [], []
    kept: dict[int, list[str]] = {index: [] for index in layout.kept}
    try:
        for cells in reader:
            here = line + reader.line_num - 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != layout.columns:
                raise DataError(
                    f"line {here} has {len(cells)} columns",
                    where=layout.path,
                    expected=f"{layout.columns}, as in the first line",
                    remedy="the file may be damaged: download or save it again",
                )
            rows.append(_pixels(cells, is_pixel, layout, here))
            lines.append(here)
            for index, texts in kept.items():
                texts.append(cells[index].strip())
    except csv.Error as error:
        raise DataError(f"line {line + reader.line_num}: {error}", where=layout.path) from error
    pixels = np.array(rows, np.uint8).reshape(len(rows), layout.columns)
    return Rows(pixels, kept, np.array(lines, np.int64))


def _pixels(cells: list[str], is_pixel: list[int], layout: Layout, line: int) -> NDArray[np.uint8]:
    """One row, uint8 [columns], zero in the kept columns."""
    row = np.zeros(layout.columns, np.uint8)
    try:
        values = np.array([number(cells[index]) for index in is_pixel])
        good = (values >= 0) & (values <= 255) & (values == np.floor(values))
        if good.all():
            row[is_pixel] = values
            return row
        bad = int(good.argmin())
    except ValueError:
        bad = next(i for i, index in enumerate(is_pixel) if not is_number(cells[index]))
    index = is_pixel[bad]
    raise DataError(
        f"line {line}, {layout.column(index)}: {cells[index].strip()[:40]!r} is no pixel",
        where=layout.path,
        expected="a whole number from 0 to 255",
        remedy="correct the cell, or name the label column with --label if this is not the pixel it seems",
    )


def number(cell: str) -> float:
    """The number in a cell; unlike Python, a CSV has no underscores in numbers."""
    if "_" in cell:
        raise ValueError(cell)
    return float(cell)


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number."""
    try:
        number(cell)
    except ValueError:
        return False
    return True
