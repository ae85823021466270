"""Trials that failed: `runs/failed/<hash>.json` says why, until the trial is tried again."""

from __future__ import annotations

import contextlib
import datetime
import traceback
from dataclasses import dataclass

from handlens.errors import HandlensError, StoreError
from handlens.records import from_json, to_json
from handlens.studies.planning.plan import Planned
from handlens.studies.storage import disk
from handlens.studies.storage.store import Store

FAILED = "failed"
LIMIT = 2**20  # bytes of a record: a longer one is not ours


@dataclass(frozen=True)
class Failure:
    """Why a trial has no run.

    Attributes:
        name, replicate: which trial of its study; replicates are counted from 1.
        error: in one line.
        traceback: where in the code; empty for a trial that cannot be trained as it is.
        time: UTC, ISO 8601.
    """

    name: str
    replicate: int
    error: str
    traceback: str
    time: str


def note(store: Store, planned: Planned, error: HandlensError, trace: str = "") -> None:
    """Keep why a trial failed.

    Raises:
        StoreError: cannot be written.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    failure = Failure(planned.name, planned.replicate + 1, str(error), trace, now)
    with disk.beside(store.root, "note that a trial failed") as beside:
        path = store.root / FAILED / f"{planned.trial.hash}.json"
        path.parent.mkdir(exist_ok=True)
        entry = beside / path.name
        entry.write_text(to_json(failure), encoding="utf-8")
        disk.flush(beside)
        entry.replace(path)
        disk.flush_folder(path.parent)


def forget(store: Store, hash: str) -> None:
    """The trial is tried again, or has its run."""
    with contextlib.suppress(OSError):
        (store.root / FAILED / f"{hash}.json").unlink(missing_ok=True)


def read(store: Store, hash: str) -> Failure | None:
    """Why a trial failed; None if it did not, or nothing sound is there."""
    try:
        with (store.root / FAILED / f"{hash}.json").open("rb") as file:
            return from_json(Failure, file.read(LIMIT))
    except (OSError, StoreError):
        return None


def unexpected(error: BaseException, store: Store, hash: str) -> tuple[HandlensError, str]:
    """An error that no trial should raise, in one line, and its traceback."""
    lines = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return died(said, store, hash), "".join(traceback.format_exception(error))


def died(said: str, store: Store, hash: str) -> HandlensError:
    """What ended a trial that nobody expected, and where to read more."""
    return HandlensError(said, remedy=f"more of it is in {store.root / FAILED / f'{hash}.json'}")
