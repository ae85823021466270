"""Confusion matrices: what was shown against what was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handlens.report.charts.figure import INK, RIGHT, WRONG, Figure, data, label_angle, layered

if TYPE_CHECKING:
    import altair as alt

MOST_WITH_NUMBERS = 15


def matrices(confusion: NDArray[np.int64], classes: Sequence[str]) -> list[Figure]:
    """Counts, and the same as shares of each shown class.

    Args:
        confusion: int64 [k, k]; entry (i, j) counts images of class i taken for class j.
        classes: k names.
    """
    k = len(classes)
    cells = matrix_cells(confusion, classes)
    side = 38 * k if k <= MOST_WITH_NUMBERS else max(380, 12 * k)
    shared = "Rows: the class shown; columns: the class given. Blue: right; orange: wrong; empty: never."
    return [
        Figure(
            "confusion", "Confusion matrix, images", shared, _chart(cells, classes, "count", "d"), side, side
        ),
        Figure(
            "confusion-normalised",
            "Confusion matrix, % of each class shown",
            shared + " Each row adds up to 100.",
            _chart(cells, classes, "percent", ".1f"),
            side,
            side,
        ),
    ]


def matrix_cells(confusion: NDArray[np.int64], classes: Sequence[str]) -> list[dict[str, Any]]:
    """The entries above zero, with their share of the row."""
    totals = confusion.sum(axis=1)
    return [
        {
            "shown": classes[i],
            "given": classes[j],
            "count": int(confusion[i, j]),
            "percent": round(100 * float(confusion[i, j] / totals[i]), 3),
            "right": bool(i == j),
        }
        for i, j in np.argwhere(confusion > 0)
    ]


def _chart(cells: list[dict[str, Any]], classes: Sequence[str], field: str, number: str) -> alt.LayerChart:
    import altair as alt

    names = list(classes)
    band = alt.Scale(domain=names, paddingInner=0.04, paddingOuter=0.02)
    axis = alt.Axis(domain=False, ticks=False, labelLimit=90, labelOverlap=True, grid=False)
    x_axis = axis.copy()
    x_axis.labelAngle = label_angle(names)
    base = alt.Chart(data(cells)).encode(
        x=alt.X("given:N", scale=band, title="Given", axis=x_axis),
        y=alt.Y("shown:N", scale=band, title="Shown", axis=axis),
        tooltip=[
            alt.Tooltip("shown:N", title="shown"),
            alt.Tooltip("given:N", title="given"),
            alt.Tooltip("count:Q", title="images", format=","),
            alt.Tooltip("percent:Q", title="% of shown", format=".1f"),
        ],
    )
    colour = alt.Color("right:N", scale=alt.Scale(domain=[True, False], range=[RIGHT, WRONG]), legend=None)
    # The square root keeps rare mistakes visible beside a diagonal of 99 %.
    strength = alt.Opacity(
        "percent:Q", scale=alt.Scale(type="sqrt", domain=[0, 100], range=[0.1, 1]), legend=None
    )
    squares = base.mark_rect(cornerRadius=1).encode(color=colour, opacity=strength)
    if len(names) > MOST_WITH_NUMBERS:
        return layered(squares)
    numbers = base.mark_text(fontSize=10).encode(
        text=alt.Text(f"{field}:Q", format=number),
        color=alt.condition("datum.percent > 40", alt.value("white"), alt.value(INK)),
    )
    return layered(squares, numbers)
