"""Accuracy of every recipe with its interval, on one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from handlens.report import formats
from handlens.report.charts.figure import Figure, data, layered, recipe_colours, scale
from handlens.studies.result import Row

if TYPE_CHECKING:
    import altair as alt

# A recipe whose error is so many points above the best one's is named at the edge, not drawn: a dummy at 10 %
# would squeeze all others into one dot.
FAR = 0.25


def accuracies(rows: Sequence[Row]) -> Figure:
    """Test accuracy (dot, with its 95 % interval) and validation accuracy (ring), a line a recipe."""
    far = {row.model for row in rows if row.test.mean < max(r.test.mean for r in rows) - FAR}
    low, high = domain([row for row in rows if row.model not in far])
    caption = (
        "Dot: accuracy on the test images; line: its 95 % interval; ring: accuracy on the validation images, "
        "which decides the order."
    )
    if far:
        names = formats.joined([row.model for row in rows if row.model in far])
        caption += f" Too far to the left to be drawn: {names}."
    return Figure(
        "accuracy",
        "Test accuracy with 95 % interval",
        caption,
        _chart(rows, far, low, high),
        width=620,
        height=max(60, 34 * len(rows)),
    )


def domain(rows: Sequence[Row]) -> tuple[float, float]:
    """Percentages that hold every interval and ring, with a little air: low, high."""
    values = [v for row in rows for v in (row.test.low, row.test.high, row.validation.mean)]
    low, high = 100 * min(values), 100 * max(values)
    air = max(0.05 * (high - low), 0.05)
    return max(0.0, low - air), min(100.0, high + air)


def _chart(rows: Sequence[Row], far: set[str], low: float, high: float) -> alt.LayerChart:
    import altair as alt

    digits = formats.percent_digits([row.test for row in rows])
    points = [_point(row, row.model in far, low, digits) for row in rows]
    near = [p for p in points if not p["far"]]
    names = [row.model for row in rows]
    x_scale = alt.Scale(domain=[low, high], zero=False, nice=False)
    x = alt.X("test:Q", scale=x_scale, title="Accuracy, %", axis=alt.Axis(tickCount=8))
    y = alt.Y("recipe:N", sort=names, title=None, scale=alt.Scale(domain=names), axis=_names_axis())
    colour = alt.Color("recipe:N", scale=scale(recipe_colours(names)), legend=None)
    tooltip = [
        alt.Tooltip("recipe:N", title="recipe"),
        alt.Tooltip("test:Q", title="test, %", format=f".{digits}f"),
        alt.Tooltip("range:N", title="95 % interval"),
        alt.Tooltip("validation:Q", title="validation, %", format=f".{digits}f"),
    ]
    base = alt.Chart(data(near)).encode(y=y, color=colour, tooltip=tooltip)
    line = base.mark_rule(strokeWidth=3, opacity=0.55).encode(x=alt.X("low:Q", scale=x_scale), x2="high:Q")
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(x=x)
    ring = base.mark_point(filled=False, size=70, strokeWidth=1.5, opacity=1).encode(x="validation:Q")
    label = base.mark_text(dy=-11, fontSize=11).encode(x=x, text="label:N", color=alt.value("currentColor"))
    edge = (
        alt.Chart(data([p for p in points if p["far"]]))
        .mark_text(align="left", dx=4, fontSize=11, opacity=0.8)
        .encode(y=y, x=alt.X("edge:Q", scale=x_scale), text="label:N")
    )
    layers = [line, ring, dot, label] + ([edge] if far else [])
    return layered(*layers)


def _names_axis() -> Any:
    import altair as alt

    return alt.Axis(domain=False, ticks=False, labelPadding=8, labelLimit=200, labelFontSize=12, grid=True)


def _point(row: Row, far: bool, edge: float, digits: int) -> dict[str, Any]:
    shown = formats.percent(row.test.mean, digits)
    return {
        "recipe": row.model,
        "test": 100 * row.test.mean,
        "low": 100 * row.test.low,
        "high": 100 * row.test.high,
        "validation": 100 * row.validation.mean,
        "range": formats.spread(row.test, digits),
        "label": f"◂ {shown} %" if far else shown,
        "far": far,
        "edge": edge,
    }
