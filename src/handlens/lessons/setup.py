"""How to call it: which instance, and whether images are rows or columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handlens.errors import SpecError
from handlens.lessons.build import Fresh, Sizes, fresh_subjects
from handlens.lessons.inside import Slot
from handlens.lessons.subject import Stopped, Subject, most_plausible, parameters
from handlens.nn.arrays import Array

WIDEST = 4096


@dataclass(frozen=True)
class Setup:
    """A way to call a layer or network: `fresh()` makes a new one, `batch` says where the images lie."""

    fresh: Fresh
    batch: str
    n: int
    into: int
    score: int
    place: int  # of this way to make it among all that were tried

    def inputs(self, seed: int, n: int | None = None) -> Array:
        """Images as the student wants them, float64."""
        rows = np.random.default_rng(seed).normal(size=(n or self.n, self.into))
        return self.turn(rows)

    def turn(self, rows: Array) -> Array:
        """From `[n, features]` to the student's layout, or back."""
        return rows if self.batch == "first" else np.ascontiguousarray(rows.T)

    def ready(self, seed: int = 11) -> tuple[Subject, list[Slot]]:
        """A new subject, and its parameters, set to random numbers: zeros and symmetry hide faults."""
        subject = self.fresh()
        held = parameters(subject, self.inputs(1))
        subject = self.fresh()
        if not _alive(subject, held):
            subject.forward(self.inputs(1))
        mine = {s.name: s for s in subject.slots()}
        held = [mine[s.name] for s in held if s.name in mine]
        rng = np.random.default_rng(seed)
        for slot in held:
            shape = np.shape(slot.get())
            scale = 1.0 if max(shape, default=1) < 30 else 3 / np.sqrt(max(shape))
            slot.put(rng.normal(0, scale, size=shape))
        return subject, held


def _alive(subject: Subject, held: list[Slot]) -> bool:
    names = {s.name for s in subject.slots() if isinstance(s.get(), np.ndarray)}
    return all(h.name in names for h in held)


def settle(
    target: Any, sizes: Sizes, batch: str | None, only: int | None = None
) -> tuple[Setup | None, Stopped]:
    """The first setup under which forward runs and gives a batch of outputs, and else what stopped it.

    `only`: the place of the one way to make it that may be tried.
    """
    best: Setup | None = None
    stops: list[Stopped] = []
    for place, fresh in enumerate(fresh_subjects(target, sizes)):
        if only not in (None, place):
            continue
        try:
            subject = fresh()
            widths = list(_widths(subject, sizes))
        except SpecError as error:
            stops.append(Stopped(str(error)))
            continue
        except Exception as error:
            stops.append(Stopped(f"{type(error).__name__}: {error}"))
            continue
        for into in widths:
            for way in (batch,) if batch else ("first", "last"):
                found = Setup(fresh, way, sizes.n, into, 0, place)
                try:
                    score = _score(fresh(), found, sizes)
                except Stopped as error:
                    stops.append(error)
                    continue
                if score > (best.score if best else 0):
                    best = Setup(fresh, way, sizes.n, into, score, place)
                if score == 3:
                    return best, Stopped("")
    return best, most_plausible(stops)


def _widths(subject: Subject, sizes: Sizes) -> Iterator[int]:
    yield sizes.into
    shapes = [s.get().shape for s in subject.slots() if isinstance(s.get(), np.ndarray) and s.get().ndim == 2]
    yield from dict.fromkeys(w for shape in shapes for w in shape if 1 < w <= WIDEST and w != sizes.into)


def _score(subject: Subject, setup: Setup, sizes: Sizes) -> int:
    y = subject.forward(setup.inputs(1))
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "fiub" or y.ndim == 0:
        return 0
    images = y.shape[0] if setup.batch == "first" else y.shape[-1]
    features = y.shape[-1] if setup.batch == "first" else y.shape[0]
    if y.ndim == 2 and images == setup.n and features == sizes.out and setup.into == sizes.into:
        return 3
    return 2 if y.ndim == 2 and images == setup.n else 1
