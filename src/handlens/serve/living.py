"""Learning curves of trainings under way, drawn as the report draws finished ones."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlens.records import Epoch
from handlens.report.charts.curves import learning_curves
from handlens.report.charts.figure import recipe_colours
from handlens.serve import grids
from handlens.serve.site import Site

FIELDS = tuple(field.name for field in dataclasses.fields(Epoch))


@dataclass(frozen=True)
class Training:
    """One replicate, as far as it is."""

    history: tuple[Epoch, ...]


@dataclass(frozen=True)
class Growing:
    """A configuration's replicates that are being trained."""

    name: str
    runs: tuple[Training, ...]


def charts(site: Site, name: str, live: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """Charts of a study's trainings; `live` are their epochs, by run. None where none has an epoch yet."""
    shelf = site.library.shelf(name)
    shelf.images()  # so that the study knows its runs
    taught: dict[str, list[Training]] = defaultdict(list)
    for hash, told in live.items():
        epochs = tuple(epoch for said in told if (epoch := _epoch(said)) is not None)
        if (place := shelf.place(hash)) and epochs:
            taught[place.model].append(Training(epochs))
    names = list(dict.fromkeys(place.model for hash in shelf.hashes() if (place := shelf.place(hash))))
    growing = [Growing(model, tuple(runs)) for model, runs in taught.items()]
    return grids.charts(learning_curves(growing, recipe_colours(names)))


def _epoch(said: dict[str, Any]) -> Epoch | None:
    """An epoch from a line that another process wrote; None if it is none."""
    if type(said.get("epoch")) is not int or not all(
        value is None or isinstance(value, int | float) for value in map(said.get, FIELDS)
    ):
        return None
    nothing = float("nan")
    found: dict[str, Any] = {name: nothing if said.get(name) is None else said[name] for name in FIELDS}
    return Epoch(**found)
