"""Accuracy against the strength of a corruption: a small chart a corruption, a line and a band a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from handlens.evaluate.robustness import CORRUPTIONS, Corruption, Curve
from handlens.report import formats
from handlens.report.charts.figure import Figure, data, layered, scale
from handlens.studies.judging.robustness import Robustness

if TYPE_CHECKING:
    import altair as alt

AXES = {
    "shift": ("Shift", "Moved by, % of the side", 100.0),
    "rotation": ("Rotation", "Rotated by, degrees", 1.0),
    "noise": ("Noise", "Deviation of the noise, grey levels", 1.0),
    "blur": ("Blur", "Deviation of the blur, pixels", 1.0),
    "contrast": ("Contrast", "Contrast left, %", 100.0),
    "inversion": ("Inversion", "On the way to the negative, %", 100.0),
}
READING = (
    "Dots: the strengths that were tried, joined by lines; bands: 95 % intervals; dotted: accuracy of always "
    "naming the most frequent class."
)


def robustness_figures(found: Sequence[Robustness], colours: dict[str, str]) -> tuple[Figure, ...]:
    """Six figures on the same axis of accuracy, 0 to 100 %."""
    return tuple(
        Figure(f"robust-{name}", AXES[name][0], READING, _chart(found, made, colours), 300, 190)
        for name, made in CORRUPTIONS.items()
    )


def curve_of(one: Robustness, name: str) -> Curve:
    """A model's curve under the corruption of that name."""
    return next(curve for curve in one.curves if curve.corruption.name == name)


def _chart(found: Sequence[Robustness], made: Corruption, colours: dict[str, str]) -> alt.LayerChart:
    import altair as alt

    _, title, factor = AXES[made.name]
    rows = [row for one in found for row in _rows(one, curve_of(one, made.name), factor)]
    ends = sorted(factor * strength for strength in (made.neutral, made.strengths[-1]))
    x = alt.X(
        "strength:Q",
        title=title,
        scale=alt.Scale(domain=ends, nice=False, reverse=made.strengths[-1] < made.neutral),
        axis=alt.Axis(grid=False, tickCount=6),
    )
    y_scale = alt.Scale(domain=[0, 100], nice=False)
    y = alt.Y("accuracy:Q", title="Accuracy, %", scale=y_scale, axis=alt.Axis(tickCount=5))
    colour = alt.Color("model:N", scale=scale({one.model: colours[one.model] for one in found}), title=None)
    base = alt.Chart(data(rows)).encode(x=x, color=colour)
    band = base.mark_area(opacity=0.16, strokeWidth=0).encode(
        y=alt.Y("low:Q", scale=y_scale, title="Accuracy, %"), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=1.75).encode(y=y)
    dot = base.mark_point(size=28, filled=True, opacity=1).encode(
        y=y,
        tooltip=[
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("strength:Q", title=title, format=".4~g"),
            alt.Tooltip("accuracy:Q", title="accuracy, %", format=".1f"),
            alt.Tooltip("range:N", title="95 % interval"),
        ],
    )
    chance = (
        alt.Chart(data([{"accuracy": 100 * curve_of(found[0], made.name).chance}]))
        .mark_rule(strokeDash=[2, 3], strokeWidth=1, opacity=0.6, color="currentColor")
        .encode(y=y)
    )
    return layered(band, chance, line, dot)


def _rows(one: Robustness, curve: Curve, factor: float) -> list[dict[str, Any]]:
    return [
        {
            "model": one.model,
            "strength": round(factor * point.strength, 6),
            "accuracy": round(100 * point.accuracy.mean, 3),
            "low": round(100 * point.accuracy.low, 3),
            "high": round(100 * point.accuracy.high, 3),
            "range": formats.spread(point.accuracy),
        }
        for point in curve.points
    ]
