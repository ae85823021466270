"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from handlens.nn import checks
from handlens.nn.arrays import Array
from handlens.nn.optimizers.base import Optimizer, Step


@dataclass(frozen=True)
class SGD(Optimizer):
    """Downhill, with a velocity where `momentum` is not 0 (Polyak 1964):

        velocity = momentum * velocity - rate * g
        w = w + velocity                               plain
        w = w + momentum * velocity - rate * g         Nesterov (Sutskever et al. 2013)

    `decay` lowers the learning rate of step t, counted from 1, to `learning_rate / (1 + decay * (t - 1))`, as
    Keras did before version 3.
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    decay: float = 0.0
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        self.check()
        checks.number(self, "momentum", self.momentum, 0, 1)
        checks.flag(self, "nesterov", self.nesterov)
        checks.number(self, "decay", self.decay, 0)

    def memory(self) -> Mapping[str, float]:
        return {"velocity": 0.0} if self.momentum else {}

    def rate(self, t: int, scheduled: float) -> float:
        return scheduled / (1 + self.decay * (t - 1))

    def update(self, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
        g *= step.rate
        if not self.momentum:
            w -= g
            return
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity -= g
        if self.nesterov:
            w += np.multiply(velocity, self.momentum, out=u)
            w -= g
        else:
            w += velocity
