"""Adam and its relatives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from handlens.nn import checks
from handlens.nn.arrays import Array
from handlens.nn.optimizers.base import Optimizer, Step


def _means(m: Array, v: Array, g: Array, beta_1: float, beta_2: float, u: Array) -> None:
    """`m += (1 - beta_1) * (g - m)`; `v += (1 - beta_2) * (g ** 2 - v)`."""
    np.subtract(g, m, out=u)
    u *= 1 - beta_1
    m += u
    np.square(g, out=u)
    u -= v
    u *= 1 - beta_2
    v += u


def _check(optimizer: Adam | AdamW | Nadam) -> None:
    optimizer.check()
    checks.number(optimizer, "beta_1", optimizer.beta_1, 0, 1, open_="high")
    checks.number(optimizer, "beta_2", optimizer.beta_2, 0, 1, open_="high")
    checks.number(optimizer, "epsilon", optimizer.epsilon, 0, open_="low")


def _adam(rule: Adam | AdamW, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
    m, v = state["m"], state["v"]
    _means(m, v, g, rule.beta_1, rule.beta_2, u)
    if rule.amsgrad:
        v = np.maximum(state["v_max"], v, out=state["v_max"])
    alpha = step.rate * math.sqrt(1 - rule.beta_2**step.t) / (1 - rule.beta_1**step.t)
    np.sqrt(v, out=u)
    u += rule.epsilon
    np.multiply(m, alpha, out=g)
    g /= u
    w -= g


@dataclass(frozen=True)
class Adam(Optimizer):
    """Running means of the gradient and of its square, freed of their start at zero (Kingma & Ba 2015):

        m = m + (1 - beta_1) * (g - m)
        v = v + (1 - beta_2) * (g ** 2 - v)
        alpha = rate * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t)
        w = w - alpha * m / (sqrt(v) + epsilon)

    `amsgrad` divides by the greatest v so far instead (Reddi et al. 2018).
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        _check(self)
        checks.flag(self, "amsgrad", self.amsgrad)

    def memory(self) -> Mapping[str, float]:
        return dict.fromkeys(["m", "v"] + ["v_max"] * self.amsgrad, 0.0)

    def update(self, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
        _adam(self, w, g, state, step, u)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam, with every weight first shrunk: `w = w - rate * weight_decay * w` (Loshchilov & Hutter 2019)."""

    learning_rate: float = 0.001
    weight_decay: float | None = 0.004
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False

    def __post_init__(self) -> None:
        _check(self)
        checks.flag(self, "amsgrad", self.amsgrad)
        if self.weight_decay is None:
            checks.refuse(self, "weight_decay", None, "a number of at least 0")

    def memory(self) -> Mapping[str, float]:
        return dict.fromkeys(["m", "v"] + ["v_max"] * self.amsgrad, 0.0)

    def update(self, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
        _adam(self, w, g, state, step, u)


@dataclass(frozen=True)
class Nadam(Optimizer):
    """Adam with Nesterov's look ahead (Dozat 2016), its momentum growing to `beta_1`:

    mu(t) = beta_1 * (1 - 0.96 ** t / 2),   product(t) = mu(1) * ... * mu(t)
    m, v as Adam
    m_hat = mu(t + 1) * m / (1 - product(t + 1)) + (1 - mu(t)) * g / (1 - product(t))
    v_hat = v / (1 - beta_2 ** t)
    w = w - rate * m_hat / (sqrt(v_hat) + epsilon)
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        _check(self)

    def memory(self) -> Mapping[str, float]:
        return {"m": 0.0, "v": 0.0}

    def running(self, t: int) -> float:
        return self._mu(t)

    def update(self, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
        m, v = state["m"], state["v"]
        _means(m, v, g, self.beta_1, self.beta_2, u)
        ahead = self._mu(step.t + 1)
        g *= (1 - self._mu(step.t)) / (1 - step.running)
        g += np.multiply(m, ahead / (1 - step.running * ahead), out=u)
        np.multiply(v, 1 / (1 - self.beta_2**step.t), out=u)
        np.sqrt(u, out=u)
        u += self.epsilon
        g *= step.rate
        g /= u
        w -= g

    def _mu(self, t: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96**t)
