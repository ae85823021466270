"""A user's model as a training of a `Trainer`: one compiled program an epoch, as for networks of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn, spec
from handlens.engines.keras import program
from handlens.engines.keras.augment import augmentation
from handlens.engines.keras.devices import Device
from handlens.engines.keras.libraries import jnp, keras
from handlens.engines.keras.members import Made, Seen, record
from handlens.engines.keras.own.compiled import Tuned
from handlens.engines.keras.own.foreign import Foreign
from handlens.engines.keras.trainer import Trainer
from handlens.nn.arrays import Array
from handlens.spec import KerasRecipe

Labelled = tuple[NDArray[Any], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Given:
    """Images [n, height, width, channels], labels int64 [n]; the model sees (images - offset) * scale."""

    images: NDArray[Any]
    labels: NDArray[np.int64]
    validation: Labelled | None
    offset: Any
    scale: Any
    batch_size: int


@dataclass(frozen=True, eq=False)
class Guest:
    """A training of a user's model; `draws` is the number that the order of its images comes from."""

    recipe: KerasRecipe
    foreign: Foreign
    tuned: Tuned
    settings: Given
    draws: int

    def rates(self, number: int) -> NDArray[np.float64]:
        """The learning rate of every batch of that epoch."""
        steps = -(-len(self.settings.images) // self.settings.batch_size)
        rate = self.tuned.rate or (lambda t: float(self.tuned.optimizer._learning_rate(t)))
        return np.array([rate(t) for t in range((number - 1) * steps, number * steps)])

    def epoch(
        self,
        number: int,
        losses: Array,
        predicted: NDArray[np.int32],
        order: NDArray[np.int64],
        against: tuple[Array, Array] | None,
    ) -> nn.training.Epoch:
        """The epoch's record by what the program said; `against`: outputs and losses of validation images."""
        seen = Seen(losses, self.settings.labels[order], predicted)
        return record(number, seen, self.settings.validation, against, self.foreign.classes)


def made(guests: Sequence[Guest], _device: Device) -> Made:
    """The program of the one guest, its first state and numbers."""
    (guest,) = guests
    model, optimizer = guest.foreign, guest.tuned.optimizer
    optimizer.build(model.trainable_variables)
    rate = [i for i, v in enumerate(optimizer.variables) if v.path.endswith("learning_rate")]
    augment = guest.recipe.augment
    parts = program.Parts(
        model=model,
        optimizer=optimizer,
        rate=rate[0] if rate and guest.tuned.rate else None,
        loss=lambda y, labels, _numbers: guest.tuned.losses(y, labels),
        own_losses=True,
        mean=guest.tuned.mean,
        augment=None if augment is None else augmentation(augment),
    )
    variables = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    trainable, other, memory = ([jnp.array(v.value) for v in some] for some in variables)
    state = program.State(trainable, other, memory, [], jnp.zeros((), jnp.int32))
    drawn = [getattr(augment or spec.Augmentation(), f.name) for f in fields(spec.Augmentation)]
    numbers = program.Numbers(*(jnp.asarray(a, keras.config.floatx()) for a in ((), (), 0, (), 0, 0, drawn)))
    return parts, [state], [numbers]


class Pulled:
    """The weights of a trainer's guest, for `Watch`; they come into the model's own variables."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.model = trainer.parts.model

    def state(self) -> Array:
        pull(self.trainer)
        return vector(self.model)

    def restore(self, state: Array) -> None:
        put(self.model, state)


class Own:
    """The weights of a model's own variables, for `Watch`."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def state(self) -> Array:
        return vector(self.model)

    def restore(self, state: Array) -> None:
        put(self.model, state)


def pull(trainer: Trainer) -> None:
    """Give the model the weights of the trainer's guest; averages where its own optimizer keeps some."""
    model, optimizer, state = trainer.parts.model, trainer.parts.optimizer, trainer.state_of(0)
    for variables, values in (
        (model.trainable_variables, state.trainable),
        (model.non_trainable_variables, state.other),
        (optimizer.variables, state.optimizer),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    optimizer.finalize_variable_values(model.trainable_variables)


def vector(model: Any) -> NDArray[np.float64]:
    """All variables of a model, one after the other; 64 bits hold whatever they are of."""
    variables = (*model.trainable_variables, *model.non_trainable_variables)
    arrays = [np.asarray(keras.ops.convert_to_numpy(v), np.float64).ravel() for v in variables]
    return np.concatenate(arrays) if arrays else np.zeros(0)


def put(model: Any, state: Array) -> None:
    """The other way round."""
    start = 0
    for variable in (*model.trainable_variables, *model.non_trainable_variables):
        size = int(np.prod(variable.shape))
        variable.assign(state[start : start + size].reshape(variable.shape).astype(variable.dtype))
        start += size
