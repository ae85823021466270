"""Charts that only the labs draw: a sweep with error bars, published beside obtained; single test images."""

from __future__ import annotations

import dataclasses
import statistics
from typing import Any

import numpy as np

from handlens.data import Dataset
from handlens.labs.lines import values_of
from handlens.labs.published import Row, published
from handlens.labs.run import Part
from handlens.report import formats, pictures
from handlens.report.charts.figure import COLOURS, Figure, data, layered, scale
from handlens.seeds import generator
from handlens.studies.storage.result import Member

SHOWN = 12  # test images


def sweep(part: Part) -> Figure | None:
    """Accuracy by strength of L2, a deviation up and down: published, from scratch, by Keras."""
    import altair as alt

    rows = [p for row in published().of_study(part.name) for p in _points(row, part)]
    if not any(row["who"] != "published" for row in rows):
        return None
    names = list(dict.fromkeys(str(row["who"]) for row in rows))
    colours = scale({name: COLOURS[i] for i, name in enumerate(names)})
    strengths = list(dict.fromkeys(str(row["l2"]) for row in rows))
    base = alt.Chart(data(rows)).encode(
        x=alt.X("l2:N", title="L2", sort=strengths, axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("who:N", sort=names),
        color=alt.Color("who:N", scale=colours, title=None),
        tooltip=[
            "who:N",
            "l2:N",
            alt.Tooltip("mean:Q", title="mean, %", format=".3f"),
            alt.Tooltip("spread:Q", title="deviation, points", format=".3f"),
            alt.Tooltip("runs:Q", title="replicates"),
        ],
    )
    y_scale = alt.Scale(zero=False, nice=True)
    bar = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title="Test accuracy, %", scale=y_scale), y2="high:Q"
    )
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(y=alt.Y("mean:Q", scale=y_scale))
    return Figure(
        "sweep",
        "Weight decay: published and obtained",
        "Dot: mean over the replicates; line: one deviation (of the population, as the lab has it) each way.",
        layered(bar, dot),
        width=560,
        height=260,
    )


def sweep_key(part: Part) -> list[tuple[str, str]]:
    """Which colour stands for whom."""
    rows = [p for row in published().of_study(part.name) for p in _points(row, part)]
    return [(name, COLOURS[i]) for i, name in enumerate(dict.fromkeys(str(row["who"]) for row in rows))]


def _points(row: Row, part: Part) -> list[dict[str, Any]]:
    from handlens.labs.variants import twin_name

    strength = row.recipe.partition("l2=")[2]
    found = []
    if row.value is not None:
        found.append(("published", row.value, row.deviation or 0.0, row.runs))
    for who, name in (("from scratch", row.recipe), ("Keras", twin_name(row.recipe, part.study))):
        member = part.member(name)
        if member is not None and member.tests:
            values = values_of(member, "accuracy")
            found.append((who, statistics.fmean(values), statistics.pstdev(values), len(values)))
    return [
        {
            "who": who,
            "l2": strength,
            "mean": 100 * mean,
            "spread": 100 * spread,
            "low": 100 * (mean - spread),
            "high": 100 * (mean + spread),
            "runs": runs,
        }
        for who, mean, spread, runs in found
    ]


def guesses(member: Member, dataset: Dataset, name: str) -> pictures.Grid | None:
    """Test images drawn at random, each with its class and what the first replicate takes it for."""
    if not member.tests:
        return None
    tested = member.tests[0]
    count = min(SHOWN, len(tested.labels))
    chosen = np.sort(generator(0, "guesses").choice(len(tested.labels), count, replace=False))
    tiles = []
    for i in chosen.tolist():
        given = int(tested.probabilities[i].argmax())
        true, said = dataset.classes[int(tested.labels[i])], dataset.classes[given]
        sure = formats.percent(float(tested.probabilities[i, given]))
        words = f"Test image {i}: shows {true}, taken for {said} with probability {sure} %"
        tiles.append(pictures.Tile((f"{true} → {said}", f"{sure} %"), words))
    title = f"{member.name}: test images drawn at random, class shown → class given"
    return pictures.grid(name, title, dataset.test.images[chosen], tiles)


def renamed(figure: Figure, prefix: str) -> Figure:
    """The figure under a name of its own on a page of many."""
    return dataclasses.replace(figure, name=f"{prefix}-{figure.name}")
