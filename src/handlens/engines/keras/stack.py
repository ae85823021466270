"""Many trainings as one program: those whose recipes differ in numbers that a program takes as they come."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from handlens.data.images import ImageSet
from handlens.data.prepare import fit_preparation
from handlens.engines.contract import Model
from handlens.engines.keras.devices import SHARE, Device
from handlens.engines.keras.engine import Pulled, finished, member
from handlens.engines.keras.members import Member
from handlens.engines.keras.trainer import Trainer
from handlens.engines.watch import Watch
from handlens.errors import HandlensError
from handlens.records import Epoch
from handlens.spec import SGD, Constant, Dropout, NetworkRecipe, Residual, SoftmaxCrossEntropy

MOST_ON_CPU = 15  # there they come one after the other: more of them would only be a longer way to lose
OnMember = Callable[[int, Epoch], None]


def skeleton(recipe: NetworkRecipe) -> NetworkRecipe:
    """The recipe without the numbers that may differ within a program: equal ones can be stacked.

    Those are learning rate, schedule and decay, L1 and L2, dropout rates, label smoothing, class weights, the
    gradient's longest length, the average's share, how much images are changed.
    """
    smooth = isinstance(recipe.loss, SoftmaxCrossEntropy)
    optimizer = dataclasses.replace(recipe.optimizer, learning_rate=1.0)
    if isinstance(optimizer, SGD):
        optimizer = dataclasses.replace(optimizer, decay=0.0)
    augment = recipe.augment
    if augment is not None:
        drawn = {f.name: 1 for f in dataclasses.fields(augment) if getattr(augment, f.name)}
        augment = dataclasses.replace(augment, **drawn)  # which changes there are matters, not how large
    return dataclasses.replace(
        recipe,
        name="-",
        layers=tuple(map(_bare, recipe.layers)),
        optimizer=optimizer,
        schedule=Constant(),
        loss=SoftmaxCrossEntropy() if smooth else recipe.loss,
        clip_norm=recipe.clip_norm and 1.0,
        ema=recipe.ema and 0.5,
        augment=augment,
        patience=None,
        monitor="accuracy",
        keep="last",
    )


def fit_together(
    recipes: Sequence[NetworkRecipe],
    seeds: Sequence[int],
    train: ImageSet,
    validation: ImageSet,
    device: Device,
    on_epoch: OnMember,
) -> list[Model | HandlensError]:
    """Train recipes of one `skeleton` as one program; each becomes what it would be alone, but for rounding.

    As many at a time as fit into the device's memory. A training whose loss is no number any more gives its
    error in the place of its model; the others go on.
    """
    preparation = fit_preparation(recipes[0].prepare, train.images)

    def some(numbers: Sequence[int]) -> list[Model | HandlensError]:
        made = [member(recipes[i], train, validation, seeds[i], preparation) for i in numbers]
        trainer = _fitting(made, device)
        if trainer is None:
            half = len(numbers) // 2
            return some(numbers[:half]) + some(numbers[half:])
        return _train(trainer, preparation, lambda i, epoch: on_epoch(numbers[i], epoch))

    most = MOST_ON_CPU if device.is_cpu else len(recipes)
    everyone = range(len(recipes))
    return [model for start in everyone[::most] for model in some(everyone[start : start + most])]


def _fitting(members: Sequence[Member], device: Device) -> Trainer | None:
    """A trainer for the members, its program compiled; None where the device's memory is too small."""
    free = device.free_bytes()
    try:
        trainer = Trainer(members, device)
        if len(members) > 1 and trainer.bytes_needed() > SHARE * free:
            return None
    except Exception as error:
        if len(members) > 1 and "RESOURCE_EXHAUSTED" in str(error):
            return None
        raise
    return trainer


def _train(trainer: Trainer, preparation: Any, on_epoch: OnMember) -> list[Model | HandlensError]:
    watches = [Watch(m.recipe, Pulled(trainer, i)) for i, m in enumerate(trainer.members)]
    found: dict[int, Model | HandlensError] = {}
    while len(found) < len(watches):
        for i, seen in enumerate(trainer.epoch()):
            if i in found:
                continue
            if isinstance(seen, HandlensError):
                found[i] = seen
                continue
            on_epoch(i, watches[i].note(seen))
            if watches[i].over:
                found[i] = finished(trainer, i, watches[i], preparation)
    return [found[i] for i in range(len(watches))]


def _bare(layer: Any) -> Any:
    """The layer without penalties; any dropout alike."""
    if isinstance(layer, Dropout):
        return Dropout(0.5)
    if isinstance(layer, Residual):
        inner, shortcut = (tuple(map(_bare, way)) for way in (layer.layers, layer.shortcut))
        return dataclasses.replace(layer, layers=inner, shortcut=shortcut)
    return dataclasses.replace(layer, l1=0.0, l2=0.0) if hasattr(layer, "l2") else layer
