"""How true probabilities are, and how accuracy rises where fewer images are answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handlens.evaluate.calibration import Answered, Bin
from handlens.report import formats
from handlens.report.charts.figure import COLOURS, Figure, data, layered

if TYPE_CHECKING:
    import altair as alt

MOST_POINTS = 300
SURE = COLOURS[0]


def reliability_figure(bins: Sequence[Bin], part: str) -> Figure:
    """Accuracy against probability, a dot a bin, with the share of images in it below."""
    said = (
        "Dots: the images that were given a class with about this probability, and how many of them were "
        "right, with 95 % interval; the larger, the more images. On the diagonal probabilities are true; "
        f"below it the model is too sure. On the {part} images."
    )
    return Figure("reliability", "Are the probabilities true?", said, _reliability(bins), 320, 320)


def _reliability(bins: Sequence[Bin]) -> alt.LayerChart:
    import altair as alt

    total = sum(each.images for each in bins)
    rows = [
        {
            "confidence": round(100 * each.confidence, 2),
            "accuracy": round(100 * each.accuracy.mean, 2),
            "low": round(100 * each.accuracy.low, 2),
            "high": round(100 * each.accuracy.high, 2),
            "range": formats.spread(each.accuracy),
            "images": round(each.images, 1),
            "share": each.images / total,
        }
        for each in bins
    ]
    ends = alt.Scale(domain=[0, 100], nice=False)
    x = alt.X("confidence:Q", scale=ends, title="Probability of the class given, %")
    y = alt.Y("accuracy:Q", scale=ends, title="Right, %")
    truth = (
        alt.Chart(data([{"confidence": 0, "accuracy": 0}, {"confidence": 100, "accuracy": 100}]))
        .mark_line(strokeDash=[2, 3], strokeWidth=1, opacity=0.6, color="currentColor")
        .encode(x=x, y=y)
    )
    tooltip = [
        alt.Tooltip("confidence:Q", title="mean probability, %", format=".1f"),
        alt.Tooltip("accuracy:Q", title="right, %", format=".1f"),
        alt.Tooltip("range:N", title="95 % interval"),
        alt.Tooltip("images:Q", title="images", format=",.1f"),
    ]
    base = alt.Chart(data(rows)).encode(x=x, tooltip=tooltip)
    line = base.mark_rule(strokeWidth=2, opacity=0.5, color=SURE).encode(
        y=alt.Y("low:Q", scale=ends, title="Right, %"), y2="high:Q"
    )
    size = alt.Size("share:Q", scale=alt.Scale(type="sqrt", domain=[0, 1], range=[20, 400]), legend=None)
    dot = base.mark_point(filled=True, opacity=0.9, color=SURE).encode(y=y, size=size)
    return layered(truth, line, dot)


def answered_figure(found: Answered, part: str) -> Figure:
    """Accuracy of the answers against the share of images that are answered, the surest first."""
    said = (
        "If only the surest images are answered and the rest are left to somebody else, the answers are "
        f"right so often. Right end: all images answered. On the {part} images."
    )
    return Figure("answered", "Accuracy against share answered", said, _answered(found), 320, 320)


def _answered(found: Answered) -> alt.LayerChart:
    import altair as alt

    kept = np.flatnonzero(found.share >= min(0.05, found.share[-1]))
    if len(kept) > MOST_POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_POINTS).round().astype(np.int64)]
    rows = [
        {"share": round(100 * float(found.share[i]), 3), "accuracy": round(100 * float(found.accuracy[i]), 3)}
        for i in kept
    ]
    line = (
        alt.Chart(data(rows))
        .mark_line(strokeWidth=2, color=SURE)
        .encode(
            x=alt.X("share:Q", title="Images answered, %", scale=alt.Scale(domain=[0, 100], nice=False)),
            y=alt.Y("accuracy:Q", title="Of the answers right, %", scale=alt.Scale(zero=False, nice=True)),
            tooltip=[
                alt.Tooltip("share:Q", title="answered, %", format=".1f"),
                alt.Tooltip("accuracy:Q", title="right, %", format=".2f"),
            ],
        )
    )
    return layered(line)
