"""What one thread remembers of one layer between its forward and its backward pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handlens.nn.arrays import Array, Shape

Product = Callable[[Array, Array, Array], object]


@dataclass
class Cache:
    """Belongs to one layer and one thread, so layers hold nothing but their parameters.

    Attributes:
        dtype: the network's floating type.
        gradients: where backward writes the gradient of each parameter, by name.
        training: dropout drops, batch normalization uses the batch's own statistics.
        wants_dx: whether backward must return the gradient of the layer's input; false where no layer before
            this one has parameters.
        product: `product(a, b, out)` writes the matrix product `a @ b`; several threads may share it.
        generator: randomness of this micro-batch.
        saved: arrays that forward leaves for backward.
        children: the caches of the layers inside this one.
    """

    dtype: np.dtype[Any]
    gradients: dict[str, Array] = field(default_factory=dict)
    training: bool = False
    wants_dx: bool = True
    product: Product = np.matmul
    generator: np.random.Generator | None = None
    saved: dict[str, Any] = field(default_factory=dict)
    children: list[Cache] = field(default_factory=list)
    _buffers: dict[str, Array] = field(default_factory=dict)
    _memory: dict[str, Array] = field(default_factory=dict)

    def buffer(self, name: str, shape: Shape, dtype: DTypeLike | None = None) -> Array:
        """A contiguous array of that shape whose memory lives from batch to batch; new memory is zero.

        A smaller batch uses the front part of a larger one's memory. The content is what the last use left.
        """
        array = self._buffers.get(name)
        if array is not None and array.shape == shape:
            return array
        size = math.prod(shape)
        memory = self._memory.get(name)
        if memory is None or memory.size < size:
            memory = self._memory[name] = np.zeros(size, self.dtype if dtype is None else dtype)
        array = self._buffers[name] = memory[:size].reshape(shape)
        return array

    def begin(self, training: bool, generator: np.random.Generator | None) -> None:
        """Tell this layer, and the layers inside it, which kind of pass comes next."""
        self.training, self.generator = training, generator
        for child in self.children:
            child.begin(training, generator)
