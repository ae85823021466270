"""A small real data set and a small study, quick enough to train in every test."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from handlens.data import Dataset, ImageSet
from handlens.studies.planning.plan import study
from handlens.studies.storage.store import Store


@pytest.fixture(scope="session")
def digits():
    pixels, labels = load_digits(return_X_y=True)
    images = np.clip(pixels * 16, 0, 255).astype(np.uint8).reshape(-1, 8, 8, 1)
    names = tuple(str(i) for i in range(10))
    labels = labels.astype(np.int64)
    return Dataset(
        "digits-test",
        ImageSet(images[:600], labels[:600], names),
        ImageSet(images[600:900], labels[600:900], names),
    )


@pytest.fixture
def small():
    recipes = ["dummy", {"name": "trees", "estimator": "forest(n_estimators=5)"}]
    recipes += [
        {
            "name": "net",
            "layers": ["Flatten()", "Dense(16, activation='relu')"],
            "epochs": 2,
            "optimizer": "SGD(0.3)",
            "batch_size": 32,
        }
    ]
    from handlens.spec import from_dict

    made = [r if isinstance(r, str) else from_dict(r) for r in recipes]
    return study(name="small", title="Small", dataset="digits-test", recipes=made, replicates=2)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")
