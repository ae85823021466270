"""Which run a user means, and pictures made fit for its model: what `predict` and `explain` share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from handlens.data.noticed import Noticed
    from handlens.records import Run
    from handlens.studies.storage.store import Store

LISTED = 5  # networks of a study that an error names

Chosen = Annotated[
    str, typer.Argument(metavar="RUN", help="The beginning of a run's name, or a study: its chosen model.")
]


def chosen(name: str, store: Store, reports: Path) -> str:
    """The run that a user means: by its own name, or the chosen model of a study, first replicate."""
    from handlens.errors import StoreError

    models = _models(name, reports)
    if models:
        return models[0][0]
    try:
        return store.find(name)
    except StoreError as error:
        if "no run" in error.what:
            error.remedy = "give a study's name or the beginning of a run's; `handlens runs list` lists them"
        raise


def networks(name: str, reports: Path, engines: tuple[str, ...]) -> str:
    """The remedy where a network of these engines was needed: those of the study of that name, best first."""
    found = [f"{hash[:8]} ({model})" for hash, model, engine in _models(name, reports) if engine in engines]
    if not found:
        return "train one: handlens run --dataset mnist-5k --models mlp-64-64"
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return f"give one of the study's networks, best first: {', '.join(found[:LISTED])}{more}"


def _models(name: str, reports: Path) -> list[tuple[str, str, str]]:
    """First run, name and engine of each model of a study, the chosen one first; none if it is no study."""
    from handlens.errors import StoreError

    table = reports / name / "table.json"
    if not table.is_file():
        return []
    try:
        models = json.loads(table.read_text(encoding="utf-8"))["models"]
        if not models:
            raise LookupError("an empty table")
        return [(str(one["runs"][0]), str(one["model"]), str(one["engine"])) for one in models]
    except (ValueError, LookupError, TypeError):
        raise StoreError("not a study's table", where=table, remedy=f"handlens report {name}") from None


def fitted(run: Run, pictures: Sequence[Path]) -> list[tuple[NDArray[np.uint8], tuple[str, ...]]]:
    """Each picture as the run's model wants it, uint8 [height, width, channels], and what was done to it."""
    return [(seen.corrected, seen.notes) for seen in noticed(run, pictures)]


def noticed(run: Run, pictures: Sequence[Path]) -> list[Noticed]:
    """Each picture as it is given and as the run's model wants it, and what is wrong with it."""
    from handlens.data.noticed import notice
    from handlens.data.pictures import InputContract, decode
    from handlens.errors import StoreError

    try:
        contract = InputContract(**run.input)
    except TypeError:
        raise StoreError("the record does not say what its images are like", where=run.trial.hash) from None
    return [notice(decode(path), contract) for path in pictures]
