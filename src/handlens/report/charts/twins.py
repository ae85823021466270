"""The losses of two engines that train one recipe, epoch by epoch."""

from __future__ import annotations

from typing import Any

from handlens.engines.twins import ENGINES, Twins
from handlens.report.charts.figure import Figure, data, epoch_axis, layered, recipe_colours, scale

COLOURS = recipe_colours(ENGINES)
READING = "Solid: validation; dashed: training. Where the engines agree, the lines lie on each other."


def losses(twins: Twins) -> Figure:
    """Training and validation loss by epoch, Keras's points inside those of the engine from scratch."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {"engine": name, "part": part, "epoch": epoch.epoch, "loss": loss}
        for name in ENGINES
        for epoch in twins.histories[name]
        for part, loss in (("training", epoch.loss), ("validation", epoch.validation_loss))
        if loss is not None
    ]
    last = max(row["epoch"] for row in rows)
    dash = alt.Scale(domain=["validation", "training"], range=[[1, 0], [4, 3]])
    base = alt.Chart(data(rows)).encode(
        x=alt.X("epoch:Q", title="Epoch", scale=alt.Scale(domain=[1, last], nice=False),
                axis=epoch_axis(1, last)),
        y=alt.Y("loss:Q", title="Loss", scale=alt.Scale(zero=True, nice=True)),
        color=alt.Color("engine:N", scale=scale(COLOURS), title=None),
        detail="part:N",
    )  # fmt: skip
    line = base.mark_line(strokeWidth=1.75).encode(
        strokeDash=alt.StrokeDash("part:N", scale=dash, title=None)
    )
    point = base.mark_point(filled=True, opacity=1).encode(
        size=alt.condition(alt.datum.engine == ENGINES[0], alt.value(110), alt.value(30)),
        tooltip=["engine:N", "part:N", "epoch:Q", alt.Tooltip("loss:Q", format=".7g")],
    )
    return Figure("twins-loss", "Loss by epoch", READING, layered(line, point), width=420, height=260)
