"""A look at a data set alone: the terminal's and the page's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlens.data.images import Dataset
from handlens.report import formats, page, sections

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def write_look(dataset: Dataset, path: Path, *, charts: Path | None = None) -> None:
    """Write what the data looks like as one HTML file: an image of each class, counts, features.

    Args:
        charts: a folder that gets every chart and the image grid as PNG and SVG.

    Raises:
        HandlensError: the file or folder cannot be written.
    """
    data = sections.data_section(dataset)
    context: dict[str, Any] = {"title": dataset.title or dataset.name, "dataset": dataset, "data": data}
    page.write("look.html", context, data.figures, path)
    if charts is not None:
        page.write_charts(data.figures, [data.grid], charts)


def look_text(dataset: Dataset) -> RenderableType:
    """What the data looks like, for the terminal: facts, a picture and the counts of each class, notes.

    The pictures need a terminal with colours and are left out of anything else.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from handlens.report.blocks import Pictures

    counts = sections.part_counts(dataset)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in sections.facts(dataset, counts):
        facts.add_row(name.lower(), Text(value))
    parts: list[RenderableType] = [Text(dataset.title or dataset.name, style="bold"), facts, Text()]
    parts += [Pictures(dataset.train), counts_table(dataset.classes, counts)]
    parts += [Text(f"Note: {note}", style="dim") for note in dataset.notes]
    return Group(*parts)


def counts_table(classes: Sequence[str], counts: dict[str, Any]) -> Table:
    """Images of each class in every part; many classes are laid out in several columns."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    blocks = 1 if len(classes) <= 12 else 2 if len(classes) <= 30 else 3
    rows = -(-len(classes) // blocks)
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for _ in range(blocks):
        shown.add_column("class", overflow="fold")
        for part in counts:
            shown.add_column(part, justify="right", no_wrap=True)
    for row in range(rows):
        line: list[Text | str] = []
        for i in range(row, len(classes), rows):
            line += [Text(classes[i]), *(formats.whole(int(n[i])) for n in counts.values())]
        shown.add_row(*line)
    return shown
