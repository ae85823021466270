"""The share of each class in the training and in the test part, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from handlens.evaluate.label_counts import LabelCounts
from handlens.report.charts.figure import PARTS, Figure, data, label_angle, scale


def share_figure(counts: LabelCounts, classes: Sequence[str]) -> Figure:
    """Two bars a class, percent of the images of each part."""
    import altair as alt

    parts = {"training": counts.training, "test": counts.test}
    rows = [
        {"class": name, "part": part, "percent": round(100 * of[i] / max(1, sum(of)), 3), "images": of[i]}
        for part, of in parts.items()
        for i, name in enumerate(classes)
    ]
    axis = alt.Axis(
        labelAngle=label_angle(classes), labelLimit=90, labelOverlap=True, ticks=False, grid=False
    )
    chart = (
        alt.Chart(data(rows))
        .mark_bar()
        .encode(
            x=alt.X("class:N", sort=list(classes), title="Class", axis=axis),
            xOffset=alt.XOffset("part:N", sort=list(parts)),
            y=alt.Y("percent:Q", title="% of the part's images", axis=alt.Axis(tickCount=5)),
            color=alt.Color("part:N", scale=scale({part: PARTS[part] for part in parts}), title=None),
            tooltip=[
                alt.Tooltip("class:N", title="class"),
                "part:N",
                alt.Tooltip("percent:Q", title="%", format=".2f"),
                alt.Tooltip("images:Q", format=","),
            ],
        )
    )
    caption = "Bars of one height: the class is as frequent in both parts."
    width = max(420, 24 * len(classes))
    return Figure("label-shares", "Share of each class", caption, chart, width=width, height=200)
