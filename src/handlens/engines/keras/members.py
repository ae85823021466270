"""One of the trainings that share a program: its recipe, its network, what is its own among the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from handlens import nn, spec
from handlens.engines.keras import optimizers, program
from handlens.engines.keras.devices import Device
from handlens.engines.keras.libraries import jnp, keras
from handlens.engines.keras.losses import LOSSES
from handlens.engines.keras.twin import twin
from handlens.engines.keras.weights import arranged, names, variables
from handlens.nn.arrays import Array
from handlens.nn.layers import Dropout
from handlens.nn.layers.base import leaves
from handlens.nn.trainer import confusion
from handlens.spec import NetworkRecipe

KERAS: Mapping[str, Any] = MappingProxyType({})  # no kinds but Keras's own


class Training(Protocol):
    """What a `Trainer` asks of each of its trainings."""

    @property
    def recipe(self) -> Any: ...

    @property
    def settings(self) -> Any:
        """At least images, labels, validation, offset, scale and batch_size."""

    @property
    def draws(self) -> int: ...

    def rates(self, number: int) -> NDArray[np.float64]: ...

    def epoch(
        self,
        number: int,
        losses: Array,
        predicted: NDArray[np.int32],
        order: NDArray[np.int64],
        against: tuple[Array, Array] | None,
    ) -> nn.training.Epoch: ...


@dataclass(frozen=True, eq=False)
class Member:
    """A training of a network of ours.

    Attributes:
        settings: as the engine from scratch has them, with the network that holds the first weights.
        draws: the number that its random numbers come from.
    """

    recipe: NetworkRecipe
    settings: nn.training.Settings
    draws: int

    def rates(self, number: int) -> NDArray[np.float64]:
        """The learning rate of every batch of that epoch."""
        s = self.settings
        steps = -(-len(s.images) // s.batch_size)
        first = (number - 1) * steps
        return np.array([
            s.optimizer.rate(
                t + 1, s.optimizer.learning_rate * s.schedule.factor(t, s.epochs * steps, steps)
            )
            for t in range(first, first + steps)
        ])  # fmt: skip

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
        return record(number, seen, self.settings.validation, against, self.settings.network.classes)


class Seen(NamedTuple):
    """What an epoch did with its images, in their order: losses, labels, predicted classes [n]."""

    losses: Array
    labels: NDArray[Any]
    predicted: NDArray[Any]


def record(
    number: int, seen: Seen, validation: Any, against: tuple[Array, Array] | None, classes: int
) -> nn.training.Epoch:
    """An epoch's record; `against`: outputs and losses of the images of `validation`, and its labels."""
    loss = table = None
    if against is not None and validation is not None:
        loss = float(against[1].mean(dtype=np.float64))
        table = confusion(validation[1], against[0].argmax(axis=1), classes)
    return nn.training.Epoch(
        epoch=number,
        loss=float(seen.losses.mean(dtype=np.float64)),
        confusion=confusion(seen.labels, seen.predicted, classes),
        validation_loss=loss,
        validation_confusion=table,
        seconds=0.0,
        learning_rate=0.0,
    )


Made = tuple[program.Parts, list[program.State], list[program.Numbers]]


def made(members: Sequence[Member], device: Device) -> Made:
    """The program that the members share, and each one's first state and numbers."""
    shared = parts(members, LOSSES[type(members[0].recipe.loss)], device)
    states = [first_state(shared, member) for member in members]
    return shared, states, [numbers(shared, member) for member in members]


def parts(members: Sequence[Member], loss: Callable[..., Any], device: Device) -> program.Parts:
    """The program that the members share."""
    first = members[0]
    network, recipe = first.settings.network, first.recipe
    everything = device.is_cpu or len(members) > 1
    model = twin(network, forms="all" if everything else "dropout", precision=policy(recipe))
    optimizer = keras_optimizer(first.settings.optimizer, optimizers.REGISTRY)
    optimizer.build(model.trainable_variables)
    rate = [i for i, v in enumerate(optimizer.variables) if v.path.endswith("learning_rate")]
    return program.Parts(
        model=model,
        optimizer=optimizer,
        rate=rate[0],
        loss=loss,
        penalised=_penalised(members, model),
        mean=recipe.reduction == "mean",
        clipped=recipe.clip_norm is not None,
        averaged=recipe.ema is not None,
        augment=_augment(recipe),
    )


