"""Schedules: the learning rate over a training, as a factor of the optimizer's own.

`factor(step, steps, per_epoch)` is that of update `step`, counted from 0, of `steps` updates in all, with
`per_epoch` of them an epoch (whole or not).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from handlens.nn import checks


class Schedule(ABC):
    """A factor for each update."""

    @abstractmethod
    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        """What the optimizer's learning rate is multiplied by."""


@dataclass(frozen=True)
class Constant(Schedule):
    """Always 1."""

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        return 1.0


@dataclass(frozen=True)
class StepDecay(Schedule):
    """`drop ** floor(epochs so far / every)`."""

    drop: float = 0.5
    every: int = 10

    def __post_init__(self) -> None:
        checks.number(self, "drop", self.drop, 0, 1, open_="low")
        checks.whole(self, "every", self.every)

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        return float(self.drop ** (step // per_epoch // self.every))


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """`rate ** (epochs so far)`, falling with every update, or with every epoch where `staircase`."""

    rate: float = 0.9
    staircase: bool = False

    def __post_init__(self) -> None:
        checks.number(self, "rate", self.rate, 0, 1, open_="low")
        checks.flag(self, "staircase", self.staircase)

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        return float(self.rate ** (step // per_epoch if self.staircase else step / per_epoch))


@dataclass(frozen=True)
class InverseTimeDecay(Schedule):
    """`1 / (1 + decay * epochs so far)`."""

    decay: float = 0.1

    def __post_init__(self) -> None:
        checks.number(self, "decay", self.decay, 0)

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        return 1 / (1 + self.decay * step / per_epoch)


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Half a cosine from 1 to `alpha` (Loshchilov & Hutter 2017), after `warmup_epochs` of rise."""

    alpha: float = 0.0
    warmup_epochs: float = 0.0

    def __post_init__(self) -> None:
        checks.number(self, "alpha", self.alpha, 0, 1)
        checks.number(self, "warmup_epochs", self.warmup_epochs, 0)

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        rise = min(int(self.warmup_epochs * per_epoch), steps - 1)
        if step < rise:
            return (step + 1) / (rise + 1)
        return self.alpha + (1 - self.alpha) * _half_cosine((step - rise) / max(steps - rise, 1))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from `start` to 1 during the share `rise` of the training, then down to `end` (Smith & Topin 2018).

    Both ways along half a cosine.
    """

    rise: float = 0.3
    start: float = 0.04
    end: float = 1e-4

    def __post_init__(self) -> None:
        checks.number(self, "rise", self.rise, 0, 1, open_="high")
        checks.number(self, "start", self.start, 0, 1)
        checks.number(self, "end", self.end, 0, 1)

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        peak = self.rise * (steps - 1)
        if step < peak:
            return 1 + (self.start - 1) * _half_cosine(step / peak)
        return self.end + (1 - self.end) * _half_cosine((step - peak) / max(steps - 1 - peak, 1))


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight rise over the first `epochs`, then 1 (Goyal et al. 2017)."""

    epochs: float = 1.0

    def __post_init__(self) -> None:
        checks.number(self, "epochs", self.epochs, 0)

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        return min(1.0, (step + 1) / (self.epochs * per_epoch + 1))


def _half_cosine(share: float) -> float:
    """From 1 at 0 to 0 at 1."""
    return (1 + math.cos(math.pi * min(share, 1.0))) / 2


REGISTRY: dict[str, type[Schedule]] = {
    schedule.__name__: schedule
    for schedule in (Constant, StepDecay, ExponentialDecay, InverseTimeDecay, CosineDecay, OneCycle, WarmUp)
}
