"""What a study says while it runs, left where another process can read it: `runs/progress/<key>.jsonl`.

A line of JSON an event, the study's own line first; beside it the study as `<key>.toml`. Both are gone when
the study ends. What a killed process leaves is nobody's: a study runs as long as somebody holds its claim.
A disk that cannot take the lines costs those who watch, never the study.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handlens.errors import StoreError
from handlens.records import Epoch
from handlens.studies.planning.plan import Study
from handlens.studies.planning.toml import to_toml
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import claim, claimed
from handlens.studies.training.jobs import Event, OnEvent

PROGRESS = "progress"


def key_of(study: str) -> str:
    """What the files and the claim of a study's name are called."""
    return f"study-{hashlib.sha256(study.encode()).hexdigest()[:16]}"


def running(root: Path, study: str) -> bool:
    """Whether a live process runs the study of that name in the store at `root`."""
    if not (root / PROGRESS / f"{key_of(study)}.jsonl").is_file():
        return False
    try:
        return claimed(root, key_of(study))
    except StoreError:
        return False


@contextlib.contextmanager
def told(study: Study, trials: int, store: Store, on_event: OnEvent) -> Iterator[OnEvent]:
    """An `on_event` that also writes the study's lines, unless another process writes them already."""
    folder, key = store.root / PROGRESS, key_of(study.name)
    with contextlib.ExitStack() as stack:
        try:
            mine = stack.enter_context(claim(store.root, key))
            out = stack.enter_context(_lines(folder, key, study)) if mine else None
        except (StoreError, OSError):
            out = None
        if out is None:
            yield on_event
            return
        about = {"name": study.name, "title": study.title, "dataset": study.dataset, "trials": trials}
        writer = _Writer(out)
        writer.write({"event": "study", **about})

        def tell(event: Event) -> None:
            writer.note(event)
            on_event(event)

        yield tell


@contextlib.contextmanager
def _lines(folder: Path, key: str, study: Study) -> Iterator[int]:
    """The open, empty file for the lines; it and the study beside it are removed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    path, beside = folder / f"{key}.jsonl", folder / f"{key}.toml"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
    try:
        beside.write_text(to_toml(study), encoding="utf-8")
        yield handle
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            beside.unlink(missing_ok=True)
            folder.rmdir()


class _Writer:
    """Appends lines, each in one piece, until the disk refuses."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    def note(self, event: Event) -> None:
        run = event.job.planned.trial.hash
        if event.kind == "epoch" and event.epoch is not None:
            self.write({"event": "epoch", "run": run, "epoch": plain(event.epoch)})
        elif event.kind != "missing":
            planned = event.job.planned
            said = {
                "event": event.kind,
                "run": run,
                "model": planned.name,
                "replicate": planned.replicate + 1,
            }
            self.write(said | {"epochs": getattr(planned.recipe, "epochs", 0)})

    def write(self, said: dict[str, Any]) -> None:
        if self._handle is None:
            return
        try:
            os.write(self._handle, (json.dumps(said) + "\n").encode())
        except OSError:
            self._handle = None


def plain(epoch: Epoch) -> dict[str, Any]:
    """An epoch as JSON knows it: what is no number is None."""
    found = dataclasses.asdict(epoch)
    return {
        name: None if value is not None and not math.isfinite(value) else value
        for name, value in found.items()
    }
