"""The running average of the weights, which often predicts better than the weights themselves."""

from __future__ import annotations

import numpy as np

from handlens.nn.arrays import Array


class Average:
    """`average = keep * average + (1 - keep) * weights` after every step, from the first step's weights on.

    Polyak & Juditsky 1992; as Keras's `use_ema`. Training goes on from the weights, predictions are made with
    the average: `enter` puts it in their place, `leave` puts the weights back.
    """

    def __init__(self, weights: Array, keep: float) -> None:
        """`weights [p]` are the network's own vector."""
        self.weights, self.keep = weights, keep
        self.average = weights.copy()
        self.started = self.entered = False
        self._difference = np.empty_like(weights)

    def update(self) -> None:
        """Take a step's weights in."""
        np.subtract(self.weights, self.average, out=self._difference)
        self._difference *= 1 - self.keep if self.started else 1
        self.average += self._difference
        self.started = True

    def enter(self) -> None:
        """The average in the place of the weights."""
        if not self.entered:
            self._swap()
        self.entered = True

    def leave(self) -> None:
        """The weights back in their place."""
        if self.entered:
            self._swap()
        self.entered = False

    def _swap(self) -> None:
        np.copyto(self._difference, self.weights)
        np.copyto(self.weights, self.average)
        np.copyto(self.average, self._difference)
