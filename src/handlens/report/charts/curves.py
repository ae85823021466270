"""Learning curves: loss, accuracy and macro F1 by epoch, training against validation."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from handlens.records import Epoch
from handlens.report.charts.figure import Figure, data, epoch_axis, layered, scale

if TYPE_CHECKING:
    import altair as alt

METRICS = (("loss", "Loss", 1.0), ("accuracy", "Accuracy, %", 100.0), ("macro_f1", "Macro F1, %", 100.0))
MOST_BANDS = 6  # more of them would hide each other
READING = "Solid: validation; dashed: training. Lines are means over the replicates that reached the epoch"


class Taught(Protocol):
    """A training, finished or not."""

    @property
    def history(self) -> Sequence[Epoch]: ...


class Learner(Protocol):
    """A configuration with its replicates, such as a study's `Member`."""

    @property
    def name(self) -> str: ...

    @property
    def runs(self) -> Sequence[Taught]: ...


def learning_curves(members: Sequence[Learner], colours: dict[str, str]) -> list[Figure]:
    """Three figures for the members that have a history; none if no member has one."""
    taught = [member for member in members if any(run.history for run in member.runs)]
    if not taught:
        return []
    said = reading(members)
    names = {member.name: colours[member.name] for member in taught}
    return [
        Figure(
            f"curve-{metric.replace('_', '-')}",
            title.removesuffix(", %") + " by epoch",
            said,
            _chart([point for member in taught for point in points(member, metric, factor)], title, names),
            width=360,
            height=230,
        )
        for metric, title, factor in METRICS
    ]


def reading(members: Sequence[Learner]) -> str:
    """How the curves of these members are read."""
    taught = sum(any(run.history for run in member.runs) for member in members)
    bands = "bands run from the lowest to the highest of them"
    return f"{READING}, {bands}." if taught <= MOST_BANDS else f"{READING}."


def points(member: Learner, metric: str, factor: float = 1.0) -> Iterator[dict[str, Any]]:
    """Mean, lowest and highest of a metric over the replicates, by part and epoch."""
    for part, field in (("training", metric), ("validation", f"validation_{metric}")):
        values: dict[int, list[float]] = defaultdict(list)
        for run in member.runs:
            for epoch in run.history:
                value = _value(epoch, field)
                if value is not None:
                    values[epoch.epoch].append(factor * value)
        for number, at in sorted(values.items()):
            yield {
                "recipe": member.name,
                "part": part,
                "epoch": number,
                "mean": round(statistics.fmean(at), 5),
                "low": round(min(at), 5),
                "high": round(max(at), 5),
                "runs": len(at),
            }


def _value(epoch: Epoch, field: str) -> float | None:
    value: float | None = getattr(epoch, field)
    return value if value is not None and math.isfinite(value) else None


def _chart(rows: list[dict[str, Any]], title: str, colours: dict[str, str]) -> alt.LayerChart:
    import altair as alt

    colour = alt.Color("recipe:N", scale=scale(colours), title=None)
    dash = alt.StrokeDash(
        "part:N",
        scale=alt.Scale(domain=["validation", "training"], range=[[1, 0], [4, 3]]),
        title=None,
    )
    first = min((row["epoch"] for row in rows), default=1)
    last = max((row["epoch"] for row in rows), default=1)
    x = alt.X(
        "epoch:Q",
        title="Epoch",
        scale=alt.Scale(domain=[first, last], nice=False),
        axis=epoch_axis(first, last),
    )
    y_scale = alt.Scale(zero=title == "Loss", nice=True)
    y = alt.Y("mean:Q", title=title, scale=y_scale)
    base = alt.Chart(data(rows)).encode(x=x, color=colour)
    band = base.mark_area(opacity=0.16, strokeWidth=0).encode(
        y=alt.Y("low:Q", scale=y_scale, title=title), y2="high:Q", detail="part:N"
    )
    line = base.mark_line(strokeWidth=1.75).encode(y=y, strokeDash=dash)
    touch = base.mark_point(size=70, opacity=0, filled=True).encode(
        y=y,
        tooltip=[
            "recipe:N",
            "part:N",
            "epoch:Q",
            alt.Tooltip("mean:Q", title="mean", format=".4~g"),
            alt.Tooltip("low:Q", title="lowest", format=".4~g"),
            alt.Tooltip("high:Q", title="highest", format=".4~g"),
            alt.Tooltip("runs:Q", title="replicates"),
        ],
    )
    return layered(*([band] if len(colours) <= MOST_BANDS else []), line, touch)
