"""ROC curves: each class against all others, as the threshold on its probability falls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate import curves
from handlens.evaluate.curves import Roc
from handlens.evaluate.curves import roc_curve as curve
from handlens.report.charts.figure import Figure, data, layered, recipe_colours, scale
from handlens.studies.storage.result import Tested

if TYPE_CHECKING:
    import altair as alt

__all__ = ["MOST_CLASSES", "Roc", "curve", "points", "roc_figures", "rocs"]

MOST_CLASSES, MOST_POINTS = 12, 300
CORNER = 10  # percent: how much of each axis the enlarged corner shows


def rocs(tested: Tested) -> tuple[Roc, ...]:
    """The curve of every class that some but not all of the test images show."""
    return curves.rocs(tested.probabilities, tested.labels)


def roc_figures(tested: Tested, classes: Sequence[str]) -> list[Figure]:
    """All of it, and its upper left corner enlarged; of many classes those with the smallest areas."""
    known = rocs(tested)
    found = sorted(known, key=lambda roc: roc.area)[:MOST_CLASSES]
    found.sort(key=lambda roc: roc.class_index)
    names = [classes[roc.class_index] for roc in found]
    said = "Each class against all others; the diagonal is chance."
    if len(found) < len(known):
        said += f" Drawn are the {len(found)} classes with the smallest areas."
    named = list(zip(found, names, strict=True))
    whole = _chart([point for roc, name in named for point in points(roc, name)], names, 100)
    corner = _chart([point for roc, name in named for point in points(roc, name, CORNER)], names, CORNER)
    enlarged = f"Its upper left corner, {100 // CORNER} times enlarged"
    return [
        Figure("roc", "ROC curve of each class", said, whole, 300, 300),
        Figure("roc-corner", enlarged, said, corner, 300, 300),
    ]


def points(roc: Roc, name: str, side: int = 100) -> list[dict[str, object]]:
    """The curve's corners in percent; where they are many, those at equal steps of their number.

    Args:
        side: percent of each axis, seen from the upper left, that the curve is cut to.
    """
    false, true = _cut(100 * roc.false, 100 * roc.true, side)
    turns = np.diff(false[:-1]) * np.diff(true[1:]) != np.diff(false[1:]) * np.diff(true[:-1])
    kept = np.flatnonzero(np.concatenate([[True], turns, [True]])[: len(false)])
    if len(kept) > MOST_POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_POINTS).round().astype(np.int64)]
    return [
        {"class": name, "false": round(float(x), 3), "true": round(float(y), 3), "order": order}
        for order, (x, y) in enumerate(zip(false[kept], true[kept], strict=True))
    ]


def _cut(
    false: NDArray[np.float64], true: NDArray[np.float64], side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What of a curve lies in the upper left corner, to its edges. Cut here: clipped drawings are slow."""
    low = 100.0 - side
    inside = (false <= side) & (true >= low)
    x, y = false[inside], true[inside]
    enters, leaves = float(np.interp(low, true, false)), float(np.interp(side, false, true))
    if enters <= side and not (len(y) and y[0] <= low):
        x, y = np.append(enters, x), np.append(low, y)
    if leaves >= low and not (len(x) and x[-1] >= side):
        x, y = np.append(x, float(side)), np.append(y, leaves)
    return x, y


def _chart(rows: list[dict[str, object]], names: list[str], side: int) -> alt.LayerChart:
    import altair as alt

    ends = {"x": [0, side], "y": [100 - side, 100]}
    x_scale, y_scale = (alt.Scale(domain=ends[axis], nice=False, zero=False) for axis in "xy")
    x = alt.X("false:Q", scale=x_scale, title="Images of other classes let through, %")
    y = alt.Y("true:Q", scale=y_scale, title="Images of the class let through, %")
    colour = alt.Color("class:N", scale=scale(recipe_colours(names)), title="Class")
    line = (
        alt.Chart(data(rows))
        .mark_line(strokeWidth=1.5)
        .encode(x=x, y=y, color=colour, order="order:Q", tooltip=["class:N"])
    )
    if side < 100:
        return layered(line)
    chance = (
        alt.Chart(data([{"false": 0, "true": 0}, {"false": 100, "true": 100}]))
        .mark_line(strokeDash=[2, 3], strokeWidth=1, opacity=0.6, color="currentColor")
        .encode(x=x, y=y)
    )
    return layered(chance, line)
