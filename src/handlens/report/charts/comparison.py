"""Recipes side by side: accuracy, macro F1 and time of training, a bar each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from handlens.report.charts.figure import Figure, data, layered, recipe_colours, scale
from handlens.report.table import cells
from handlens.studies.storage.result import Row

if TYPE_CHECKING:
    import altair as alt

BAR, LINE = 13, 13  # CSS pixels: a recipe's height is that of its bar and of each line of its name


def comparison(rows: Sequence[Row]) -> list[Figure]:
    """Three figures, the first with the recipes' names; where test images stayed closed there is no bar."""
    texts = cells(rows)
    kinds: tuple[tuple[str, str, list[float | None]], ...] = (
        ("test", "Test accuracy, %", [100 * row.test.mean if row.test else None for row in rows]),
        ("macro_f1", "Macro F1, %", [row.macro_f1 and 100 * row.macro_f1 for row in rows]),
        ("wall", "Training, s", [row.fit_wall_s for row in rows]),
    )
    said = "Means over the replicates; test accuracy and macro F1 on the test images, times of one training."
    return [
        Figure(
            f"compare-{key.replace('_', '-')}",
            title,
            said,
            _bars([row.model for row in rows], values, [text[key] for text in texts], title, named=not i),
            width=170,
            height=len(rows)
            * (BAR + LINE * max((_wrapped(row.model).count("\n") + 1 for row in rows), default=1)),
        )
        for i, (key, title, values) in enumerate(kinds)
    ]


def _wrapped(name: str) -> str:
    return "\n".join(textwrap.wrap(name, 28, break_on_hyphens=False)) or name


def _bars(
    names: Sequence[str], values: Sequence[float | None], labels: Sequence[str], title: str, *, named: bool
) -> alt.LayerChart:
    import altair as alt

    rows: list[dict[str, Any]] = [
        {"recipe": name, "line": _wrapped(name), "value": value or 0.0, "label": label}
        for name, value, label in zip(names, values, labels, strict=True)
    ]
    top = max((row["value"] for row in rows), default=0.0) or 1.0
    lines = [row["line"] for row in rows]
    axis = alt.Axis(
        domain=False, ticks=False, labelPadding=6, labelLimit=200, labelExpr=r"split(datum.label, '\n')"
    )
    y = alt.Y(
        "line:N",
        sort=lines,
        title=None,
        scale=alt.Scale(domain=lines, paddingInner=0.3),
        axis=axis if named else None,
    )
    percent = title.endswith("%") and top > 50
    x_axis = alt.Axis(values=[0, 25, 50, 75, 100]) if percent else alt.Axis(tickCount=4)
    # A third more than the longest bar: room for the number behind it.
    x = alt.X("value:Q", title=None, scale=alt.Scale(domain=[0, 1.3 * top], nice=False), axis=x_axis)
    base = alt.Chart(data(rows)).encode(y=y, x=x, tooltip=["recipe:N", alt.Tooltip("label:N", title=title)])
    colour = alt.Color("recipe:N", scale=scale(recipe_colours(list(names))), legend=None)
    words = base.mark_text(align="left", dx=4, fontSize=11).encode(text="label:N")
    return layered(base.mark_bar(size=BAR).encode(color=colour), words)
