"""Training: epochs of mini-batches, each a forward pass, a backward pass and a step downhill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from handlens.nn.augment import Augmentation
from handlens.nn.losses import Labels, Loss, SoftmaxCrossEntropy
from handlens.nn.network import Network
from handlens.nn.optimizers import Optimizer
from handlens.nn.parallel import thread_count
from handlens.nn.schedules import Constant, Schedule
from handlens.nn.settings import Epoch, Images, Settings
from handlens.nn.trainer import Trainer

__all__ = ["Epoch", "Settings", "Trainer", "fit", "seed_of", "thread_count"]

OnEpoch = Callable[[Epoch], bool | None]


def fit(
    network: Network,
    images: Images,
    labels: Labels,
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    offset: Any = 0.0,
    scale: Any = 1.0,
    schedule: Schedule | None = None,
    loss: Loss | None = None,
    validation: tuple[Images, Labels] | None = None,
    threads: int | None = None,
    on_epoch: OnEpoch | None = None,
    reduction: Literal["mean", "sum"] = "mean",
    clip_norm: float | None = None,
    ema: float | None = None,
    augment: Augmentation | None = None,
    fuse: bool = True,
) -> tuple[Epoch, ...]:
    """Train the network in place on `x = (images - offset) * scale`.

    Every epoch goes through all images once in a new order; the last batch of an epoch may be smaller. The
    image set is never copied, a batch at a time is. The result depends on the arguments alone, not on the
    number of threads.

    Args:
        images: uint8 or floating [n, height, width, channels].
        labels: int64 [n] in `0..classes - 1`.
        epochs, batch_size: at least 1.
        rng: of the images' order, dropout and augmentation.
        offset, scale: numbers, or arrays of one image's shape.
        schedule: factor of the optimizer's learning rate; constant unless given.
        loss: `SoftmaxCrossEntropy()` unless given.
        validation: images and labels that are predicted after every epoch.
        threads: as many as there are processors unless given.
        on_epoch: called with each epoch when it is over; training stops where it returns True.
        reduction: whether an update follows the mean or the sum of its images' gradients.
        clip_norm: the longest gradient; longer ones are shortened to it (Pascanu et al. 2013).
        ema: share that a running average of the weights keeps at each step; validation, `on_epoch` and the
            trained network then see the average.
        augment: how the training images are changed, anew in every epoch, before they are prepared.
        fuse: use fused steps where they apply.

    Raises:
        SpecError: arguments that do not fit the network.
        HandlensError: the loss is not finite any more.
    """
    settings = Settings(
        network, images, labels, optimizer, schedule or Constant(), loss or SoftmaxCrossEntropy(), epochs,
        batch_size, offset, scale, validation, thread_count(threads), reduction, clip_norm, ema, augment,
        fuse,
    )  # fmt: skip
    history: list[Epoch] = []
    with Trainer(settings, seed_of(rng)) as trainer:
        while trainer.done < epochs:
            history.append(trainer.epoch())
            if on_epoch is not None and on_epoch(history[-1]):
                break
    return tuple(history)


def seed_of(rng: np.random.Generator) -> int:
    """The one number that a `Trainer` draws its random numbers from."""
    return int(rng.integers(2**63))
