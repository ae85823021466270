"""The state of a long training on disk, so that a broken one goes on where it was, to the same bits.

One safetensors file: the arrays of the training; in its header, as JSON, the training's name, its counts and
history; and a sha256 of all that. Written beside, fsynced and renamed. A file that is missing, damaged, too
large or of another training is as good as none: training starts anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from handlens.data.images import ImageSet
from handlens.engines.watch import Watch
from handlens.nn.arrays import Array
from handlens.records import Epoch
from handlens.spec import Recipe, to_dict

CHECKPOINT_SECONDS = 20.0
FORMAT = 1
FILE = "checkpoint.safetensors"
MOST_HEADER = 1 << 24  # bytes: the history of 50,000 epochs


class Trainer(Protocol):
    """A training whose state can be kept, such as `nn.training.Trainer`."""

    def arrays(self) -> dict[str, Array]: ...

    def counts(self) -> dict[str, float]: ...

    def go_on(self, counts: Mapping[str, float], arrays: Mapping[str, Array]) -> None: ...


class Checkpoint:
    """The folder where one training keeps its state.

    Attributes:
        notes: what a reader of the results should know: that state could not be kept.
    """

    def __init__(self, folder: Path, name: Callable[[], str], *, every: float = CHECKPOINT_SECONDS) -> None:
        """`name()` tells this training from all others; it is only called where a state is read or written.

        `every`: the fewest seconds from one writing to the next.
        """
        self.path, self.every = folder / FILE, every
        self.notes: tuple[str, ...] = ()
        self._name, self._last = name, time.monotonic()

    @cached_property
    def name(self) -> str:
        return self._name()

    def restore(self, trainer: Trainer, watch: Watch) -> None:
        """Bring a fresh training to the state on disk; without a sound one, leave it as it is."""
        arrays = _arrays(trainer, watch)
        try:
            saved, facts = _read(self.path, arrays)
            history = [Epoch(**epoch) for epoch in facts["history"]]
            counts = {name: float(facts["counts"][name]) for name in trainer.counts()}
            if facts["name"] != self.name or len(history) != counts["done"] or counts.get("steps", 0) % 1:
                return
            best, best_epoch = float(facts["best"]), int(facts["best_epoch"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        if watch.best_state is not None:
            watch.best_state[...] = saved["best"]
        trainer.go_on(counts, saved)
        watch.history, watch.best, watch.best_epoch = history, best, best_epoch

    def save(self, trainer: Trainer, watch: Watch) -> None:
        """Write the state if the last one is old enough. A disk that cannot take it is worth a note only."""
        if time.monotonic() - self._last < self.every:
            return
        facts = {
            "name": self.name,
            "counts": trainer.counts(),
            "history": [asdict(epoch) for epoch in watch.history],
            "best": watch.best,
            "best_epoch": watch.best_epoch,
        }
        try:
            _write(self.path, _arrays(trainer, watch), json.dumps(facts))
        except OSError as error:
            self.notes = (
                f"the state of the training could not be kept on disk ({error.strerror}): had it been broken "
                "off, it would have begun anew",
            )
        self._last = time.monotonic()

    def remove(self) -> None:
        """Remove the file, and the folder if nothing else is in it."""
        with contextlib.suppress(OSError):
            _beside(self.path).unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
            self.path.parent.rmdir()


def name_of(numerics: str, recipe: Recipe, train: ImageSet, validation: ImageSet, seed: int) -> str:
    """What tells a training from all others: everything that its numbers depend on, as a sha256."""
    plain = {key: value for key, value in to_dict(recipe).items() if key != "name"}
    told = (FORMAT, numerics, np.__version__, plain, train.digest(), validation.digest(), seed)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _arrays(trainer: Trainer, watch: Watch) -> dict[str, Array]:
    best = {} if watch.best_state is None else {"best": watch.best_state}
    return trainer.arrays() | best


def _digest(arrays: Mapping[str, Array], facts: str) -> str:
    digest = hashlib.sha256(facts.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(arrays[name].data)
    return digest.hexdigest()


def _shapes(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _write(path: Path, arrays: dict[str, Array], facts: str) -> None:
    from safetensors.numpy import save

    data = save(arrays, {"facts": facts, "sha256": _digest(arrays, facts)})
    beside = _beside(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _read(path: Path, expected: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays like the expected ones, and the facts; ValueError where the file is no sound state.

    The size is checked first: no more memory is taken than the training itself needs.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
        size = os.fstat(file.fileno()).st_size
        if header > MOST_HEADER or size != 8 + header + sum(array.nbytes for array in expected.values()):
            raise ValueError("the size is not that of such a state")
        file.seek(0)
        data = file.read(size)
    about = json.loads(data[8 : 8 + header])["__metadata__"]
    try:
        arrays = load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    if _shapes(arrays) != _shapes(expected):
        raise ValueError("the arrays are not those of such a state")
    if _digest(arrays, about["facts"]) != about["sha256"]:
        raise ValueError("the content is not what was written")
    return arrays, json.loads(about["facts"])
