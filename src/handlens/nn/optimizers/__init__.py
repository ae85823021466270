"""The optimizers, by name. An optimizer joins every test of `tests/conformance` by standing here."""

from __future__ import annotations

from handlens.nn.optimizers.adam import Adam, AdamW, Nadam
from handlens.nn.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from handlens.nn.optimizers.base import Optimizer, Stepper
from handlens.nn.optimizers.sgd import SGD

REGISTRY: dict[str, type[Optimizer]] = {
    optimizer.__name__: optimizer for optimizer in (SGD, RMSprop, Adagrad, Adadelta, Adam, AdamW, Nadam)
}

__all__ = [
    "REGISTRY", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Nadam", "Optimizer", "RMSprop", "Stepper",
]  # fmt: skip
