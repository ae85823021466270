"""A notebook or Python file as cells. Files are hostile: size and depth are checked before parsing."""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path
from typing import Any

from handlens.errors import HandlensError, did_you_mean
from handlens.lint.finding import Cell

MOST_BYTES = 50 * 2**20
MOST_CELLS = 5_000
DEEPEST = 200
MOST_SOURCE = 2**20
# A string as a whole (possessive: nothing is kept to go back to), or one bracket outside strings.
_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


def read_cells(path: str | Path) -> tuple[Cell, ...]:
    """The cells of `FILE.ipynb` (nbformat 3 or 4) or `FILE.py` (one cell with number 0), in written order.

    Raises:
        HandlensError: no such file, neither of the two kinds, too large, or not what its name says.
    """
    path = Path(path)
    if path.suffix not in (".ipynb", ".py"):
        raise HandlensError("this is no notebook", where=path, expected="a name that ends in .ipynb or .py")
    raw = _bytes(path)
    if path.suffix == ".py":
        return (Cell(0, "code", _python(raw, path)),)
    return _notebook(_json(raw, path), path)


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        near = ""
        if not path.exists() and path.parent.is_dir():
            names = [p.name for p in path.parent.iterdir() if p.suffix == path.suffix][:1000]
            hint = did_you_mean(path.name, names)
            near = hint if hint.startswith("did") else ""
        raise HandlensError("no such file" if not path.exists() else "not a file", where=path, remedy=near)
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise HandlensError(f"cannot be read: {error.strerror}", where=path) from None
    if len(raw) > MOST_BYTES:
        raise HandlensError(
            f"larger than {MOST_BYTES >> 20} MB",
            where=path,
            remedy="clear the outputs: jupyter nbconvert --clear-output --inplace FILE",
        )
    return raw


def _python(raw: bytes, path: Path) -> str:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        text = raw.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise HandlensError("not a text file", where=path, expected="Python source in UTF-8") from None
    if "\0" in text:
        raise HandlensError("not a text file", where=path, expected="Python source in UTF-8")
    if len(text) > MOST_SOURCE:
        raise HandlensError(f"more than {MOST_SOURCE >> 20} million characters of source", where=path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _json(raw: bytes, path: Path) -> Any:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise HandlensError("not a text file", where=path, expected="a notebook: JSON in UTF-8") from None
    if _depth(text) > DEEPEST:
        raise HandlensError(f"nested more than {DEEPEST} levels deep", where=path, expected="a notebook")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise HandlensError(
            "not JSON", where=path, expected="a notebook as Jupyter writes it (.ipynb)"
        ) from None


def _depth(text: str) -> int:
    """How deep brackets are nested outside strings; no more is counted than needed."""
    deepest = depth = 0
    for found in _BRACKETS.finditer(text):
        mark = found.group(0)
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                break
        elif mark in "]}":
            depth -= 1
    return deepest


def _notebook(book: Any, path: Path) -> tuple[Cell, ...]:
    if not isinstance(book, dict):
        raise HandlensError("not a notebook", where=path, expected='a JSON object with "cells"')
    cells = book.get("cells")
    if cells is None and isinstance(book.get("worksheets"), list):  # nbformat 3
        cells = [
            cell
            for sheet in book["worksheets"]
            if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
    if not isinstance(cells, list):
        raise HandlensError("not a notebook", where=path, expected='a JSON object with a list of "cells"')
    if len(cells) > MOST_CELLS:
        raise HandlensError(f"{len(cells):,} cells", where=path, expected=f"at most {MOST_CELLS:,}")
    read = tuple(_cell(cell, number, path) for number, cell in enumerate(cells, start=1))
    if sum(len(cell.source) for cell in read) > MOST_SOURCE:
        raise HandlensError(f"more than {MOST_SOURCE >> 20} million characters of source", where=path)
    return read


def _cell(cell: Any, number: int, path: Path) -> Cell:
    where = f"{path}, cell {number}"
    if not isinstance(cell, dict):
        raise HandlensError("not a cell", where=where, expected="a JSON object")
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise HandlensError("its source is not text", where=where, expected="a string or a list of strings")
    count = cell.get("execution_count", cell.get("prompt_number"))
    kind = str(cell.get("cell_type", "code"))
    return Cell(
        number,
        kind if kind in ("code", "markdown") else "raw" if kind != "heading" else "markdown",
        source.replace("\r\n", "\n").replace("\r", "\n"),
        count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else None,
    )
