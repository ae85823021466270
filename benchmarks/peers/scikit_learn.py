"""scikit-learn's MLPClassifier."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.work import BATCH, SMALL_BATCH, floats, mnist

Step = Callable[[], Any]


def version() -> str:
    return f"scikit-learn {sklearn.__version__}"


def dense() -> Step:
    return _epochs(BATCH, solver="sgd", learning_rate_init=0.1, momentum=0.0)


def small_batches() -> Step:
    return _epochs(SMALL_BATCH, solver="adam")


def _epochs(batch: int, **how: Any) -> Step:
    images, labels, _, _ = mnist()
    x = floats(images).reshape(len(images), -1)
    model = MLPClassifier((500, 300), alpha=0.0, batch_size=batch, max_iter=1, warm_start=True, **how)
    warnings.simplefilter("ignore")  # that one epoch is no convergence
    return lambda: model.fit(x, labels)


CHECKS: dict[str, Any] = {}
WORKS = {"dense": dense, "small-batches": small_batches}
