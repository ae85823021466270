"""Accuracy of every recipe with its interval, on one line each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from handlens.report import formats
from handlens.report.charts.figure import Figure, data, layered, recipe_colours, scale
from handlens.studies.storage.result import Row

if TYPE_CHECKING:
    import altair as alt

# A recipe whose error is so many points above the best one's is named at the edge, not drawn: a dummy at 10 %
# would squeeze all others into one dot.
FAR = 0.25


def accuracies(rows: Sequence[Row], words: str = "") -> Figure:
    """Test accuracy (dot, with its 95 % interval) and validation accuracy (ring), a line a recipe.

    Where the test images were not opened there is the ring alone. `words` are added to the caption.
    """
    best = max(_share(row) for row in rows)
    far = {row.model for row in rows if _share(row) < best - FAR}
    low, high = domain([row for row in rows if row.model not in far])
    opened = [row for row in rows if row.test is not None]
    return Figure(
        "accuracy",
        "Test accuracy with 95 % interval" if opened else "Validation accuracy",
        " ".join(text for text in (_reading(len(opened), len(rows)), _left_out(rows, far), words) if text),
        _chart(rows, far, low, high),
        width=620,
        height=max(60, _step(rows) * len(rows)),
    )


def domain(rows: Sequence[Row]) -> tuple[float, float]:
    """Percentages that hold every interval and ring, with a little air: low, high."""
    values = [row.validation.mean for row in rows]
    values += [v for row in rows if row.test is not None for v in (row.test.low, row.test.high)]
    low, high = 100 * min(values), 100 * max(values)
    air = max(0.05 * (high - low), 0.05)
    return max(0.0, low - air), min(100.0, high + air)


def _wrapped(name: str) -> str:
    """A name on lines that fit beside the plot: what tells two configurations apart stands at the end."""
    return "\n".join(textwrap.wrap(name, 30, break_on_hyphens=False)) or name


def _step(rows: Sequence[Row]) -> int:
    """Height of a row in CSS pixels: that of its name's lines."""
    return max(34, 6 + 15 * max(_wrapped(row.model).count("\n") + 1 for row in rows))


def _share(row: Row) -> float:
    """Where a row's number stands: at its test accuracy, or else at that on validation images."""
    return row.validation.mean if row.test is None else row.test.mean


def _reading(opened: int, rows: int) -> str:
    if not opened:
        return "Ring: accuracy on the validation images; the test images were not opened."
    ring = "ring: accuracy on the validation images, which decides the order"
    said = f"Dot: accuracy on the test images; line: its 95 % interval; {ring}."
    return said if opened == rows else f"{said} A ring alone: the test images were not opened."


def _left_out(rows: Sequence[Row], far: set[str]) -> str:
    names = formats.joined([row.model for row in rows if row.model in far])
    return f"Too far to the left to be drawn: {names}." if far else ""


def _chart(rows: Sequence[Row], far: set[str], low: float, high: float) -> alt.LayerChart:
    import altair as alt

    digits = formats.percent_digits([row.test or row.validation for row in rows])
    points = [_point(row, row.model in far, low, digits) for row in rows]
    near = [p for p in points if not p["far"]]
    names = [row.model for row in rows]
    x_scale = alt.Scale(domain=[low, high], zero=False, nice=False)
    x = alt.X("test:Q", scale=x_scale, title="Accuracy, %", axis=alt.Axis(tickCount=8))
    lines = [_wrapped(name) for name in names]
    y = alt.Y("line:N", sort=lines, title=None, scale=alt.Scale(domain=lines), axis=_names_axis())
    colour = alt.Color("recipe:N", scale=scale(recipe_colours(names)), legend=None)
    tooltip = [
        alt.Tooltip("recipe:N", title="recipe"),
        alt.Tooltip("test:Q", title="test, %", format=f".{digits}f"),
        alt.Tooltip("range:N", title="95 % interval"),
        alt.Tooltip("validation:Q", title="validation, %", format=f".{digits}f"),
    ]
    base = alt.Chart(data(near)).encode(y=y, color=colour, tooltip=tooltip)
    tested = alt.Chart(data([p for p in near if p["opened"]])).encode(y=y, color=colour, tooltip=tooltip)
    line = tested.mark_rule(strokeWidth=3, opacity=0.55).encode(x=alt.X("low:Q", scale=x_scale), x2="high:Q")
    dot = tested.mark_point(filled=True, size=90, opacity=1).encode(x=x)
    ring = base.mark_point(filled=False, size=70, strokeWidth=1.5, opacity=1).encode(x="validation:Q")
    label = base.mark_text(dy=-11, fontSize=11).encode(
        x=alt.X("at:Q", scale=x_scale), text="label:N", color=alt.value("currentColor")
    )
    edge = (
        alt.Chart(data([p for p in points if p["far"]]))
        .mark_text(align="left", dx=4, fontSize=11, opacity=0.8)
        .encode(y=y, x=alt.X("edge:Q", scale=x_scale), text="label:N")
    )
    layers = [line, ring, dot, label] + ([edge] if far else [])
    return layered(*layers)


def _names_axis() -> Any:
    import altair as alt

    return alt.Axis(
        domain=False,
        ticks=False,
        labelPadding=8,
        labelLimit=220,
        labelFontSize=12,
        labelExpr=r"split(datum.label, '\n')",
        grid=True,
    )


def _point(row: Row, far: bool, edge: float, digits: int) -> dict[str, Any]:
    shown = formats.percent(_share(row), digits)
    return {
        "recipe": row.model,
        "line": _wrapped(row.model),
        "opened": row.test is not None,
        "test": row.test and 100 * row.test.mean,
        "low": row.test and 100 * row.test.low,
        "high": row.test and 100 * row.test.high,
        "validation": 100 * row.validation.mean,
        "at": 100 * _share(row),
        "range": formats.spread(row.test, digits) or formats.MISSING,
        "label": f"◂ {shown} %" if far else shown,
        "far": far,
        "edge": edge,
    }
