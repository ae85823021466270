"""What a training is given, and what an epoch of it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.errors import SpecError
from handlens.nn import checks
from handlens.nn.augment import Augmentation
from handlens.nn.feed import check_images
from handlens.nn.losses import Labels, Loss, check_labels
from handlens.nn.network import Network
from handlens.nn.optimizers import Optimizer
from handlens.nn.schedules import Schedule

Images = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Epoch:
    """What an epoch left behind.

    Attributes:
        epoch: its number, from 1.
        loss: mean over the training images, each as it stood before its own update; without weight penalties.
        confusion: int64 [k, k], rows true, columns predicted, of the training images, from the same passes.
        validation_loss, validation_confusion: of the validation images after the epoch, or None without any.
        seconds: wall time of the epoch's training, validation not included.
        learning_rate: of its last update.
    """

    epoch: int
    loss: float
    confusion: NDArray[np.int64]
    validation_loss: float | None
    validation_confusion: NDArray[np.int64] | None
    seconds: float
    learning_rate: float


@dataclass(frozen=True, eq=False)
class Settings:
    """The arguments of `training.fit`, checked against the network and each other."""

    network: Network
    images: Images
    labels: Labels
    optimizer: Optimizer
    schedule: Schedule
    loss: Loss
    epochs: int
    batch_size: int
    offset: Any
    scale: Any
    validation: tuple[Images, Labels] | None
    threads: int
    reduction: str
    clip_norm: float | None
    ema: float | None
    augment: Augmentation | None
    fuse: bool = True

    def __post_init__(self) -> None:
        checks.whole(self, "epochs", self.epochs)
        checks.whole(self, "batch_size", self.batch_size)
        checks.choice(self, "reduction", self.reduction, ("mean", "sum"))
        if self.clip_norm is not None:
            checks.number(self, "clip_norm", self.clip_norm, 0, open_="low")
        if self.ema is not None:
            checks.number(self, "ema", self.ema, 0, 1, open_="high")
        if self.augment is not None and len(self.network.input_shape) != 3:
            raise SpecError("augmentation needs images", where="training", expected="no rows of features")
        self.loss.check(self.network.classes)
        if len(self.images) == 0:
            raise SpecError("there are no images", where="training", expected="at least one")
        self._check_set("training", self.images, self.labels)
        if self.validation is not None:
            self._check_set("validation", *self.validation)

    def _check_set(self, part: str, images: Images, labels: Labels) -> None:
        try:
            check_images(images, self.network.input_shape)
        except SpecError as error:
            error.where = part
            raise
        check_labels(labels, len(images), self.network.classes, part)
