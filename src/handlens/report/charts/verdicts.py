"""Which recipe is better than which: a square for every two."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from handlens.report import formats
from handlens.report.charts.figure import INK, RIGHT, WRONG, Figure, data, layered
from handlens.studies.judging.verdicts import Judged

if TYPE_CHECKING:
    import altair as alt

SYMBOLS = {"better": ">", "worse": "<", "equivalent": "=", "undecided": "?"}
OPPOSITE = {"better": "worse", "worse": "better", "equivalent": "equivalent", "undecided": "undecided"}
COLOURS = {"better": RIGHT, "worse": WRONG, "equivalent": "#16927e", "undecided": "#8b8b8b"}
READING = "> better, < worse, = equivalent, ? undecided"
STEP, LINE = 38, 13


def symbols(judged: Judged) -> dict[tuple[str, str], str]:
    """The kind of verdict on the first name against the second, for every two names both ways."""
    kinds = {(pair.first, pair.second): str(pair.verdict.kind) for pair in judged.pairs}
    return kinds | {(b, a): OPPOSITE[kind] for (a, b), kind in kinds.items()}


def matrix(judged: Judged) -> Figure:
    """The verdict on every row against every column, best validation accuracy first."""
    lines, most = _labels(judged.names)
    height = max(STEP, 6 + LINE * most)
    return Figure(
        "verdicts",
        "Every two recipes against each other",
        f"The recipe of the row against that of the column, by number: {READING}.",
        _chart(judged, lines, most),
        STEP * len(lines),
        height * len(lines),
    )


def _labels(names: Sequence[str]) -> tuple[list[str], int]:
    """Number and name on lines that fit beside the plot, in the middle of as many as the longest has."""
    wrapped = [textwrap.wrap(f"{i} {name}", 24, break_on_hyphens=False) for i, name in enumerate(names, 1)]
    most = max(map(len, wrapped))
    return ["\n".join(["", *lines] if len(lines) < most - 1 else lines) for lines in wrapped], most


def _cells(judged: Judged, lines: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each square."""
    kinds, places = symbols(judged), {name: i for i, name in enumerate(judged.names)}
    cells = []
    for pair in judged.pairs:
        found = pair.verdict.difference
        digits = formats.percent_digits([found])
        for row, column, sign in ((pair.first, pair.second, 1), (pair.second, pair.first, -1)):
            cells.append(
                {
                    "line": lines[places[row]],
                    "number": str(places[column] + 1),
                    "row": row,
                    "column": column,
                    "kind": kinds[row, column],
                    "symbol": SYMBOLS[kinds[row, column]],
                    "points": f"{100 * sign * found.mean + 0.0:+.{digits}f}",
                }
            )
    return cells


def _chart(judged: Judged, lines: Sequence[str], most: int) -> alt.LayerChart:
    import altair as alt

    numbers = [str(i) for i in range(1, len(lines) + 1)]
    axis = alt.Axis(domain=False, ticks=False, grid=False, labelLimit=170)
    named = axis.copy()
    named.labelExpr = r"split(datum.label, '\n')"
    named.labelOffset = -LINE * (most - 1) / 2  # the first line stands in the middle of its row
    above = axis.copy()
    above.orient, above.labelAngle = "top", 0
    columns = alt.Scale(domain=numbers, paddingInner=0.04, paddingOuter=0.02)
    rows = alt.Scale(domain=list(lines), paddingInner=0.04, paddingOuter=0.02)
    base = alt.Chart(data(_cells(judged, lines))).encode(
        x=alt.X("number:N", scale=columns, title=None, axis=above),
        y=alt.Y("line:N", scale=rows, title=None, axis=named),
        tooltip=[
            alt.Tooltip("row:N", title="recipe"),
            alt.Tooltip("kind:N", title="verdict"),
            alt.Tooltip("column:N", title="against"),
            alt.Tooltip("points:N", title="difference, points"),
        ],
    )
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    weak = alt.condition("datum.kind == 'undecided'", alt.value(0.15), alt.value(0.85))
    squares = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color("kind:N", scale=scale, legend=None), opacity=weak
    )
    ink = alt.condition("datum.kind == 'undecided'", alt.value(INK), alt.value("white"))
    return layered(squares, base.mark_text(fontSize=14).encode(text="symbol:N", color=ink))
