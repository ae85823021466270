"""What a run of the labs leaves: Markdown, a page, a table on the screen, data for programs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlens.errors import StoreError
from handlens.labs.answers import answers
from handlens.labs.cells import cells
from handlens.labs.lines import Line, lines
from handlens.labs.markdown import markdown
from handlens.labs.page import write_page
from handlens.labs.past import past
from handlens.labs.run import Found
from handlens.report.files import put

if TYPE_CHECKING:
    from rich.table import Table

BANNER = "A quick run: few images, epochs and replicates, so that no figure here says anything about a lab."


def write(found: Sequence[Found], folder: Path, command: str) -> Path:
    """`labs.md` and `report.html` into a folder, which is made if need be.

    Raises:
        HandlensError: a file cannot be written.
    """
    banner = BANNER if any(part.quick for one in found for part in one.parts) else ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        put(folder / "labs.md", markdown(found, command, banner))
    except OSError as error:
        raise StoreError(
            f"cannot write the report ({error.strerror})", where=folder, remedy="name another with --reports"
        ) from error
    write_page(found, folder / "report.html", command, banner)
    return folder


def summary(found: Sequence[Found]) -> dict[str, Any]:
    """All lines, answers and rows of ours as plain data: shares (0-1), seconds."""
    return {
        "labs": [
            {
                "lab": one.lab.name,
                "title": one.lab.title,
                "absent": [part.absent for part in one.parts if part.absent],
                "rows": [_line(line) for line in lines(one)],
                "answers": {a.question: a.words for a in answers(one)},
                "past": [dataclasses.asdict(p) for p in past(one)],
            }
            for one in found
        ]
    }


def _line(line: Line) -> dict[str, Any]:
    plain = dataclasses.asdict(line)
    row = plain.pop("row")
    kept = ("metric", "value", "runs", "times")
    if line.obtained is not None and math.isinf(line.obtained.high):  # one replicate's loss has no interval
        plain["obtained"] |= {"low": None, "high": None}
    published = {key: row[key] for key in kept} | {"parameters": row["parameters"]}
    return plain | {"verdict": line.verdict and line.verdict.kind, "published": published}


def table(found: Found) -> Table:
    """A lab for the terminal."""
    from rich.text import Text

    from handlens.report.fitted import FittedTable

    made = FittedTable(
        least=(5, 2, 3, 1),
        title=Text(f"Lab {found.lab.name}. {found.lab.title}", "bold"),
        title_justify="left",
        header_style="bold",
    )
    for name in ("row", "engine", "metric"):
        made.add_column(name, overflow="fold")
    for name in ("published", "obtained", "n"):
        made.add_column(name, justify="right")
    made.add_column("verdict", overflow="fold")
    for line in lines(found):
        c = cells(line, found)
        obtained = Text.assemble(c.obtained, (f" {c.spread}" if c.spread else "", "dim"))
        said = Text(c.said, style="bold" if line.verdict else "dim")
        made.add_row(c.name, c.engine, c.metric, c.published, obtained, c.replicates, said)
    absent = dict.fromkeys(f"data absent: {part.absent}" for part in found.parts if part.absent)
    made.caption, made.caption_justify = Text("\n".join(absent), "dim"), "left"
    return made
