"""Error against the number of training images, with the law fitted to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate import Interval
from handlens.evaluate.power_law import PowerLaw
from handlens.report import formats
from handlens.report.charts.figure import Figure, data, layered, recipe_colours, scale

if TYPE_CHECKING:
    import altair as alt

Sizes = NDArray[np.int64]


def size_figure(found: Sequence[tuple[str, Sizes, Sequence[Interval], PowerLaw | None]]) -> Figure:
    """Errors with 95 % intervals on a logarithmic axis, a colour a recipe.

    Args:
        found: name, int64 [sizes], the error (0-1) at each, and the fitted law; None: not to be drawn.
    """
    said = "Dots: error on the validation images, lines their 95 % intervals."
    if any(law is not None for *_, law in found):
        said += " Dashed: the law a + b·n^-c fitted to them, drawn on to where it is asked."
    rows = [
        {
            "recipe": name,
            "images": int(n),
            "error": round(100 * e.mean, 4),
            "low": round(100 * e.low, 4),
            "high": round(100 * e.high, 4),
            "range": formats.spread(e),
        }
        for name, sizes, errors, _ in found
        for n, e in zip(sizes, errors, strict=True)
    ]
    lines = [row for name, sizes, _, law in found if law is not None for row in _line(name, sizes, law)]
    names = recipe_colours([name for name, *_ in found])
    return Figure("sizes", "Error by number of training images", said, _chart(rows, lines, names), 620, 320)


def _line(name: str, sizes: Sizes, law: PowerLaw) -> list[dict[str, Any]]:
    ends = float(sizes[0]), float(sizes[-1]) * law.factor
    return [
        {"recipe": name, "images": round(float(n), 1), "error": round(100 * law.error(float(n)), 4)}
        for n in np.geomspace(*ends, 60)
    ]


def _chart(rows: list[dict[str, Any]], lines: list[dict[str, Any]], names: dict[str, str]) -> alt.LayerChart:
    import altair as alt

    x_scale = alt.Scale(type="log", nice=False, padding=12)
    ticks = sorted({row["images"] for row in rows} | {lines[-1]["images"] for _ in lines[:1]})
    axis = alt.Axis(format=",d", values=ticks, grid=False, labelOverlap=True)
    x = alt.X("images:Q", scale=x_scale, title="Training images", axis=axis)
    y_scale = alt.Scale(zero=True, nice=True)
    y = alt.Y("error:Q", scale=y_scale, title="Error, %")
    colour = alt.Color("recipe:N", scale=scale(names), title=None)
    tooltip = [
        alt.Tooltip("recipe:N", title="recipe"),
        alt.Tooltip("images:Q", title="training images", format=","),
        alt.Tooltip("error:Q", title="error, %", format=".2f"),
        alt.Tooltip("range:N", title="95 % interval"),
    ]
    base = alt.Chart(data(rows)).encode(x=x, color=colour, tooltip=tooltip)
    bar = base.mark_rule(strokeWidth=2.5, opacity=0.5).encode(
        y=alt.Y("low:Q", scale=y_scale, title="Error, %"), y2="high:Q"
    )
    dot = base.mark_point(filled=True, size=60, opacity=1).encode(y=y)
    if not lines:
        joined = base.mark_line(strokeWidth=1, opacity=0.5).encode(y=y)
        return layered(joined, bar, dot)
    law = (
        alt.Chart(data(lines))
        .mark_line(strokeWidth=1.5, strokeDash=[5, 4], opacity=0.8)
        .encode(x=x, y=y, color=colour)
    )
    return layered(law, bar, dot)
