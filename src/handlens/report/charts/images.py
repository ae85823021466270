"""Charts of the data: class counts and image features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handlens.report.charts.figure import PARTS, Figure, data, label_angle, layered, scale

if TYPE_CHECKING:
    import altair as alt

FEATURES = (
    ("mean", "Mean", "Grey level, 0 to 255"),
    ("deviation", "Deviation", "Grey levels"),
    ("entropy", "Entropy", "Bits"),
)
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
BINS = 40


def class_counts(counts: Mapping[str, NDArray[np.int64]], classes: Sequence[str]) -> Figure:
    """Images of each class, stacked by part; `counts` gives int64 [k] by the name of the part."""
    import altair as alt

    rows = [
        {"class": classes[i], "part": part, "images": int(n), "order": order}
        for order, (part, of_part) in enumerate(counts.items())
        for i, n in enumerate(of_part)
    ]
    chart = (
        alt.Chart(data(rows))
        .mark_bar()
        .encode(
            x=_class_axis(classes),
            y=alt.Y("images:Q", title="Images", axis=alt.Axis(format=",d", tickCount=5)),
            color=alt.Color("part:N", scale=scale({part: PARTS[part] for part in counts}), title=None),
            order="order:Q",
            tooltip=["class:N", "part:N", alt.Tooltip("images:Q", format=",")],
        )
    )
    return Figure(
        "class-counts", "Images of each class", "", chart, width=max(420, 16 * len(classes)), height=220
    )


def feature_figures(by_part: Mapping[str, Any]) -> list[Figure]:
    """How mean, deviation and entropy are spread over the images of each part.

    Args:
        by_part: `Features` by the name of the part.
    """
    figures = []
    for name, title, unit in FEATURES:
        rows = histogram_rows({part: getattr(values, name) for part, values in by_part.items()})
        figures.append(
            Figure(
                f"feature-{name}",
                f"{title}, {' and '.join(by_part)}",
                f"Share of the images of each part, in {BINS} steps.",
                _histogram(rows, unit, list(by_part)),
                width=360,
                height=180,
            )
        )
    return figures


def histogram_rows(values: Mapping[str, NDArray[np.float64]]) -> list[dict[str, Any]]:
    """Percent of each part's values in `BINS` equal steps from the smallest to the largest value of all."""
    everything = [v for v in values.values() if len(v)]
    low = min((float(v.min()) for v in everything), default=0.0)
    high = max((float(v.max()) for v in everything), default=1.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    rows = []
    for part, of_part in values.items():
        counts, _ = np.histogram(of_part, edges)
        shares = 100 * counts / max(1, len(of_part))
        steps = zip(edges[:-1], edges[1:], shares, strict=True)
        rows += [
            {"part": part, "from": _short(a), "to": _short(b), "percent": _short(share)}
            for a, b, share in steps
        ]
    return rows


def _short(value: float) -> float:
    return round(float(value), 4)


def _histogram(rows: list[dict[str, Any]], title: str, parts: list[str]) -> alt.LayerChart:
    import altair as alt

    colours = scale({part: PARTS[part] for part in parts})
    base = alt.Chart(data(rows)).encode(
        x=alt.X("from:Q", title=title, scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(grid=False)),
        color=alt.Color("part:N", scale=colours, title=None),
        tooltip=["part:N", "from:Q", "to:Q", alt.Tooltip("percent:Q", title="% of images", format=".2f")],
    )
    y = alt.Y("percent:Q", title="% of images", stack=None, axis=alt.Axis(tickCount=4))
    area = base.mark_area(interpolate="step-after", opacity=0.14).encode(y=y)
    line = base.mark_line(interpolate="step-after", strokeWidth=1.5).encode(y=y)
    touch = base.mark_point(size=70, opacity=0, filled=True).encode(y=y)
    return layered(line, area, touch)


def by_class_figures(features: Any, labels: NDArray[np.int64], classes: Sequence[str]) -> list[Figure]:
    """How mean, deviation and entropy are spread within each class of one set of images."""
    return [
        Figure(
            f"feature-{name}-by-class",
            f"{title} by class, training",
            "Bar: the middle half of a class's images; thin line: the middle 80 %; tick: the median.",
            _spreads(quantile_rows(getattr(features, name), labels, classes), unit, classes),
            width=max(360, 14 * len(classes)),
            height=200,
        )
        for name, title, unit in FEATURES
    ]


def quantile_rows(
    values: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """The 10, 25, 50, 75 and 90 % quantiles of the values of each class that has images."""
    rows = []
    for label in np.unique(labels):
        quantiles = np.quantile(values[labels == label], QUANTILES)
        rows.append(
            {"class": classes[label]}
            | {f"q{round(100 * q)}": _short(v) for q, v in zip(QUANTILES, quantiles, strict=True)}
        )
    return rows


def _spreads(rows: list[dict[str, Any]], title: str, classes: Sequence[str]) -> alt.LayerChart:
    import altair as alt

    base = alt.Chart(data(rows)).encode(
        x=_class_axis(classes, narrow=True),
        tooltip=["class:N"] + [alt.Tooltip(f"q{q}:Q", title=f"{q} % below") for q in (10, 25, 50, 75, 90)],
    )
    y_scale = alt.Scale(zero=False)
    colour = PARTS["training"]
    thin = base.mark_rule(color=colour).encode(y=alt.Y("q10:Q", title=title, scale=y_scale), y2="q90:Q")
    thick = base.mark_bar(color=colour, opacity=0.55).encode(y=alt.Y("q25:Q", scale=y_scale), y2="q75:Q")
    tick = base.mark_tick(color="currentColor", thickness=2).encode(y=alt.Y("q50:Q", scale=y_scale))
    return layered(thin, thick, tick)


def _class_axis(classes: Sequence[str], *, narrow: bool = False) -> alt.X:
    import altair as alt

    axis = alt.Axis(
        labelAngle=label_angle(classes, narrow=narrow),
        labelLimit=90,
        labelOverlap=True,
        ticks=False,
        grid=False,
    )
    return alt.X(
        "class:N",
        sort=list(classes),
        scale=alt.Scale(domain=list(classes), paddingInner=0.3),
        title="Class",
        axis=axis,
    )
