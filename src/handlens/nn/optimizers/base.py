"""The contract of an optimizer, and the loop that applies one to a flat vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from handlens.nn import checks
from handlens.nn.arrays import Array

BLOCK = 32_768  # numbers updated at a time: with the optimizer's own arrays they fit the L2 cache


@dataclass(frozen=True, kw_only=True)
class Step:
    """The numbers of one step. `t` counts from 1; `rate` is the learning rate; `running` are the optimizer's
    own products over the steps so far, this one included.
    """

    t: int
    rate: float
    running: float


class Optimizer(ABC):
    """An update rule as frozen data, element by element, with Keras's names and defaults.

    What the rule remembers of each weight lies in a `Stepper`, so one optimizer may serve many networks.
    """

    learning_rate: float
    weight_decay: float | None

    @abstractmethod
    def memory(self) -> Mapping[str, float]:
        """The names of the arrays that the rule remembers, each with its first value."""

    @abstractmethod
    def update(self, w: Array, g: Array, state: Mapping[str, Array], step: Step, u: Array) -> None:
        """Move the weights w against the gradient g, in place.

        `state` holds the arrays of `memory`. g and `u` are free to be overwritten; all have w's shape.
        """

    def running(self, t: int) -> float:
        """This step's factor of the running product `Step.running`; 1 for rules that have none."""
        return 1.0

    def rate(self, t: int, scheduled: float) -> float:
        """The learning rate of step t, when the schedule says `scheduled`."""
        return scheduled

    def check(self) -> None:
        """Raise SpecError where the arguments that all optimizers share are impossible."""
        checks.number(self, "learning_rate", self.learning_rate, 0, open_="low")
        if self.weight_decay is not None:
            checks.number(self, "weight_decay", self.weight_decay, 0)


class Stepper:
    """An optimizer at work on one network: its flat weights, the optimizer's memory, the step count."""

    def __init__(self, optimizer: Optimizer, weights: Array) -> None:
        """`weights [p]` are changed in place by every step."""
        self.optimizer, self.weights = optimizer, weights
        self.t, self.product = 0, 1.0
        self.state = {name: np.full_like(weights, value) for name, value in optimizer.memory().items()}
        self._scratch = np.empty(min(BLOCK, weights.size), weights.dtype)

    def step(self, gradient: Array, learning_rate: float) -> None:
        """One update; overwrites `gradient [p]`.

        Weights are done block by block: a rule reads its arrays several times, and a block stays in the cache
        meanwhile. The rules work element by element, so the blocks change nothing.
        """
        self.t += 1
        self.product *= self.optimizer.running(self.t)
        step = Step(t=self.t, rate=self.optimizer.rate(self.t, learning_rate), running=self.product)
        for start in range(0, self.weights.size, BLOCK):
            part = slice(start, start + BLOCK)
            w, g = self.weights[part], gradient[part]
            if self.optimizer.weight_decay:
                w -= w * (self.optimizer.weight_decay * step.rate)
            state = {name: array[part] for name, array in self.state.items()}
            self.optimizer.update(w, g, state, step, self._scratch[: w.size])
