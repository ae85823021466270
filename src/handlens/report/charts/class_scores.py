"""F1 of every class with its interval, a line a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handlens.evaluate.classes import ClassScores
from handlens.report import formats
from handlens.report.charts.figure import COLOURS, Figure, data, layered

if TYPE_CHECKING:
    import altair as alt

MOST = 26  # classes that are drawn


def class_score_figure(scores: Sequence[ClassScores], classes: Sequence[str], part: str) -> Figure:
    """A dot and a line, its 95 % interval, for each class; of many classes those with the lowest F1."""
    known = [s for s in scores if s.f1 is not None]
    worst = sorted(known, key=lambda s: s.f1.mean if s.f1 else 0.0)[:MOST]
    drawn = [s for s in known if s in worst]
    said = f"On the {part} images; lines are 95 % intervals."
    if len(drawn) < len(known):
        said += f" Drawn are the {len(drawn)} classes with the lowest F1."
    chart = _chart([_row(s, classes[s.class_index]) for s in drawn])
    return Figure("class-scores", "F1 of each class", said, chart, 300, max(300, 22 * len(drawn)))


def _row(scores: ClassScores, name: str) -> dict[str, object]:
    assert scores.f1 is not None
    low, high = scores.f1.low, scores.f1.high
    return {
        "class": name,
        "mean": round(100 * scores.f1.mean, 3),
        "low": round(100 * low, 3),
        "high": round(100 * high, 3),
        "range": formats.spread(scores.f1),
        "images": scores.images,
    }


def _chart(rows: list[dict[str, object]]) -> alt.LayerChart:
    import altair as alt

    names = [str(row["class"]) for row in rows]
    x_scale = alt.Scale(zero=False, nice=True)
    axis = alt.Axis(domain=False, ticks=False, labelPadding=8, labelLimit=110, grid=True)
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("class:N", sort=names, title=None, axis=axis, scale=alt.Scale(domain=names)),
        color=alt.value(COLOURS[0]),
        tooltip=[
            "class:N",
            alt.Tooltip("mean:Q", title="F1, %", format=".1f"),
            alt.Tooltip("range:N", title="95 % interval"),
            alt.Tooltip("images:Q", title="images of it", format=","),
        ],
    )
    line = base.mark_rule(strokeWidth=3, opacity=0.5).encode(
        x=alt.X("low:Q", scale=x_scale, title="F1, %"), x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("mean:Q", scale=x_scale, title="F1, %")
    )
    return layered(line, dot)
