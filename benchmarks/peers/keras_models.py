"""The works by Keras's own `model.fit`, on whatever backend its peer has chosen before it imports this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from benchmarks.work import BATCH, SMALL_BATCH, floats, mnist

Step = Callable[[], Any]


def lenet() -> Step:
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(6, 5, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    return _epochs(model, keras.optimizers.Adam())


def dense() -> Step:
    return _epochs(_dense(0.0), keras.optimizers.SGD(0.1))


def small_batches() -> Step:
    return _epochs(_dense(0.0), keras.optimizers.Adam(), SMALL_BATCH)


def fifteen() -> Step:
    """The fifteen networks one after the other, one epoch each."""
    x, y = _arrays()

    def step() -> None:
        for l2 in np.linspace(1e-6, 1e-3, 5):
            for seed in range(3):
                keras.utils.set_random_seed(seed)
                model = _dense(float(l2))
                model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
                model.fit(x, y, batch_size=BATCH, verbose=0)

    return step


def _dense(l2: float) -> keras.Model:
    penalty = keras.regularizers.L2(l2) if l2 else None
    hidden = [layers.Dense(n, activation="relu", kernel_regularizer=penalty) for n in (500, 300)]
    return keras.Sequential(
        [layers.Input((28, 28, 1)), layers.Flatten(), *hidden, layers.Dense(10, activation="softmax")]
    )


def _arrays() -> tuple[np.ndarray, np.ndarray]:
    images, labels, _, _ = mnist()
    return floats(images), np.asarray(labels)


def _epochs(model: keras.Model, optimizer: Any, batch: int = BATCH) -> Step:
    x, y = _arrays()
    model.compile(optimizer, "sparse_categorical_crossentropy")

    return lambda: model.fit(x, y, batch_size=batch, verbose=0)
