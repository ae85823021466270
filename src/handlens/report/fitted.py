"""Tables for a terminal of any width: no name without its beginning, no number cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

TITLES = ("title", "title_justify", "title_style", "caption", "caption_justify", "caption_style")


class FittedTable(Table):
    """A table that leaves out its least important columns where the terminal is too narrow, and says so.

    A column is never narrower than its longest word, or its longest line where `no_wrap` is set; only a
    word of half a terminal is folded, in columns whose overflow is `fold`. The first two columns stay.

    Args:
        least: positions of the columns in the order in which they are left out; default: from the right.
        space: characters between two columns.
        lines: whether there is a line below the headings.
    """

    def __init__(
        self, *, least: Sequence[int] = (), space: int = 2, lines: bool = True, **style: Any
    ) -> None:
        # A line's box has one character between columns, which is part of the space.
        padding = (0, space - 1 if lines else space, 0, 0)
        self.made_with = {"box": box.SIMPLE_HEAD if lines else None, "padding": padding} | style
        self.made_with |= {"pad_edge": False, "show_edge": False}
        self.least, self.space = least, space
        super().__init__(**self.made_with)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table of the columns for which there is room, and the names of the others."""
        needed, wanted = zip(
            *(self._widths(console, options, i) for i in range(len(self.columns))), strict=True
        )
        kept = self._kept(needed, options.max_width)
        room = options.max_width - self.space * (len(kept) - 1)
        widths = _shared([needed[i] for i in kept], [wanted[i] for i in kept], room)
        columns = [self.columns[i].copy() for i in kept]
        for column, width in zip(columns, widths, strict=True):
            column.width = width
        shown = Table(*columns, **self.made_with)
        for name in TITLES:
            setattr(shown, name, getattr(self, name))
        for cells in zip(*(self.columns[i].cells for i in kept), strict=True):
            shown.add_row(*cells)
        yield shown
        left_out = [_heading(self.columns[i].header) for i in range(len(self.columns)) if i not in kept]
        if left_out:
            yield Text(f"Too narrow for: {'; '.join(left_out)}.", style="dim")

    def _widths(self, console: Console, options: ConsoleOptions, position: int) -> tuple[int, int]:
        """The width that a column needs, and the one with which nothing of it is wrapped."""
        column = self.columns[position]
        sizes = [Measurement.get(console, options, cell) for cell in (column.header, *column.cells)]
        wanted = max(size.maximum for size in sizes)
        needed = wanted if column.no_wrap else max(size.minimum for size in sizes)
        if column.overflow == "fold":
            needed = min(needed, (options.max_width - self.space) // 2)
        return needed, wanted

    def _kept(self, needed: Sequence[int], room: int) -> list[int]:
        """Positions of the columns that fit beside each other."""
        kept = list(range(len(needed)))
        for position in self.least or range(len(needed) - 1, 1, -1):
            if sum(needed[i] for i in kept) + self.space * (len(kept) - 1) <= room:
                break
            kept.remove(position)
        return kept


def _shared(needed: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Widths of columns: what each needs, and of the rest equal parts to those that want more."""
    widths = list(needed)
    spare = max(room - sum(needed), 0)
    by_lack = sorted(range(len(needed)), key=lambda i: wanted[i] - needed[i])
    for others, i in zip(range(len(needed), 0, -1), by_lack, strict=True):
        more = min(wanted[i] - needed[i], spare // others)
        widths[i] += more
        spare -= more
    return widths


def _heading(header: Any) -> str:
    """A heading of two lines in one."""
    return ", ".join(line.strip() for line in str(header).splitlines())
