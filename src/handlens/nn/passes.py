"""One thread's way through the network, forward and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handlens.nn.arrays import Array
from handlens.nn.cache import Cache, Product
from handlens.nn.layers.base import Layer, backward_through, forward_through, leaves
from handlens.nn.plan import Step

if TYPE_CHECKING:
    from handlens.nn.network import Network


class Pass:
    """The caches of every step, and the gradient of the images that went through last.

    Attributes:
        gradient: `[p]`, of the sum of those images' losses, laid out like the network's parameters. Without
            `backward` it is empty.
    """

    def __init__(
        self,
        network: Network,
        steps: tuple[Step, ...],
        *,
        learns: bool = True,
        to_input: bool = False,
        product: Product = np.matmul,
    ) -> None:
        """`learns`: backward will be called; `to_input`: and must return the gradient of the input.

        `product` computes the matrix products."""
        self.network, self.steps, self.product = network, steps, product
        self.gradient = np.zeros(network.parameters.size if learns else 0, network.dtype)
        self.caches = [self._cache(step.owner, learns) for step in steps]
        before = to_input  # whether this layer or an earlier one has parameters
        for step, cache in zip(steps, self.caches, strict=True):
            cache.wants_dx = before
            before = before or any(leaf.parameters() for leaf in leaves(step.owner))

    def forward(
        self, x: Array, *, training: bool = False, generator: np.random.Generator | None = None
    ) -> Array:
        """The last layer's outputs `[classes, n]` for a batch x `[channels, height, width, n]`."""
        for cache in self.caches:
            cache.begin(training, generator)
        return forward_through([step.runs for step in self.steps], self.caches, x)

    def backward(self, dlogits: Array) -> Array | None:
        """Fill `gradient` from the loss's gradient with respect to the outputs; may overwrite that.

        Returns the gradient of x, if the pass was made with `to_input`.
        """
        return backward_through([step.runs for step in self.steps], self.caches, dlogits)

    def _cache(self, layer: Layer, learns: bool) -> Cache:
        gradients: dict[str, Any] = {}
        for slot in self.network.slots:
            if learns and slot.layer is layer and slot.parameter.trainable:
                gradients[slot.parameter.name] = slot.view(self.gradient)
        children = [self._cache(child, learns) for child in layer.children()]
        return Cache(self.network.dtype, gradients, product=self.product, children=children)
