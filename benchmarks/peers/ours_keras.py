"""handlens's Keras engine: an epoch of one training, or of fifteen, as one program."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.work import mnist
from handlens.data import ImageSet, fit_preparation
from handlens.engines.keras.devices import find
from handlens.engines.keras.engine import member
from handlens.engines.keras.libraries import jax, keras
from handlens.engines.keras.trainer import Trainer
from handlens.spec import NetworkRecipe, from_dict

Step = Callable[[], Any]
LENET = [
    "Conv2D(6, 5, activation='relu')", "MaxPooling2D(2)", "Conv2D(16, 5, activation='relu')",
    "MaxPooling2D(2)", "Flatten()", "Dense(120, activation='relu')", "Dense(84, activation='relu')",
]  # fmt: skip


def version() -> str:
    return f"Keras {keras.__version__}, JAX {jax.__version__}"


def dense() -> Step:
    return trainer([(recipe(), 0)]).epoch


def fifteen() -> Step:
    jobs = itertools.product(np.linspace(1e-6, 1e-3, 5), range(3))
    return trainer([(recipe(float(l2)), seed) for l2, seed in jobs]).epoch


def lenet() -> Step:
    return trainer([(network("lenet", LENET, "Adam()"), 0)]).epoch


def recipe(l2: float = 0.0) -> NetworkRecipe:
    """784-500-300-10."""
    hidden = [f"Dense({n}, activation='relu', l2={l2})" for n in (500, 300)]
    return network("dense", ["Flatten()", *hidden], "SGD(0.1)")


def network(name: str, layers: list[str], optimizer: str, **more: Any) -> NetworkRecipe:
    made = from_dict({"name": name, "layers": layers, "optimizer": optimizer, "engine": "keras"} | more)
    assert isinstance(made, NetworkRecipe)
    return made


def trainer(jobs: Sequence[tuple[NetworkRecipe, int]], device: Any = None) -> Trainer:
    """Of recipes and seeds, on all training images; ten of them are validation images."""
    images, labels, _, _ = mnist()
    train = ImageSet(images, labels, tuple("0123456789"))
    few, preparation = train.take(np.arange(10)), fit_preparation("unit", images)
    return Trainer([member(made, train, few, seed, preparation) for made, seed in jobs], device or find())


CHECKS: dict[str, Any] = {}
WORKS = {"keras-dense": dense, "keras-fifteen": fifteen, "keras-lenet": lenet}
