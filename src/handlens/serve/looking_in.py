"""A network's insides for one picture: what layers give out, the first weights, what the answer hangs on."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np

from handlens.nn.trace import LayerTrace
from handlens.report import insides
from handlens.report.explain import headline, number, occlusion_words, row_dict
from handlens.report.explanation import Explanation, explain, rows
from handlens.report.pictures import LARGE, Tile, grid
from handlens.serve.answers import DIGITS, How, fitted
from handlens.serve.desks import Desk
from handlens.serve.grids import pictures, plain
from handlens.serve.intake import Picture
from handlens.serve.refusal import Refusal


async def look_inside(desk: Desk, picture: Picture, *, fit: bool) -> dict[str, Any]:
    """Follow a picture through the desk's network.

    Raises:
        Refusal: it is no network from scratch, or the picture does not fit it.
    """
    if desk.run.engine != "scratch":
        raise Refusal(
            409,
            f"{desk.run.name!r} is a model of the engine {desk.run.engine!r}; "
            "only networks from scratch can be looked into",
        )
    seen = await asyncio.to_thread(fitted, [picture], desk.contract, How(fit, True))
    notes = seen.noticed[0].notes if seen.noticed else ()
    made = await desk.call(
        lambda: explain(
            desk.run, desk.model, seen.corrected[0], picture=picture.name or "the picture", notes=notes
        )
    )
    return await asyncio.to_thread(_plain, made)


def _plain(made: Explanation) -> dict[str, Any]:
    first, maps = insides.weights(made), {part.grid.name: part for part in insides.feature_maps(made)}
    layers = []
    for i, (row, layer) in enumerate(zip(rows(made), made.trace.layers, strict=True)):
        drawn = maps.get(f"maps-{i}") or _cells(i, made.texts[i], layer)
        layers.append(row_dict(row) | {"pictures": pictures(drawn)})
    return {
        "run": made.run.trial.hash,
        "model": made.run.name,
        "class": made.run.classes[made.predicted],
        "probability": round(float(made.probabilities.max()), DIGITS),
        "probabilities": np.round(made.probabilities.astype(np.float64), DIGITS).tolist(),
        "classes": list(made.run.classes),
        "notes": list(made.notes),
        "headline": headline(made),
        "seen": plain(insides.seen(made)),
        "filters": pictures(first) if first else None,
        "layers": layers,
        "occlusion": {
            "grid": plain(insides.covered(made)),
            "words": occlusion_words(made),
            "worst_drop": float(made.occlusion.drops.max()),
            "worst_place": list(made.occlusion.worst),
        },
    }


def _cells(position: int, text: str, layer: LayerTrace) -> insides.LayerPictures:
    """A layer's outputs that have no words yet: as maps where they have a place, else a cell a unit."""
    values = layer.output[0]
    if values.ndim == 3:
        maps = np.moveaxis(values, 2, 0)[..., None]
        maps = maps[insides.strongest(np.abs(maps).mean(axis=(1, 2, 3)))]
        tiles = [Tile((), f"Map from {number(float(m.min()))} to {number(float(m.max()))}") for m in maps]
    else:
        maps, count = _folded(values.ravel()), values.size
        low, high = number(float(values.min())), number(float(values.max()))
        tiles = [Tile((), f"{count} units from {low} to {high}")]
    positive = float(maps.min()) >= 0
    how = "black is 0, white the strongest" if positive else "blue is above zero, orange below, white is zero"
    words = (
        f"Each cell is a unit, row by row: {how}." if values.ndim != 3 else f"Each picture is a map: {how}."
    )
    title = f"Layer {position}: {text}"
    drawn = insides.lit(maps) if positive else insides.signed(maps)
    side = LARGE if values.ndim != 3 else LARGE * 3 // 4
    return insides.LayerPictures(title, words, grid(f"cells-{position}", title, drawn, tiles, side))


def _folded(values: Any) -> Any:
    """A row of numbers as one picture [1, height, width, 1] about twice as wide as high; the rest is 0."""
    columns = min(len(values), max(1, math.ceil(math.sqrt(2 * len(values)))))
    if len(values) <= 16:
        columns = len(values)
    lines = -(-len(values) // columns)
    made = np.zeros(lines * columns, dtype=np.float64)
    made[: len(values)] = values
    return made.reshape(1, lines, columns, 1)
