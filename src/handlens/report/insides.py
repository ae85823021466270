"""Weights and outputs of layers as grids of small pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images
from handlens.nn.trace import LayerTrace
from handlens.report import formats
from handlens.report.charts.figure import RIGHT, WRONG
from handlens.report.explanation import Explanation
from handlens.report.occlusion import Occlusion
from handlens.report.pictures import SMALL, Grid, Tile, grid

MOST = 24  # pictures of one layer
LARGE = 224  # CSS pixels
PICTURES = ("Conv2D", "DepthwiseConv2D", "Residual")  # layers whose outputs are worth a look
Values = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class LayerPictures:
    """A grid and the words that say how to read it."""

    title: str
    words: str
    grid: Grid


def seen(explanation: Explanation) -> Grid:
    """The picture as the model saw it."""
    tile = Tile((), f"{explanation.picture} as the model saw it")
    return grid("seen", "What the model saw", explanation.image[None], [tile], LARGE)


def covered(explanation: Explanation) -> Grid:
    """The occlusion map over the picture."""
    name = explanation.run.classes[explanation.predicted]
    found = explanation.occlusion
    top, left = found.worst
    worst = formats.percent(float(found.drops.max()))
    alt = (
        f"Occlusion map: covering {found.patch[0]} by {found.patch[1]} pixels from row {top}, column {left} "
        f"takes {worst} points of the probability of {name}, the most of all places"
    )
    drawn = overlay(explanation.image, found)
    return grid("covered", "What the answer hangs on", drawn[None], [Tile((), alt)], LARGE)


def overlay(image: Images, found: Occlusion) -> Images:
    """The picture in pale grey, orange where covering cost probability, blue where it added some: RGB."""
    grey = image.mean(axis=2, dtype=np.float64)[:, :, None] / 255
    pale = 255 * (0.25 + 0.5 * grey)  # colours stand out on grey neither black nor white
    most = max(float(np.abs(found.map).max()), 1e-12)
    strength = np.abs(found.map / most)[:, :, None]
    colour = np.where(found.map[:, :, None] > 0, _rgb(WRONG), _rgb(RIGHT))
    opacity = 0.85 * strength if most > 1e-6 else 0 * strength
    return _bytes(pale * (1 - opacity) + colour * opacity)


def weights(explanation: Explanation) -> LayerPictures | None:
    """The first layer's weights: a convolution's kernels, or what each dense unit looks for in the picture.

    None where the first layer with parameters is neither, or does not see the picture itself.
    """
    height, width, channels = explanation.image.shape
    for layer in explanation.trace.layers:
        if not layer.parameters:
            continue
        kernel = layer.parameters[0].values
        if layer.kind in ("Conv2D", "DepthwiseConv2D") and kernel.shape[2] == channels:
            if layer.kind == "Conv2D":
                return _filters(np.moveaxis(kernel, 3, 0))
            return _filters(np.moveaxis(kernel, (2, 3), (0, 1)).reshape(-1, *kernel.shape[:2], 1))
        if layer.kind == "Dense" and len(kernel) == height * width * channels:
            return _templates(layer, kernel.T.reshape(-1, height, width, channels))
        return None
    return None


def _filters(kernels: Values) -> LayerPictures:
    """Kernels [filters, height, width, channels]."""
    tiles = [
        Tile((f"filter {i}",), f"Filter {i}: weights from {k.min():.2f} to {k.max():.2f}")
        for i, k in enumerate(kernels[:MOST])
    ]
    return LayerPictures(
        "The filters of the first layer",
        "Each filter slides over the picture and answers where the picture looks like it. Blue weights add, "
        "orange ones subtract, white ones do not care; a filter that is blue on one side and orange on the "
        f"other answers to an edge. {_shown(len(kernels), 'filter')}",
        grid("filters", "Filters of the first layer", signed(kernels[:MOST]), tiles, SMALL),
    )


def _templates(layer: LayerTrace, kernels: Values) -> LayerPictures:
    """What dense units look for: kernels [units, height, width, channels]."""
    answers = layer.output[0]
    chosen = strongest(answers)
    tiles = [
        Tile(
            (f"unit {i}", f"{answers[i]:.2f}"),
            f"Unit {i}: answer {answers[i]:.3g}, weights {kernels[i].min():.2f} to {kernels[i].max():.2f}",
        )
        for i in chosen
    ]
    return LayerPictures(
        "What the units of the first dense layer look for",
        "Each unit has a weight for every pixel: ink on a blue one speaks for the unit, ink on an orange one "
        "against it. The number below is what the unit answered to this picture. "
        + _shown(len(kernels), "unit", "those with the strongest answers"),
        grid("filters", "Weights of the first dense layer", signed(kernels[chosen]), tiles, SMALL),
    )


def feature_maps(explanation: Explanation) -> list[LayerPictures]:
    """The outputs of every convolution and residual block, one picture a filter."""
    made = []
    for number, layer in enumerate(explanation.trace.layers):
        if layer.kind not in PICTURES or layer.output.ndim != 4:
            continue
        maps = np.moveaxis(layer.output[0], 2, 0)[..., None]  # [filters, height, width, 1]
        chosen = strongest(np.abs(maps).mean(axis=(1, 2, 3)))
        positive = maps.min() >= 0
        tiles = [_map_tile(i, maps[i], positive) for i in chosen]
        how = (
            f"Black is 0, white is {maps.max():.2f}, the strongest answer of the layer."
            if positive
            else "Blue is above zero, orange below, white is zero."
        )
        drawn = lit(maps[chosen]) if positive else signed(maps[chosen])
        title = f"Layer {number}: {explanation.texts[number]}"
        how += f" {_shown(len(maps), 'map', 'those with the strongest answers')}"
        made.append(LayerPictures(title, how, grid(f"maps-{number}", title, drawn, tiles, SMALL)))
    return made


def _map_tile(number: int, values: Values, positive: bool) -> Tile:
    low, high = float(values.min()), float(values.max())
    line = f"max {high:.2f}" if positive else f"{low:.1f} to {high:.1f}"
    return Tile(
        (f"map {number}", line), f"Map {number}: from {low:.3g} to {high:.3g}, mean {values.mean():.3g}"
    )


def strongest(answers: Values) -> list[int]:
    """Indices of the `MOST` numbers farthest from zero, ascending."""
    order = np.argsort(-np.abs(answers), kind="stable")[:MOST]
    return sorted(int(i) for i in order)


def signed(values: Values) -> Images:
    """Numbers [n, height, width, 1 or c] as RGB: white for 0, blue above, orange below; one scale for all.

    Several channels are added up: what counts is how much a pixel as a whole speaks for or against.
    """
    summed = values.sum(axis=3, keepdims=True, dtype=np.float64)
    share = summed / max(float(np.abs(summed).max()), 1e-12)
    colour = np.where(share > 0, _rgb(RIGHT), _rgb(WRONG))
    return _bytes(255 + (colour - 255) * np.abs(share))


def lit(values: Values) -> Images:
    """Numbers of at least 0 [n, height, width, 1] as grey: black for 0, white for the greatest of all."""
    return _bytes(255 * values / max(float(values.max()), 1e-12))


def _bytes(values: Values) -> Images:
    return np.asarray(np.rint(values), dtype=np.uint8)


def _shown(count: int, one: str, which: str = "the first ones") -> str:
    return "" if count <= MOST else f"{MOST} of {formats.plural(count, one)} are shown, {which}."


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def grids_of(parts: Sequence[LayerPictures]) -> list[Grid]:
    """The grids alone."""
    return [part.grid for part in parts]
