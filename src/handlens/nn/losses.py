"""Losses: how wrong the network's outputs are, and the gradient that training starts from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from handlens.errors import SpecError
from handlens.nn import checks
from handlens.nn.arrays import Array

Labels = NDArray[np.integer[Any]]


class Loss(ABC):
    """The loss of a batch is the sum over its images; training divides by their number."""

    formula: ClassVar[str] = ""

    @abstractmethod
    def forward(self, logits: Array, labels: Labels) -> tuple[Array, Array]:
        """Each image's loss `[n]`, and the gradient of their sum `[classes, n]`.

        `logits [classes, n]` are the last layer's outputs; `labels int64 [n]` in `0..classes - 1`.
        """

    def check(self, classes: int) -> None:
        """Raise SpecError where the loss does not fit a network of so many outputs."""
        if classes < 2:
            raise SpecError(f"the network has {classes} output", expected="at least 2: one a class")


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """`-sum of target * log softmax(logits)`, times the weight of the image's class.

    The target is 1 for the true class; smoothing by s takes a share s of it and spreads that over all k
    classes (Szegedy et al. 2016): `target = (1 - s) * onehot + s / k`. The logarithm is taken of no number
    that could be zero: `log softmax(z) = z - max(z) - log(sum(exp(z - max(z))))`. The gradient is
    `softmax(logits) - target`.

    Attributes:
        label_smoothing: s, in `[0, 1)`.
        class_weights: one number of at least 0 a class; empty means 1 for each. As in Keras, the sum is still
            divided by the number of images, not by the sum of their weights.
    """

    formula = "loss = -log(softmax(logits)[label])"
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        checks.number(self, "label_smoothing", self.label_smoothing, 0, 1, open_="high")
        for weight in self.class_weights:
            checks.number(self, "class_weights", weight, 0)

    def check(self, classes: int) -> None:
        super().check(classes)
        if self.class_weights and len(self.class_weights) != classes:
            checks.refuse(self, "class_weights", self.class_weights, f"{classes} numbers, one a class")

    def forward(self, logits: Array, labels: Labels) -> tuple[Array, Array]:
        images = np.arange(logits.shape[1])
        shifted = logits - logits.max(axis=0)  # [classes, n]
        gradient = np.exp(shifted)
        total = gradient.sum(axis=0)  # [n]
        log_total = np.log(total)
        gradient /= total
        loss = log_total - shifted[labels, images]
        if self.label_smoothing:
            s, k = self.label_smoothing, len(logits)
            loss = (1 - s) * loss + s * (log_total - shifted.mean(axis=0))
            gradient -= s / k
            gradient[labels, images] -= 1 - s
        else:
            gradient[labels, images] -= 1
        if self.class_weights:
            weights = np.asarray(self.class_weights, logits.dtype)[labels]
            loss, gradient = loss * weights, gradient * weights
        return loss, gradient


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """The mean over the classes of `(output - onehot) ** 2`, on the last layer's outputs as they are.

    Probabilities are still the softmax of the outputs: their order means something, their size does not.
    """

    formula = "loss = mean over classes of (output - onehot(label)) ** 2"

    def forward(self, logits: Array, labels: Labels) -> tuple[Array, Array]:
        difference = logits.copy()
        difference[labels, np.arange(logits.shape[1])] -= 1
        return np.square(difference).mean(axis=0), difference * (2 / len(logits))


REGISTRY: dict[str, type[Loss]] = {loss.__name__: loss for loss in (SoftmaxCrossEntropy, MeanSquaredError)}


def check_labels(labels: Labels, n: int, classes: int, where: str) -> None:
    """Raise SpecError unless there are n whole numbers in `0..classes - 1`."""
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
        raise SpecError(
            f"labels are {labels.dtype} {list(labels.shape)}", where=where, expected=f"integers [{n}]"
        )
    low, high = (int(labels.min()), int(labels.max())) if n else (0, 0)
    if low < 0 or high >= classes:
        raise SpecError(
            f"labels run from {low} to {high}",
            where=where,
            expected=f"0 to {classes - 1}: the network has {classes} outputs",
        )
