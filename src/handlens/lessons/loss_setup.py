"""How to call a student's loss: what it takes, how labels are written, where the images lie."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from handlens.errors import SpecError
from handlens.lessons import calls
from handlens.lessons.build import DISTINCT, Fresh, fresh_subjects
from handlens.lessons.explain import fits
from handlens.lessons.loss_reference import (
    ENTROPY,
    KINDS,
    LIKELIHOOD,
    LOSS,
    SOFTMAX,
    SQUARES,
    K,
    N,
    each_loss,
    scales,
    softmax,
)
from handlens.lessons.subject import Stopped, Subject, not_called
from handlens.nn.arrays import Array


@dataclass(frozen=True)
class LossSetup:
    """How to call it: what it takes, how labels are written, where the images lie."""

    fresh: Fresh
    kind: str
    batch: str
    onehot: bool

    def turn(self, rows: Array) -> Array:
        return rows if self.batch == "first" or rows.ndim < 2 else np.ascontiguousarray(rows.T)

    def batch_of(self, seed: int, n: int = N) -> tuple[Array, Array, Array]:
        """Predictions, targets and labels: rows, one-hot rows (or numbers for squares), whole numbers."""
        rng = np.random.default_rng(seed)
        z = rng.normal(size=(n, K))
        labels = rng.permutation(np.arange(n) % K)
        targets = np.eye(K)[labels]
        if self.kind in (ENTROPY, LIKELIHOOD):
            z = softmax(z) if self.kind == ENTROPY else np.log(softmax(z))
        if self.kind == SQUARES:
            targets = rng.normal(size=(n, K))
        return z, targets, labels

    def labels(self, targets: Array, labels: Array) -> Array:
        return self.turn(targets) if self.onehot or self.kind == SQUARES else labels


def is_loss(subject: Subject, name: str) -> bool:
    """Whether forward compares two things: a prediction and what is true."""
    must = calls.required(subject.forward_function)
    roles = [r for n, r in calls.roles_of(subject.forward_function).items() if n in must]
    if "weight" in roles:
        return False
    return "labels" in roles or (
        len(must) == 2 and bool(re.search(r"loss|entropy|mse|cost|criterion", name.lower()))
    )


def settle_loss(target: Any, kind: str, batch: str | None) -> LossSetup:
    """How this loss wants to be called.

    Raises:
        SpecError: no way of calling it works.
    """
    best: tuple[int, LossSetup | None] = (0, None)
    stops: list[Stopped] = []
    name = getattr(target, "__name__", type(target).__name__).lower()
    hint = SQUARES if re.search(r"mse|square", name) else ""
    kinds = (kind,) if kind else sorted(KINDS, key=lambda k: k != hint)
    ways = (batch,) if batch else ("first", "last")
    for fresh in fresh_subjects(target, DISTINCT):
        for k, onehot, way in itertools.product(kinds, (False, True), ways):
            setup = LossSetup(fresh, k, way, onehot)
            try:
                score = _score(setup) + (k == hint)
            except (Stopped, SpecError, TypeError) as error:
                stops.append(error if isinstance(error, Stopped) else Stopped(str(error)))
                continue
            best = max(best, (score, setup), key=lambda pair: pair[0])
    if best[1] is None:
        raise not_called("the loss", stops, name, "forward(prediction, labels)")
    return best[1]


def _score(setup: LossSetup) -> int:
    z, targets, labels = setup.batch_of(2)
    got = np.asarray(setup.fresh().forward(setup.turn(z), setup.labels(targets, labels)))
    if got.dtype.kind not in "fiu" or got.size not in (1, N):
        return 0
    truth = each_loss(setup.kind, z, targets)
    whole = [s for s in scales(setup.kind) if fits(got, s * truth.sum(), LOSS)]
    columns_by_chance = setup.batch == "last" and whole == [1 / (N * K)]
    if (whole and not columns_by_chance) or fits(got, truth, LOSS):
        return 9
    return 1 + (setup.batch == "first") + (setup.kind == SOFTMAX) + 2 * bool(np.isfinite(got).all())
