"""The residual block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handlens.nn import checks
from handlens.nn.activations import activation
from handlens.nn.arrays import Array, Shape
from handlens.nn.cache import Cache
from handlens.nn.layers.activations import activate, deactivate
from handlens.nn.layers.base import Layer, backward_through, forward_through


@dataclass(eq=False)
class Residual(Layer):
    """`y = f(shortcut(x) + layers(x))` (He et al. 2016): the layers learn what to add to x.

    Without `shortcut` layers, x itself is added, and the layers must keep its shape.
    """

    formula = "y = f(shortcut(x) + layers(x))"
    layers: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()
    activation: str | None = None

    def __post_init__(self) -> None:
        self.layers, self.shortcut = tuple(self.layers), tuple(self.shortcut)
        if not self.layers or not all(isinstance(x, Layer) for x in (*self.layers, *self.shortcut)):
            checks.refuse(self, "layers", self.layers, "layers, at least one")
        self.function = activation(self.activation, "Residual")

    def build(self, input_shape: Shape) -> Shape:
        long = short = input_shape
        for layer in self.layers:
            long = layer.place(long)
        for layer in self.shortcut:
            short = layer.place(short)
        if long != short:
            raise self.refuse_shape(
                input_shape,
                f"layers and shortcut of equal shape, not {list(long)} and {list(short)}",
                'use padding="same", or put a Conv2D of kernel size 1 in the shortcut',
            )
        return long

    def children(self) -> tuple[Layer, ...]:
        return (*self.layers, *self.shortcut)

    def forward(self, x: Array, cache: Cache) -> Array:
        split = len(self.layers)
        long = forward_through(self.layers, cache.children[:split], x)
        short = forward_through(self.shortcut, cache.children[split:], x)
        z = np.add(long, short, out=cache.buffer("z", long.shape))
        return activate(self.function, z, cache)

    def backward(self, dy: Array, cache: Cache) -> Array | None:
        """dx is the sum of what comes back through both ways."""
        dz = deactivate(self.function, dy, cache)
        copied = cache.buffer("dz", dz.shape)
        np.copyto(copied, dz)  # each way may overwrite its own
        split = len(self.layers)
        long = backward_through(self.layers, cache.children[:split], dz)
        short = backward_through(self.shortcut, cache.children[split:], copied)
        if long is None or short is None or not cache.wants_dx:
            return None
        return np.add(long, short, out=cache.buffer("dx", long.shape))
