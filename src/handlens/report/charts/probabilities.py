"""A bar a class: how sure a model is of one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.report import formats
from handlens.report.charts.figure import PARTS, RIGHT, Figure, data, layered

MOST = 20  # classes


def probabilities(values: NDArray[np.floating[Any]], classes: Sequence[str]) -> Figure:
    """Probabilities float [k] in the order of the classes; of many classes the likeliest ones."""
    import altair as alt

    shown = sorted(np.argsort(-values, kind="stable")[:MOST].tolist())
    rows = [
        {
            "class": classes[i],
            "percent": 100 * float(values[i]),
            "label": f"{formats.percent(float(values[i]))} %",
            "first": bool(i == values.argmax()),
        }
        for i in shown
    ]
    names = [row["class"] for row in rows]
    axis = alt.Axis(domain=False, ticks=False, labelLimit=160, labelFontSize=12)
    x_scale = alt.Scale(domain=[0, 110], nice=False)  # room for the words behind a bar of 100
    base = alt.Chart(data(rows)).encode(
        y=alt.Y(
            "class:N", sort=names, title=None, axis=axis, scale=alt.Scale(domain=names, paddingInner=0.3)
        ),
        x=alt.X(
            "percent:Q", title="Probability, %", scale=x_scale, axis=alt.Axis(values=[0, 25, 50, 75, 100])
        ),
        tooltip=["class:N", alt.Tooltip("percent:Q", title="probability, %", format=".4~g")],
    )
    colour = alt.Color(
        "first:N", scale=alt.Scale(domain=[True, False], range=[RIGHT, PARTS["training"]]), legend=None
    )
    bars = base.mark_bar().encode(color=colour)
    words = base.mark_text(align="left", dx=4, fontSize=11).encode(text="label:N")
    caption = f"The {MOST} likeliest of {len(classes)} classes." if len(classes) > MOST else ""
    return Figure(
        "probabilities", "Probability of each class", caption, layered(bars, words), 420, 22 * len(rows)
    )
