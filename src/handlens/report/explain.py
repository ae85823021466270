"""One picture explained: the terminal's table and the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handlens.report import formats, insides, page
from handlens.report.charts.probabilities import probabilities
from handlens.report.explanation import Explanation, LayerRow, rows

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

TOP = 3


def write_explain(
    explanation: Explanation, path: Path, *, command: str = "", charts: Path | None = None
) -> None:
    """Write a picture's way through a network as one HTML file.

    Args:
        path: of the HTML file; its folder is made if need be.
        command: what makes the page again.
        charts: a folder that gets the chart and every grid of pictures as PNG and SVG.

    Raises:
        HandlensError: the file or folder cannot be written.
    """
    figure = probabilities(explanation.probabilities, explanation.run.classes)
    weights, maps = insides.weights(explanation), insides.feature_maps(explanation)
    parts = [*([weights] if weights else []), *maps]
    drawn = [insides.seen(explanation), insides.covered(explanation), *insides.grids_of(parts)]
    run = explanation.run
    context: dict[str, Any] = {
        "title": f"What {run.name} sees in {explanation.picture}",
        "headline": headline(explanation),
        "notes": explanation.notes,
        "grids": drawn,
        "occlusion_said": occlusion_words(explanation),
        "probabilities": figure,
        "rows": [cells(row) for row in rows(explanation)],
        "loss_said": loss_words(explanation),
        "weights": weights,
        "maps": maps,
        "command": command,
        "facts": _facts(explanation),
    }
    page.write("explain.html", context, [figure], path)
    if charts is not None:
        page.write_charts([figure], drawn, charts)


def explain_text(explanation: Explanation) -> RenderableType:
    """The layers' table and the likeliest classes, for the terminal."""
    from rich.console import Group
    from rich.text import Text

    return Group(
        layers_table(rows(explanation)),
        Text(loss_words(explanation), style="dim"),
        Text(),
        *(
            Text.assemble((f"{formats.percent(share, 2):>6} %  ", "bold" if first else ""), name)
            for first, (name, share) in zip([True] + [False] * TOP, explanation.ranking()[:TOP], strict=False)
        ),
    )


def layers_table(layers: Sequence[LayerRow]) -> Table:
    """Two lines a layer: what it is and its formula; what came out of it; what came back to it."""
    from rich.text import Text

    from handlens.report.fitted import FittedTable

    shown = FittedTable(header_style="bold")
    shown.add_column(_two("layer", "formula"), overflow="fold")
    for top, below in (("output", "parameters"), ("mean", "lowest to highest"), ("gradient", "parameters'")):
        shown.add_column(_two(top, below), justify="right")
    for row in layers:
        cell = cells(row)
        shown.add_row(
            Text.assemble((cell["layer"], "bold"), *(("\n" + line, "dim") for line in row.formula)),
            _two(cell["shape"], cell["parameters"]),
            _two(cell["mean"], f"{cell['low']} to {cell['high']}"),
            _two(cell["gradient"], cell["parameter_gradient"]),
        )
    return shown


def cells(row: LayerRow) -> dict[str, Any]:
    """A layer's numbers as people read them."""
    return {
        "layer": row.layer,
        "formula": row.formula,
        "shape": " × ".join(map(str, row.shape)),
        "parameters": formats.whole(row.parameters) if row.parameters else formats.MISSING,
        "low": number(row.low),
        "mean": number(row.mean),
        "high": number(row.high),
        "gradient": number(row.gradient),
        "parameter_gradient": number(row.parameter_gradient),
    }


def row_dict(row: LayerRow) -> dict[str, Any]:
    """A layer's numbers as a program reads them."""
    return {
        "layer": row.layer,
        "formula": list(row.formula),
        "output_shape": list(row.shape),
        "parameters": row.parameters,
        "output_min": row.low,
        "output_mean": row.mean,
        "output_max": row.high,
        "gradient_norm": row.gradient,
        "parameter_gradient_norm": row.parameter_gradient,
    }


def number(value: float | None) -> str:
    """Three significant digits; a dash for None."""
    return formats.MISSING if value is None else f"{value:.3g}"


def headline(explanation: Explanation) -> str:
    """What the model takes the picture for, and what comes next."""
    (first, sure), (second, less) = explanation.ranking()[:2]
    said = f"Taken for {first} with a probability of {formats.percent(sure)} %"
    said += f"; next comes {second} with {formats.percent(less)} %."
    if explanation.given:
        shows = explanation.run.classes[explanation.label]
        said += f" It shows {shows}" + (", so that is right." if shows == first else ", so that is wrong.")
    return said


def loss_words(explanation: Explanation) -> str:
    """What the gradients are those of."""
    name = explanation.run.classes[explanation.label]
    against = f"{name}, which the picture shows" if explanation.given else f"{name}, the prediction itself"
    loss = number(float(explanation.trace.losses[0]))
    return f"Loss {loss} for the label {against}; {explanation.trace.loss_formula}"


def occlusion_words(explanation: Explanation) -> str:
    """How the occlusion map was made, and what it found."""
    found, name = explanation.occlusion, explanation.run.classes[explanation.predicted]
    before = float(explanation.probabilities.max())
    top, left = found.worst
    down, across = found.stride
    steps = formats.plural(down, "pixel") if down == across else f"{down} × {across} pixels"
    worst = float(found.drops.max())
    made = (
        f"A patch of {found.patch[0]} × {found.patch[1]} pixels (grey level {found.grey}) is moved over the "
        f"picture, {steps} at a time, and hides what lies below. Orange "
        f"pixels are those that cost the class {name} probability when they were hidden, blue ones won it "
        "some: the mean over the patches that hid the pixel, up to "
        f"{formats.percent(float(np.abs(found.map).max()))} points in the deepest colour."
    )
    if worst < 0.0005:
        return f"{made} Here no single patch matters: the prediction stands, whichever part is hidden."
    return (
        f"{made} It matters most at row {top}, column {left} (the patch's upper left corner): there the "
        f"probability of {name} falls from {formats.percent(before)} to {formats.percent(before - worst)} %."
    )


def _facts(explanation: Explanation) -> tuple[tuple[str, str], ...]:
    run = explanation.run
    return (
        ("Model", run.name),
        ("Trained on", f"{formats.whole(run.train_images)} images of {run.dataset}"),
        ("Validation accuracy", f"{formats.percent(run.validation.accuracy, 2)} %"),
        ("Parameters", formats.whole(run.parameters)),
        ("Optimizer", run.optimizer),
        ("Run", run.trial.hash),
    )


def _two(first: str, second: str) -> Any:
    """A cell of two lines, the second one quiet."""
    from rich.text import Text

    return Text.assemble(first, "\n", (second, "dim"))
