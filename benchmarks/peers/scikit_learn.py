"""scikit-learn's MLPClassifier."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.work import BATCH, floats, mnist

Step = Callable[[], Any]


def version() -> str:
    return f"scikit-learn {sklearn.__version__}"


def dense() -> Step:
    images, labels, _, _ = mnist()
    x = floats(images).reshape(len(images), -1)
    model = MLPClassifier(
        (500, 300), solver="sgd", learning_rate_init=0.1, momentum=0.0, alpha=0.0, batch_size=BATCH,
        max_iter=1, warm_start=True,
    )  # fmt: skip
    warnings.simplefilter("ignore")  # that one epoch is no convergence
    return lambda: model.fit(x, labels)


CHECKS: dict[str, Any] = {}
WORKS = {"dense": dense}
