"""Optimizers that divide each weight's step by the size of its gradients so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from handlens.nn import checks
from handlens.nn.arrays import Array
from handlens.nn.optimizers.base import Optimizer, Step


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """By the root of a running mean of squares (Tieleman & Hinton 2012):

    v = rho * v + (1 - rho) * g ** 2
    m = rho * m + (1 - rho) * g                  where `centered`, else 0
    increment = rate * g / sqrt(v - m ** 2 + epsilon)
    velocity = momentum * velocity + increment
    w = w - velocity
    """

    learning_rate: float = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        self.check()
        checks.number(self, "rho", self.rho, 0, 1)
        checks.number(self, "momentum", self.momentum, 0, 1)
        checks.number(self, "epsilon", self.epsilon, 0, open_="low")
        checks.flag(self, "centered", self.centered)

    def memory(self) -> Mapping[str, float]:
        names = ["v"] + ["m"] * self.centered + ["velocity"] * (self.momentum > 0)
        return dict.fromkeys(names, 0.0)

    def update(self, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
        v = state["v"]
        v *= self.rho
        np.square(g, out=u)
        u *= 1 - self.rho
        v += u
        if self.centered:
            m = state["m"]
            m *= self.rho
            m += np.multiply(g, 1 - self.rho, out=u)
            np.square(m, out=u)
            np.subtract(v, u, out=u)
            u += self.epsilon
        else:
            np.add(v, self.epsilon, out=u)
        np.sqrt(u, out=u)
        g *= step.rate
        g /= u
        if self.momentum > 0:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += g
            w -= velocity
        else:
            w -= g


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """By the root of the sum of all squares (Duchi et al. 2011):

    total = total + g ** 2
    w = w - rate * g / sqrt(total + epsilon)
    """

    learning_rate: float = 0.001
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        self.check()
        checks.number(self, "initial_accumulator_value", self.initial_accumulator_value, 0)
        checks.number(self, "epsilon", self.epsilon, 0, open_="low")

    def memory(self) -> Mapping[str, float]:
        return {"total": self.initial_accumulator_value}

    def update(self, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
        total = state["total"]
        total += np.square(g, out=u)
        np.add(total, self.epsilon, out=u)
        np.sqrt(u, out=u)
        g *= step.rate
        g /= u
        w -= g


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """By a running root mean square of gradients, times one of the steps so far (Zeiler 2012):

    v = rho * v + (1 - rho) * g ** 2
    delta = g * sqrt(d + epsilon) / sqrt(v + epsilon)
    d = rho * d + (1 - rho) * delta ** 2
    w = w - rate * delta
    """

    learning_rate: float = 0.001
    rho: float = 0.95
    epsilon: float = 1e-7
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        self.check()
        checks.number(self, "rho", self.rho, 0, 1)
        checks.number(self, "epsilon", self.epsilon, 0, open_="low")

    def memory(self) -> Mapping[str, float]:
        return {"v": 0.0, "d": 0.0}

    def update(self, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
        v, d = state["v"], state["d"]
        v *= self.rho
        np.square(g, out=u)
        u *= 1 - self.rho
        v += u
        g *= np.sqrt(np.add(d, self.epsilon, out=u), out=u)
        g /= np.sqrt(np.add(v, self.epsilon, out=u), out=u)
        d *= self.rho
        np.square(g, out=u)
        u *= 1 - self.rho
        d += u
        g *= step.rate
        w -= g
