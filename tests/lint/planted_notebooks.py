"""Notebooks with planted faults: written as text with `# %%` cells; `#! rule` marks the line of a fault."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from handlens.lint import Cell

FOLDER = Path(__file__).parent / "notebooks"
_MARK = re.compile(r"\s*(?:#!|<!--!) ([\w -]+?)(?: -->)?$")


@dataclass(frozen=True)
class Planted:
    """A notebook and the faults in it, as (rule, cell, line)."""

    file: str
    title: str
    cells: tuple[Cell, ...]
    faults: frozenset[tuple[str, int, int]]

    def json(self) -> str:
        """The notebook as Jupyter stores it."""
        cells = [
            {"cell_type": cell.kind, "metadata": {}, "source": cell.source.splitlines(keepends=True)}
            | ({"outputs": [], "execution_count": None} if cell.kind == "code" else {})
            for cell in self.cells
        ]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def read(name: str) -> list[Planted]:
    """All notebooks of `notebooks/<name>.nb`."""
    text = (FOLDER / f"{name}.nb").read_text(encoding="utf-8")
    return [_notebook(name, part) for part in re.split(r"^##### ", text, flags=re.MULTILINE)[1:]]


def _notebook(name: str, text: str) -> Planted:
    title, _, body = text.partition("\n")
    cells, faults = [], set()
    for number, part in enumerate(re.split(r"^# %%", body, flags=re.MULTILINE)[1:], start=1):
        head, _, source = part.partition("\n")
        lines = []
        for place, line in enumerate(source.rstrip("\n").split("\n"), start=1):
            if found := _MARK.search(line):
                faults |= {(rule, number, place) for rule in found.group(1).split()}
                line = line[: found.start()]
            lines.append(line)
        cells.append(Cell(number, "markdown" if "markdown" in head else "code", "\n".join(lines)))
    return Planted(name, title, tuple(cells), frozenset(faults))


def all_notebooks() -> list[Planted]:
    """Every planted notebook, file by file."""
    return [notebook for path in sorted(FOLDER.glob("*.nb")) for notebook in read(path.stem)]
