"""What a machine of a Ray cluster does: train one trial, tell of its epochs, hand its run over."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from handlens.data import ImageSet
from handlens.engines import engine
from handlens.errors import HandlensError, StoreError
from handlens.records import Epoch
from handlens.studies.cluster.ray_link import PATIENCE, library
from handlens.studies.cluster.remote_store import Shelf, pack
from handlens.studies.planning.plan import Planned
from handlens.studies.storage.store import Store
from handlens.studies.training.trial import Training, train_trial

PULSE = 0.25  # seconds between two epochs that a trial tells of

Told = tuple[int, Epoch | None]  # a trial's number, and an epoch or None for its beginning


class Board:
    """Where tasks say what they do and the parent reads it: a Ray actor."""

    def __init__(self) -> None:
        self._told: list[Told] = []

    def tell(self, number: int, epoch: Epoch | None) -> None:
        self._told.append((number, epoch))

    def take(self) -> list[Told]:
        """What was told since the last time."""
        told, self._told = self._told, []
        return told


class _Voice:
    """Tells the board of a trial's epochs, of some where they are many, and always of the last."""

    def __init__(self, board: Any, number: int) -> None:
        self._board, self._number = board, number
        self._held: Epoch | None = None
        self._tell(None)

    def __call__(self, epoch: Epoch) -> None:
        self._held = epoch
        if time.monotonic() - self._last >= PULSE:
            self._tell(epoch)

    def _tell(self, epoch: Epoch | None) -> None:
        self._last, self._held = time.monotonic(), None
        self._answer = self._board.tell.remote(self._number, epoch)

    def end(self) -> None:
        """Make sure that all is told before the parent learns that the trial is over."""
        if self._held:
            self._tell(self._held)
        ray = library()
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(self._answer, timeout=PATIENCE)


def train_here(
    data: Training, command: str, shelf: Shelf | None, board: Any, planned: Planned, number: int
) -> bytes | HandlensError | None:
    """The task: train a trial on this machine; its parcel, or None if that lies on the shelf, or why not."""
    hash = planned.trial.hash
    if shelf and shelf.has(hash):
        return None
    voice = _Voice(board, number)
    with tempfile.TemporaryDirectory(prefix="handlens-") as folder:
        store = Store(Path(folder, "runs"))
        try:
            _same_numerics(planned)
            train_trial(planned, data, store, command=command, on_epoch=voice, threads=1)
        except StoreError:  # this machine's disk, not the trial
            raise
        except HandlensError as error:
            return error
        finally:
            voice.end()
        parcel = pack(store, hash, Path(folder, "run.zip"))
        if shelf is None:
            return parcel.read_bytes()
        shelf.put(hash, parcel)
        return None


def _same_numerics(planned: Planned) -> None:
    """A run must never stand for what other code would give."""
    found = engine(planned.recipe.engine).numerics
    if found != planned.trial.numerics:
        raise HandlensError(
            f"a machine of the cluster would train with {found}",
            expected=planned.trial.numerics,
            remedy="install the same versions on every machine",
        )


def shareable(data: Training) -> Training:
    """Plain arrays, which the tasks of a machine share without a copy; memory-mapped ones Ray would copy."""
    images = data.images
    plain = ImageSet(np.asarray(images.images), np.asarray(images.labels), images.classes)
    return dataclasses.replace(data, images=plain)
