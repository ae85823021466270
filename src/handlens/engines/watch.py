"""What a training's epochs add up to: their records, the best weights, and when it is over."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from handlens import nn
from handlens.evaluate import accuracy, macro_f1
from handlens.nn.arrays import Array
from handlens.records import Epoch
from handlens.spec import KerasRecipe, NetworkRecipe


class Weights(Protocol):
    """What a training changes, such as `nn.Network`: all of it as one vector, and back."""

    def state(self) -> Array: ...

    def restore(self, state: Array) -> None: ...


class Watch:
    """Follows the epochs of a training.

    Attributes:
        history: a record an epoch.
        best, best_epoch: the best validation `monitor` so far, the larger the better, and its epoch; 0: none.
        best_state: the network's state after that epoch, where the recipe keeps the best one; else None.
    """

    def __init__(self, recipe: NetworkRecipe | KerasRecipe, network: Weights) -> None:
        self.recipe, self.network = recipe, network
        self.history: list[Epoch] = []
        self.best, self.best_epoch = -np.inf, 0
        self.best_state: Array | None = network.state() if recipe.keep == "best" else None

    @property
    def over(self) -> bool:
        """Whether the recipe wants no further epoch."""
        done, patience = len(self.history), self.recipe.patience
        if done == 0 or patience is None or self._score(self.history[-1]) is None:
            return done >= self.recipe.epochs
        return done >= self.recipe.epochs or done - self.best_epoch >= patience

    def note(self, seen: nn.training.Epoch) -> Epoch:
        """Note an epoch that has just ended; gives its record."""
        epoch = record(seen, self.history[-1].seconds if self.history else 0.0)
        self.history.append(epoch)
        score = self._score(epoch)
        if score is not None and score > self.best:
            self.best, self.best_epoch = score, epoch.epoch
            if self.best_state is not None:
                self.best_state[...] = self.network.state()
        return epoch

    def finish(self) -> None:
        """Put the best epoch's weights back where the recipe asks for them."""
        if self.best_state is not None and self.best_epoch:
            self.network.restore(self.best_state)

    def _score(self, epoch: Epoch) -> float | None:
        value: float | None = getattr(epoch, f"validation_{self.recipe.monitor}")
        return -value if value is not None and self.recipe.monitor == "loss" else value


def record(seen: nn.training.Epoch, before: float) -> Epoch:
    """An epoch's record from its losses and confusion matrices; `before`: seconds of the epochs before."""
    against = seen.validation_confusion
    return Epoch(
        epoch=seen.epoch,
        loss=seen.loss,
        accuracy=accuracy(seen.confusion),
        macro_f1=macro_f1(seen.confusion),
        validation_loss=seen.validation_loss,
        validation_accuracy=None if against is None else accuracy(against),
        validation_macro_f1=None if against is None else macro_f1(against),
        seconds=before + seen.seconds,
    )
