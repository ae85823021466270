"""The summary of a network."""

from __future__ import annotations

import numpy as np

from handlens.nn import Network, layers

STACK = [
    layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D(2), layers.BatchNormalization(),
    layers.Dropout(0.5), layers.Flatten(), layers.Dense(5, "tanh"), layers.ReLU(), layers.Dense(4),
    layers.Dense(3),
]  # fmt: skip


def network() -> Network:
    return Network(STACK, input_shape=(9, 8, 1), rng=np.random.default_rng(0), dtype="float64")


def test_the_summary_is_laid_out_as_keras_prints_it() -> None:
    lines = network().summary().splitlines()
    assert lines[0].startswith("┏")
    assert lines[1].split("┃")[1].strip() == "Layer (type)"
    rows = [[cell.strip() for cell in line.split("│")[1:4]] for line in lines if line.startswith("│")]
    assert rows[0] == ["conv2d (Conv2D)", "(None, 7, 6, 3)", "30"]
    assert rows[1] == ["max_pooling2d (MaxPooling2D)", "(None, 3, 3, 3)", "0"]
    assert rows[2] == ["batch_normalization (BatchNormalization)", "(None, 3, 3, 3)", "12"]
    assert [row[0] for row in rows[5:]] == [
        "dense (Dense)",
        "re_lu (ReLU)",
        "dense_1 (Dense)",
        "dense_2 (Dense)",
    ]
    assert lines[-3:] == [
        " Total params: 221 (1.73 KB)",
        " Trainable params: 215 (1.68 KB)",
        " Non-trainable params: 6 (48.00 B)",
    ]
    assert len({len(line) for line in lines[:-3]}) == 1
