"""Curves of classes against all others: averaged ROC, and precision against recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.curves import Averaged, PrecisionRecall, Roc
from handlens.report.charts.figure import Figure, data, layered, recipe_colours, scale
from handlens.report.charts.roc import CORNER, points

if TYPE_CHECKING:
    import altair as alt

MOST_CLASSES, MOST_POINTS = 12, 250
GOOD = 0.97  # areas above it leave nothing to see but the corner
MACRO, MICRO = "macro average", "micro average"


def drawn_classes(curves: Sequence[PrecisionRecall]) -> list[int]:
    """The classes that are drawn: of many those with the smallest average precision, in their order."""
    worst = sorted(curves, key=lambda curve: curve.average_precision)[:MOST_CLASSES]
    return sorted(curve.class_index for curve in worst)


def curve_colours(classes: Sequence[str], drawn: Sequence[int]) -> dict[str, str]:
    """A colour a class; the averages are black or white, as the page's text."""
    return recipe_colours([classes[i] for i in drawn])


def curve_figures(
    rocs: Sequence[Roc], recalls: Sequence[PrecisionRecall], averaged: Averaged, classes: Sequence[str]
) -> list[Figure]:
    """True against false share, and precision against recall: classes, and both averages."""
    drawn = drawn_classes(recalls)
    colours = curve_colours(classes, drawn)
    left_out = (
        "" if len(drawn) == len(recalls) else f" Drawn are the {len(drawn)} classes with the smallest areas."
    )
    said = (
        "Coloured: a class against all others; dashed: the macro average; dotted: the micro average."
        + left_out
    )
    one, many = {r.class_index: r for r in rocs}, {r.class_index: r for r in recalls}
    side = CORNER if min(one[i].area for i in drawn) > GOOD else 100
    roc = [row for i in drawn for row in _corner(one[i], classes[i], side)]
    mean = _corner(averaged.macro_roc, MACRO, side) + _corner(averaged.micro_roc, MICRO, side)
    recall = [row for i in drawn for row in _points(classes[i], many[i].recall, many[i].precision)]
    middle = [
        row
        for name, curve in ((MACRO, averaged.macro_recall), (MICRO, averaged.micro_recall))
        for row in _points(name, curve.recall, curve.precision)
    ]
    axes = ("Images of other classes let through, %", "Images of the class let through, %")
    return [
        Figure(
            "class-roc",
            "ROC curves" if side == 100 else "ROC curves, upper left corner",
            said,
            _chart(roc, mean, colours, axes, side),
            300,
            300,
        ),
        Figure(
            "class-recall",
            "Precision against recall",
            said,
            _chart(recall, middle, colours, ("Recall, %", "Precision, %")),
            300,
            300,
        ),
    ]


def _corner(roc: Roc, name: str, side: int) -> list[dict[str, object]]:
    """The curve in percent, cut to `side` percent of each axis from the upper left."""
    return [
        {"curve": name, "x": at["false"], "y": at["true"], "order": at["order"]}
        for at in points(roc, name, side)
    ]


def _points(name: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[dict[str, object]]:
    """The curve's corners in percent; where they are many, those at equal steps of their number."""
    turns = np.diff(x[:-1]) * np.diff(y[1:]) != np.diff(x[1:]) * np.diff(y[:-1])
    kept = np.flatnonzero(np.concatenate([[True], turns, [True]])[: len(x)])
    if len(kept) > MOST_POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_POINTS).round().astype(np.int64)]
    return [
        {"curve": name, "x": round(100 * float(x[i]), 3), "y": round(100 * float(y[i]), 3), "order": order}
        for order, i in enumerate(kept)
    ]


def _chart(
    rows: list[dict[str, object]],
    means: list[dict[str, object]],
    colours: dict[str, str],
    axes: tuple[str, str],
    side: int = 100,
) -> alt.LayerChart:
    import altair as alt

    across = alt.Scale(domain=[0, side], nice=False, zero=False)
    up = alt.Scale(domain=[100 - side, 100], nice=False, zero=False)
    x, y = alt.X("x:Q", scale=across, title=axes[0]), alt.Y("y:Q", scale=up, title=axes[1])
    line = (
        alt.Chart(data(rows))
        .mark_line(strokeWidth=1.25, opacity=0.85)
        .encode(
            x=x, y=y, order="order:Q", color=alt.Color("curve:N", scale=scale(colours)), tooltip="curve:N"
        )
    )
    dash = alt.StrokeDash(
        "curve:N", scale=alt.Scale(domain=[MACRO, MICRO], range=[[6, 3], [2, 2]]), title=None
    )
    mean = (
        alt.Chart(data(means))
        .mark_line(strokeWidth=2, color="currentColor")
        .encode(x=x, y=y, order="order:Q", strokeDash=dash, tooltip="curve:N")
    )
    return layered(line, mean)
