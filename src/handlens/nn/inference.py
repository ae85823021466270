"""Predicting: forward passes over many images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handlens.nn.arrays import Array
from handlens.nn.feed import Feed
from handlens.nn.layers import Flatten
from handlens.nn.parallel import Team, blas_threads, thread_count
from handlens.nn.passes import Pass
from handlens.nn.plan import PIECE, in_pieces
from handlens.nn.products import sliced
from handlens.pages import reach, release

if TYPE_CHECKING:
    from handlens.nn.network import Network

WHOLE = 512  # images a forward pass where the batch is not cut into pieces
SPAN = 64 * 2**20  # bytes gone through after which the pages of a mapped file are given back


def feed(network: Network, images: NDArray[Any], offset: Any, scale: Any) -> Feed:
    """The images as batches for that network."""
    rows = len(network.input_shape) == 1 or isinstance(network.layers[0], Flatten)
    return Feed(images, network.input_shape, network.dtype, offset=offset, scale=scale, rows=rows)


def logits(network: Network, images: NDArray[Any], *, offset: Any, scale: Any, threads: int | None) -> Array:
    """The outputs `[n, classes]` of `(images - offset) * scale`."""
    cut = in_pieces(network.layers)
    size = PIECE if cut else WHOLE
    count = -(-len(images) // size)
    workers = thread_count(threads) if cut else 1
    feeds = [feed(network, images, offset, scale) for _ in range(workers)]
    steps = network.steps()
    team = Team(thread_count(threads))
    product = sliced if cut else team.product
    passes = [Pass(network, steps, learns=False, product=product) for _ in range(workers)]
    result = np.empty((len(images), network.classes), network.dtype)
    per_span = max(1, SPAN // max(1, size * reach(images)))

    def task(worker: int, i: int) -> None:
        part = np.arange(i * size, min((i + 1) * size, len(images)))
        with np.errstate(over="ignore", invalid="ignore"):
            result[part[0] : part[-1] + 1] = passes[worker].forward(feeds[worker].batch(part)).T
        if (i + 1) % per_span == 0:
            release(images)

    with team, blas_threads(1):
        if cut:
            team.run(task, count)
        else:  # the team is busy with the products
            for i in range(count):
                task(0, i)
    return result


def softmax(outputs: Array) -> Array:
    """Probabilities of outputs `[n, classes]`."""
    shifted: Array = outputs - outputs.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted
