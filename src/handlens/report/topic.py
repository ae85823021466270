"""A part of a page that any room may fill: words, tables, charts and pictures, and the same for a terminal.

Whoever has something to say about a study or a data set makes a `Topic`; the study's page, a page of
topics alone and the terminal show it, and `--json` prints its `plain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlens.report import page
from handlens.report.charts.figure import Figure
from handlens.report.pictures import Grid

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table as RichTable


@dataclass(frozen=True)
class Table:
    """Texts in columns.

    Attributes:
        title: what is listed.
        columns: a heading each, with the unit.
        rows: as many texts each as there are columns; the first names the row.
        numbers: positions of the columns that hold numbers, which are set flush right.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Topic:
    """What there is to say about one thing.

    Attributes:
        name: its place on the page, letters and hyphens; figures and grids have names of their own.
        title: two or three words; also the link in the page's navigation.
        words: paragraphs, the finding first.
        figures, grids: charts and pictures, after the tables.
        colours: what the colours of the figures stand for: (name, colour).
        plain: the same as plain data for `--json`, shares in 0..1.
    """

    name: str
    title: str
    words: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    grids: tuple[Grid, ...] = ()
    colours: tuple[tuple[str, str], ...] = ()
    plain: dict[str, Any] = field(default_factory=dict)


def figures_of(topics: Sequence[Topic]) -> list[Figure]:
    """The charts of all topics."""
    return [figure for topic in topics for figure in topic.figures]


def grids_of(topics: Sequence[Topic]) -> list[Grid]:
    """The pictures of all topics."""
    return [grid for topic in topics for grid in topic.grids]


def write_topics(
    kicker: str, title: str, topics: Sequence[Topic], path: Path, *, charts: Path | None = None
) -> None:
    """A page of topics alone.

    Args:
        kicker: the small line above the title: the command that wrote the page.
        charts: a folder that gets every chart and grid as PNG and SVG.

    Raises:
        HandlensError: the file or folder cannot be written.
    """
    figures, grids = figures_of(topics), grids_of(topics)
    context = {"kicker": kicker, "title": title, "topics": topics, "grids": grids}
    page.write("topics.html", context, figures, path)
    if charts is not None:
        page.write_charts(figures, grids, charts)


def topic_text(topic: Topic) -> RenderableType:
    """A topic for the terminal: title, words, tables."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(topic.title, style="bold")]
    parts += [Text(words) for words in topic.words]
    parts += [rich_table(table) for table in topic.tables]
    return Group(*parts)


def rich_table(table: Table) -> RichTable:
    """A table for the terminal."""
    from rich.text import Text

    from handlens.report.fitted import FittedTable

    made = FittedTable(header_style="bold")
    made.title, made.title_justify, made.title_style = table.title, "left", "dim"
    for number, name in enumerate(table.columns):
        right = number in table.numbers
        made.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in table.rows:
        made.add_row(*(Text(cell) for cell in row))
    return made
