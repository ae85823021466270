"""What the check of a notebook says: cells in, findings out, both plain records."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from handlens.lint.rules import RULES
from handlens.lint.values import Place

FAULT, NOTE = "fault", "note"


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook; a Python file is one cell.

    Attributes:
        number: the cell's place among all cells, from 1; 0 for a Python file.
        kind: "code" or "markdown".
        source: its text.
        count: the number that Jupyter prints beside an executed cell, if the file has one.
    """

    number: int
    kind: str
    source: str
    count: int | None = None


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or (a note) that the reader should know.

    Attributes:
        rule: its short name, a key of `rules.RULES`.
        cell: number of the cell, from 1; 0 in a Python file.
        line: the line in the cell, or in the Python file, from 1.
        source: that line, without the white space around it.
        because: what was seen in this file, one sentence; may be empty.
    """

    rule: str
    cell: int
    line: int
    source: str
    because: str = ""

    @property
    def title(self) -> str:
        """The fault in a few words."""
        return RULES[self.rule].title

    @property
    def teaches(self) -> str:
        """What is wrong, why the number cannot be believed, what to write instead: one paragraph."""
        return RULES[self.rule].teaches

    @property
    def severity(self) -> str:
        """ "fault", or "note" for what was not checked or is only worth knowing."""
        return NOTE if RULES[self.rule].note else FAULT

    @property
    def place(self) -> str:
        """`cell 3, line 7`, or `line 7` in a Python file."""
        return str(Place(self.cell, self.line))

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"title": self.title, "severity": self.severity, "teaches": self.teaches}
