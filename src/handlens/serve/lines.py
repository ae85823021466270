"""A running study's lines, read as they grow, and what listeners are told of each."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_READ = 1 << 24  # bytes at once
News = tuple[str, dict[str, Any]]


@dataclass
class Told:
    """One study's lines, as far as they were read."""

    study: str = ""
    offset: int = 0
    trainings: dict[str, dict[str, Any]] = field(default_factory=dict)


def fresh(path: Path, told: Told) -> list[dict[str, Any]]:
    """Whole lines that were written since; a file that was begun anew is read anew."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < told.offset:
                told.offset, told.trainings = 0, {}
            file.seek(told.offset)
            text = file.read(MOST_READ)
    except OSError:
        return []
    end = text.rfind(b"\n") + 1
    told.offset += end
    found = []
    for line in text[:end].splitlines():
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict):
                found.append(said)
    return found


def noted(told: Told, said: dict[str, Any]) -> list[News]:
    """Note one line; what listeners are told of it."""
    kind, run = said.get("event"), str(said.get("run", ""))
    if kind == "study":
        told.study, told.trainings = str(said.get("name", "")), {}
        return []
    if kind == "begun":
        made = {"study": told.study, "run": run, **_place(said), "epochs": said.get("epochs"), "history": []}
        told.trainings[run] = made
        return [("begun", {k: v for k, v in made.items() if k != "history"})]
    if kind == "epoch" and run in told.trainings and isinstance(said.get("epoch"), dict):
        made = told.trainings[run]
        made["history"].append(said["epoch"])
        told_of = {k: v for k, v in made.items() if k != "history"}
        return [("epoch", told_of | {"epoch": said["epoch"]})]
    if kind in ("done", "failed", "kept"):
        told.trainings.pop(run, None)
        if kind != "kept":
            return [(str(kind), {"study": told.study, "run": run, **_place(said)})]
    return []


def _place(said: dict[str, Any]) -> dict[str, Any]:
    return {"model": said.get("model"), "replicate": said.get("replicate")}
