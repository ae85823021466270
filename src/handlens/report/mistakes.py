"""Where a model was sure and wrong, and which classes it takes for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.studies.storage.result import Tested


@dataclass(frozen=True)
class Mistake:
    """A test image that a run took for another class.

    Attributes:
        position: in the test set, from 0.
        true, given: class indices.
        probability: of the given class; `true_probability`: of the true one.
        wrong: in how many replicates the image was taken for any other class.
    """

    position: int
    true: int
    given: int
    probability: float
    true_probability: float
    wrong: int


@dataclass(frozen=True)
class Pair:
    """Images of class `true` taken for `given`: how many, of how many shown."""

    true: int
    given: int
    count: int
    of: int


def surest_mistakes(tests: Sequence[Tested], limit: int = 24) -> list[Mistake]:
    """The wrong test images of the first replicate, the highest probability first (ties: test set order)."""
    said, labels = tests[0].probabilities, tests[0].labels
    given = said.argmax(axis=1)
    wrong = np.flatnonzero(given != labels)
    surest = wrong[np.argsort(-said[wrong, given[wrong]], kind="stable")][:limit]
    times = sum((t.probabilities[surest].argmax(axis=1) != labels[surest]).astype(np.int64) for t in tests)
    return [
        Mistake(
            position=int(i),
            true=int(labels[i]),
            given=int(given[i]),
            probability=float(said[i, given[i]]),
            true_probability=float(said[i, labels[i]]),
            wrong=int(np.atleast_1d(times)[n]),
        )
        for n, i in enumerate(surest)
    ]


def confusion(tests: Sequence[Tested]) -> NDArray[np.int64]:
    """int64 [k, k]: test images of class i taken for class j, summed over the replicates."""
    matrices = np.asarray([tested.look.scores.confusion for tested in tests], dtype=np.int64)
    return np.asarray(matrices.sum(axis=0))


def worst_pairs(matrix: NDArray[np.int64], limit: int = 5) -> list[Pair]:
    """The commonest mistakes of a confusion matrix, most frequent first."""
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:limit]
    totals = matrix.sum(axis=1)
    return [
        Pair(int(i), int(j), int(off[i, j]), int(totals[i]))
        for i, j in zip(*np.unravel_index(order, off.shape), strict=True)
        if off[i, j] > 0
    ]
