"""Real runs on real images, trained once: 5,000 MNIST images that are always there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from export_support import Bench, trained

from handlens.data import Dataset, load

NETWORKS = [
    {"use": "lenet5", "epochs": 4, "augment": None},
    {"use": "mlp-500-300", "epochs": 2, "prepare": "standardize-pixels"},
]
CLASSIC = [
    {"name": "logistic", "estimator": "logistic(max_iter=20)", "prepare": "standardize"},
    {"name": "forest", "estimator": "forest(n_estimators=20)"},
    {"name": "linear-svm", "estimator": "linear-svm"},
    {"name": "rbf-svm", "estimator": "rbf-svm"},
    {"name": "knn", "estimator": "knn"},
    {"name": "gradient-boosting", "estimator": "gradient-boosting(max_iter=2)"},
    {"name": "dummy", "estimator": "dummy"},
    {
        "name": "perceptron",
        "estimator": "sklearn.neural_network.MLPClassifier(hidden_layer_sizes=(20,), max_iter=2)",
    },
]


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load("mnist-5k")


@pytest.fixture(scope="session")
def bench(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Networks from scratch, whose test images are opened."""
    return trained(tmp_path_factory.mktemp("networks"), mnist, [_named(r) for r in NETWORKS], test="all")


@pytest.fixture(scope="session")
def classic(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One of each short-named classifier of scikit-learn's."""

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are not trained to the end
        yield trained(tmp_path_factory.mktemp("classic"), mnist, CLASSIC, validation=0.8)


def _named(recipe: dict[str, Any]) -> dict[str, Any]:
    return {"name": recipe["use"], **recipe}