def first_state(parts: program.Parts, member: Member) -> program.State:
    """The member's state before its first update."""
    network, model = member.settings.network, parts.model
    own = arranged(network, model, model.trainable_variables)
    trainable = [jnp.asarray(w, v.dtype) for w, v in zip(own, model.trainable_variables, strict=True)]
    other = _others(network, model, member.draws)
    memory = [jnp.array(v.value) for v in parts.optimizer.variables]
    average = [jnp.array(w) for w in trainable] if parts.averaged else []
    return program.State(trainable, other, memory, average, jnp.zeros((), jnp.int32))


def numbers(parts: program.Parts, member: Member) -> program.Numbers:
    """The member's own numbers."""
    settings, network = member.settings, member.settings.network
    slots = dict(zip((id(v) for v in variables(network, parts.model)), network.slots, strict=True))
    found = [slots[id(parts.model.trainable_variables[place])].parameter for place in parts.penalised]
    loss, augment = member.recipe.loss, member.recipe.augment or spec.Augmentation()
    weights = getattr(loss, "class_weights", ()) or (1.0,) * network.classes
    each = (
        [p.l1 for p in found],
        [p.l2 for p in found],
        getattr(loss, "label_smoothing", 0.0),
        weights,
        np.inf if settings.clip_norm is None else settings.clip_norm,
        settings.ema or 0.0,
        [getattr(augment, f.name) for f in fields(augment)],
    )
    return program.Numbers(*(jnp.asarray(value, keras.config.floatx()) for value in each))


def keras_optimizer(optimizer: Any, kinds: Mapping[str, Any] = KERAS, **more: Any) -> Any:
    """Keras's optimizer, or that of `kinds`, of the same name and arguments.

    `decay` is in the rates of `Member`.
    """
    arguments = {f.name: getattr(optimizer, f.name) for f in fields(optimizer)}
    arguments.pop("decay", None)
    name = type(optimizer).__name__
    kind = kinds[name] if name in kinds else getattr(keras.optimizers, name)
    return kind(**arguments, **more)


def _others(network: nn.Network, model: Any, draws: int) -> list[Any]:
    """What no gradient trains: moving statistics, dropout's rates and the state of its random numbers."""
    called = names(network.layers)
    rates = {
        f"{called[id(leaf)]}/rate": leaf.rate
        for layer in network.layers for leaf in leaves(layer) if isinstance(leaf, Dropout)
    }  # fmt: skip
    found = []
    wanted = model.non_trainable_variables
    for i, (variable, value) in enumerate(zip(wanted, arranged(network, model, wanted), strict=True)):
        path = "/".join(variable.path.split("/")[-2:])
        if value is None and path in rates:
            value = np.asarray(rates[path])
        elif value is None:
            value = np.random.default_rng([draws, i]).integers(2**32, size=2, dtype=np.uint32)
        found.append(jnp.asarray(value, variable.dtype))
    return found


def _penalised(members: Sequence[Member], model: Any) -> tuple[int, ...]:
    """Positions of the trainable variables that a member has a penalty on."""
    place = {id(v): i for i, v in enumerate(model.trainable_variables)}
    found = set()
    for member in members:
        network = member.settings.network
        for slot, variable in zip(network.slots, variables(network, model), strict=True):
            if slot.parameter.l1 or slot.parameter.l2:
                found.add(place[id(variable)])
    return tuple(sorted(found))


def policy(recipe: NetworkRecipe) -> str | None:
    return None if recipe.precision == "float32" else f"mixed_{recipe.precision}"


def _augment(recipe: NetworkRecipe) -> program.Augment | None:
    if recipe.augment is None:
        return None
    from handlens.engines.keras.augment import augmentation

    return augmentation(recipe.augment)
