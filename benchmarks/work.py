"""The works that are timed, and the images that they work on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

THREADS = 2
BATCH = 128
SMALL_BATCH = 32  # Keras's default


@dataclass(frozen=True)
class Work:
    """What is timed: peers other than `ours` each have a target for `peer's seconds / our seconds`.

    `flop`: floating-point operations of the matrix products in one step, for the share of the sgemm peak.
    `ours`: the peer that is ours: the engine from scratch, or `ours-keras`.
    """

    name: str
    title: str
    unit: str
    targets: dict[str, float]
    flop: float = 0.0
    ours: str = "ours"


def dense_flop(*widths: int) -> float:
    """One image forward and backward: two products of 2 in out each, and a third but for the first layer."""
    pairs = itertools.pairwise(widths)
    return sum(2.0 * a * b * (2 if i == 0 else 3) for i, (a, b) in enumerate(pairs))


LENET = 2.0 * (6 * 25 * 576 * 2 + 16 * 150 * 64 * 3) + dense_flop(256, 120, 84, 10) + 2.0 * 256 * 120
WORKS = (
    Work(
        "lenet",
        "LeNet, one epoch, Adam, batch 128",
        "s",
        {"torch": 1.8, "keras-tensorflow": 1.8},
        60_000 * LENET,
    ),
    Work(
        "dense",
        "784-500-300-10, one epoch, SGD, batch 128",
        "s",
        {"torch": 1.0, "keras-tensorflow": 1.8, "scikit-learn": 2.5},
        60_000 * dense_flop(784, 500, 300, 10),
    ),
    Work(
        "small-batches",
        "784-500-300-10, one epoch, Adam, batch 32",
        "s",
        {"torch": 1.0, "keras-tensorflow": 1.0, "scikit-learn": 1.0},
        60_000 * dense_flop(784, 500, 300, 10),
    ),
    Work(
        "fifteen",
        "15 networks 784-500-300-10 (5 L2 x 3 seeds), a network and epoch, 2 processes",
        "s",
        {"keras-tensorflow": 2.5},
        60_000 * dense_flop(784, 500, 300, 10),
    ),
    Work("fast", "A whole training that gets 99 % of the test images right", "s", {"torch": 1 / 0.6}),
    Work(
        "keras-dense",
        "Keras engine: 784-500-300-10, one epoch, SGD, batch 128",
        "s",
        {"keras-jax": 1.3, "keras-tensorflow": 1.8},
        60_000 * dense_flop(784, 500, 300, 10),
        "ours-keras",
    ),
    Work(
        "keras-fifteen",
        "Keras engine: 15 networks 784-500-300-10 stacked, a network and epoch",
        "s",
        {"alone": 1.0},
        60_000 * dense_flop(784, 500, 300, 10),
        "ours-keras",
    ),
    Work(
        "keras-lenet",
        "Keras engine: LeNet, one epoch, Adam, batch 128",
        "s",
        {"keras-tensorflow": 1.0, "scratch": 0.0},
        60_000 * LENET,
        "ours-keras",
    ),
    Work("predict", "predicting 10,000 images with LeNet", "s", {"torch": 1.0, "onnxruntime": 0.7}),
)


@cache
def mnist() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images uint8 [60000, 28, 28, 1] and labels int64, test images and labels."""
    from handlens.data import load

    dataset = load("mnist")
    return dataset.train.images, dataset.train.labels, dataset.test.images, dataset.test.labels


def floats(images: np.ndarray) -> np.ndarray:
    """float32 in [0, 1], contiguous: what the other libraries want to have in memory."""
    return np.ascontiguousarray(images, dtype=np.float32) / 255
