"""handlens's engine from scratch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks.peak import sgemm_peak
from benchmarks.work import BATCH, SMALL_BATCH, THREADS, mnist
from handlens import nn
from handlens.nn.layers import Conv2D, Dense, Flatten, MaxPooling2D

Step = Callable[[], Any]
SCALE = 1 / 255


def version() -> str:
    from threadpoolctl import threadpool_info

    kernels = next(
        (pool.get("architecture") for pool in threadpool_info() if pool["user_api"] == "blas"), None
    )
    return f"NumPy {np.__version__}" + (f" with OpenBLAS's kernels for {kernels}" if kernels else "")


def lenet_layers() -> list[nn.layers.Layer]:
    """LeNet as in lab E: 44,426 parameters."""
    return [
        Conv2D(6, 5, activation="relu"), MaxPooling2D(2), Conv2D(16, 5, activation="relu"), MaxPooling2D(2),
        Flatten(), Dense(120, "relu"), Dense(84, "relu"), Dense(10),
    ]  # fmt: skip


def lenet() -> Step:
    return _epochs(lenet_layers(), nn.optimizers.Adam())


def dense() -> Step:
    return _epochs(_dense_layers(), nn.optimizers.SGD(0.1))


def small_batches() -> Step:
    return _epochs(_dense_layers(), nn.optimizers.Adam(), SMALL_BATCH)


def fifteen() -> Step:
    """Two processes of one thread each share the fifteen networks, one epoch each."""
    pool = ProcessPoolExecutor(2, initializer=mnist)
    jobs = list(itertools.product(np.linspace(1e-6, 1e-3, 5), range(3)))

    return lambda: list(pool.map(_one_of_fifteen, jobs))


def predict() -> Step:
    network = nn.Network(lenet_layers(), input_shape=(28, 28, 1), rng=np.random.default_rng(0))
    images = mnist()[2]

    return lambda: network.predict_proba(images, scale=SCALE, threads=THREADS)


def fast() -> Step:
    """The zoo's recipe `fast` on all 60,000 images, a new seed each time."""
    from handlens.data import ImageSet, load
    from handlens.engines import engine
    from handlens.spec import zoo

    dataset = load("mnist")
    train = ImageSet(np.asarray(dataset.train.images), dataset.train.labels, dataset.classes)
    few = train.take(np.arange(10))  # validation plays no part in this recipe
    seeds = itertools.count()
    return lambda: engine("scratch").fit(zoo("fast"), train, few, next(seeds))


def peak() -> Step:
    """The machine's own limit, as NumPy reaches it."""
    return sgemm_peak


def peak_found(found: float) -> dict[str, Any]:
    return {"sgemm_peak": found}


def test_accuracy(model: Any) -> dict[str, Any]:
    """Of the model that a step of `fast` trained."""
    _, _, images, labels = mnist()
    return {"test_accuracy": float((model.predict_proba(images).argmax(axis=1) == labels).mean())}


def _dense_layers(l2: float = 0.0) -> list[nn.layers.Layer]:
    return [Flatten(), Dense(500, "relu", l2=l2), Dense(300, "relu", l2=l2), Dense(10)]


def _epochs(layers: list[nn.layers.Layer], optimizer: Any, batch: int = BATCH) -> Step:
    images, labels, _, _ = mnist()
    network = nn.Network(layers, input_shape=(28, 28, 1), rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)

    return lambda: nn.training.fit(
        network, images, labels, scale=SCALE, optimizer=optimizer, epochs=1, batch_size=batch, rng=rng,
        threads=THREADS,
    )  # fmt: skip


def _one_of_fifteen(job: tuple[float, int]) -> float:
    l2, seed = job
    images, labels, _, _ = mnist()
    network = nn.Network(_dense_layers(float(l2)), input_shape=(28, 28, 1), rng=np.random.default_rng(seed))
    (epoch,) = nn.training.fit(
        network, images, labels, scale=SCALE, optimizer=nn.optimizers.SGD(0.1), epochs=1, batch_size=BATCH,
        rng=np.random.default_rng(seed), threads=1,
    )  # fmt: skip
    return epoch.loss


CHECKS: dict[str, Callable[[Any], dict[str, Any]]] = {"fast": test_accuracy, "peak": peak_found}
WORKS = {
    "lenet": lenet,
    "keras-lenet": lenet,
    "dense": dense,
    "small-batches": small_batches,
    "fifteen": fifteen,
    "fast": fast,
    "predict": predict,
    "peak": peak,
}
