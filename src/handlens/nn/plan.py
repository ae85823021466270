"""From the layers to the steps that are run: a fused step is taken where it computes the same faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handlens.nn.activations import Function, Linear
from handlens.nn.fused import ConvPool
from handlens.nn.layers import BatchNormalization, Conv2D, DepthwiseConv2D, Layer, MaxPooling2D
from handlens.nn.layers.activations import ElementByElement
from handlens.nn.layers.base import Runs, leaves

PIECE = 64  # images: a convolution's arrays for so many stay near the L2 cache
MOST_PIECES = 8  # bounds the memory of the pieces' gradients


@dataclass(frozen=True)
class Step:
    """Something to run, and the layer whose parameters it uses."""

    runs: Runs
    owner: Layer


def plan(layers: Sequence[Layer], fuse: bool = True) -> tuple[Step, ...]:
    """The steps of a network of built layers; without `fuse` one a layer."""
    steps: list[Step] = []
    i = 0
    while i < len(layers):
        fused, taken = _conv_pool(layers[i : i + 3]) if fuse else (None, 1)
        steps.append(Step(fused or layers[i], layers[i]))
        i += taken
    return tuple(steps)


def _conv_pool(layers: Sequence[Layer]) -> tuple[ConvPool | None, int]:
    """The fused step of the first layers, and how many it replaces."""
    convolution = layers[0]
    if not isinstance(convolution, Conv2D) or convolution.step != (1, 1):
        return None, 1
    function: Function = convolution.function
    rest = layers[1:]
    if rest and isinstance(function, Linear) and isinstance(rest[0], ElementByElement):
        function, rest = rest[0].function, rest[1:]
    if not rest or not function.rising or not isinstance(pooling := rest[0], MaxPooling2D):
        return None, 1
    if (pooling.window, pooling.step, pooling.windows.has_border) != ((2, 2), (2, 2), False):
        return None, 1
    return ConvPool(convolution, function, pooling), layers.index(pooling) + 1


def pieces(layers: Sequence[Layer], n: int) -> list[slice]:
    """How a mini-batch of n images is cut: by the network and n alone, never by the number of threads.

    Convolutions work on pieces of 64 images, in several threads. Networks of dense layers alone lose more by
    the cut than they gain: they take the batch whole, and the threads are the matrix product's. Batch
    normalization needs the whole batch.
    """
    if not in_pieces(layers):
        return [slice(0, n)]
    size = PIECE * -(-n // (PIECE * MOST_PIECES))
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def in_pieces(layers: Sequence[Layer]) -> bool:
    """Whether mini-batches are cut into pieces."""
    kinds = [type(leaf) for layer in layers for leaf in leaves(layer)]
    return (Conv2D in kinds or DepthwiseConv2D in kinds) and BatchNormalization not in kinds
