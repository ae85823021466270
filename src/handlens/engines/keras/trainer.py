"""A training under way, or several in one program, an epoch at a time like `nn.training.Trainer`."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.engines.checkpoint import Checkpoint
from handlens.engines.contract import OnEpoch
from handlens.engines.keras import program
from handlens.engines.keras.devices import Device
from handlens.engines.keras.libraries import jax, jnp, keras
from handlens.engines.keras.members import Made, Training, made
from handlens.engines.keras.weights import variables
from handlens.engines.watch import Watch
from handlens.errors import HandlensError
from handlens.nn.arrays import Array
from handlens.nn.stream import Stream
from handlens.nn.trainer import diverged

PREDICT = 512  # images predicted at a time


class Trainer:
    """Trainings that differ in numbers only, together.

    Attributes:
        members: one for each training; what is asked of a single training is asked of its member.
        done: epochs that are over.
        warm_up_s, compile_s: seconds until the images and weights were on the device; of compiling.
    """

    def __init__(
        self,
        members: Sequence[Training],
        device: Device,
        make: Callable[[Sequence[Any], Device], Made] = made,
    ) -> None:
        """`make`: the program that the members share, and each one's first state and numbers."""
        begin = time.perf_counter()
        self.members, self.device, self.done, self.compile_s = tuple(members), device, 0, 0.0
        self.settings = members[0].settings
        self.many = len(members) > 1
        with device.chosen():
            self.parts, states, each = make(members, device)
            self.state: Any = _stack(states) if self.many else states[0]
            self.numbers: Any = _stack(each) if self.many else each[0]
            self.train = self._feed(self.settings.images, self.settings.labels)
            against = self.settings.validation
            self.validation = None if against is None else self._feed(*against)
            jax.block_until_ready((self.state, self.train, self.validation))
        self.streams = [Stream(self.settings.images) for _ in members]
        self._compiled: dict[str, Any] = {}
        self.warm_up_s = time.perf_counter() - begin

    def epoch(self) -> list[nn.training.Epoch | HandlensError]:
        """Every image once, in the order of the engine from scratch, by every training; then validation.

        A training whose loss is no number any more gives the error in the place of its epoch.
        """
        number = self.done + 1
        plans, orders, rates = zip(
            *(self._plan(i, member, number) for i, member in enumerate(self.members)), strict=True
        )
        with self.device.chosen():
            plan = _stack(plans) if self.many else plans[0]
            run = self._program("epoch", program.epoch, self.train, self.state, self.numbers, plan)
            begin = time.perf_counter()
            self.state, losses, predicted = run(self.train, self.state, self.numbers, plan)
            losses, predicted = np.asarray(losses), np.asarray(predicted)
            seconds = (time.perf_counter() - begin) / len(self.members)
            against = self._validate()
        self.done = number
        found: list[nn.training.Epoch | HandlensError] = []
        for i, member in enumerate(self.members):
            own = losses[i] if self.many else losses
            if not np.isfinite(own).all():
                found.append(diverged(number, rates[i]))
                continue
            if against is not None and not np.isfinite(against[i][1]).all():
                found.append(diverged(number, rates[i]))
                continue
            epoch = member.epoch(
                number,
                own,
                predicted[i] if self.many else predicted,
                orders[i],
                None if against is None else against[i],
            )
            found.append(_with(epoch, seconds=seconds, learning_rate=rates[i]))
        return found

    def bytes_needed(self) -> int:
        """Memory that an epoch takes beside the images, found by compiling it."""
        with self.device.chosen():
            plans = [self._plan(i, member, 1)[0] for i, member in enumerate(self.members)]
            plan = _stack(plans) if self.many else plans[0]
            run = self._program("epoch", program.epoch, self.train, self.state, self.numbers, plan)
        found = run.memory_analysis()
        taken = found.temp_size_in_bytes + found.argument_size_in_bytes + found.output_size_in_bytes
        return int(taken - found.alias_size_in_bytes - sum(a.nbytes for a in self.train))

    def arrays(self) -> dict[str, Array]:
        """Copies of all numbers that training changes, by name."""
        leaves = jax.tree_util.tree_leaves(self.state)
        return {f"state.{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}

    def counts(self) -> dict[str, float]:
        """What has to be known beside the arrays to go on."""
        return {"done": self.done}

    def go_on(self, counts: Mapping[str, float], arrays: Mapping[str, Array]) -> None:
        """Go on from a state of an equal training."""
        structure = jax.tree_util.tree_structure(self.state)
        with self.device.chosen():
            leaves = [jnp.asarray(arrays[f"state.{i}"]) for i in range(structure.num_leaves)]
        self.state, self.done = jax.tree_util.tree_unflatten(structure, leaves), int(counts["done"])

    def pull(self, i: int) -> nn.Network:
        """Training i's network, with the weights that it predicts with now."""
        state = self.state_of(i)
        own = state.average if self.parts.averaged else state.trainable
        model = self.parts.model
        network: nn.Network = self.members[i].settings.network
        held = [*model.trainable_variables, *model.non_trainable_variables]
        value = {id(v): a for v, a in zip(held, (*own, *state.other), strict=True)}
        network.set_weights([np.asarray(value[id(v)]) for v in variables(network, model)])
        return network

    def state_of(self, i: int) -> program.State:
        """Training i's own."""
        state: program.State = jax.tree_util.tree_map(lambda a: a[i], self.state) if self.many else self.state
        return state

    def _feed(self, images: Any, labels: Any) -> program.Feed:
        kind = keras.config.floatx()
        return program.Feed(
            jnp.asarray(np.asarray(images)),
            jnp.asarray(labels, jnp.int32),
            jnp.asarray(self.settings.offset, kind),
            jnp.asarray(self.settings.scale, kind),
        )

    def _plan(self, i: int, member: Training, number: int) -> tuple[program.Plan, NDArray[np.int64], float]:
        """What training i goes through in that epoch; its order; its last learning rate."""
        order = self.streams[i].order(np.random.default_rng([member.draws, number]))
        n, size = len(order), min(self.settings.batch_size, len(order))
        whole = n - n % size
        rates = member.rates(number)
        batches = np.zeros(whole // size + 1, np.float32)
        batches[: len(rates)] = rates
        batches[-1] = rates[-1]
        key = np.random.default_rng([member.draws, number, 0]).integers(2**32, size=2, dtype=np.uint32)
        ways = (order[:whole].reshape(-1, size).astype(np.int32), order[whole:].astype(np.int32))
        return program.Plan(*ways, batches, key), order, float(rates[-1])

    def _validate(self) -> list[tuple[Array, Array]] | None:
        """Of every training the outputs [v, k] and losses [v] of the validation images."""
        if self.validation is None:
            return None
        one = functools.partial(program.outputs, size=PREDICT)
        run = self._program("validate", one, self.validation, self.state, self.numbers, keep=True)
        outputs, losses = (np.asarray(a) for a in run(self.validation, self.state, self.numbers))
        return list(zip(outputs, losses, strict=True)) if self.many else [(outputs, losses)]

    def _program(self, name: str, one: Any, *arguments: Any, keep: bool = False) -> Any:
        """The compiled program; `keep`: the state is still wanted afterwards."""
        if name not in self._compiled:
            begin = time.perf_counter()
            one = functools.partial(one, self.parts)
            whole = program.together(one, side_by_side=not self.device.is_cpu) if self.many else one
            jitted = jax.jit(whole, donate_argnums=() if keep else (1,))
            self._compiled[name] = jitted.lower(*arguments).compile()
            self.compile_s += time.perf_counter() - begin
        return self._compiled[name]


def follow(trainer: Trainer, watch: Watch, kept: Checkpoint | None, on_epoch: OnEpoch) -> None:
    """All epochs of a single training that its watch wants, from a checkpoint where there is one.

    Raises:
        HandlensError: the loss is no number any more.
    """
    if kept is not None:
        kept.restore(trainer, watch)
    while not watch.over:
        (seen,) = trainer.epoch()
        if isinstance(seen, HandlensError):
            raise seen
        epoch = watch.note(seen)
        if kept is not None and not watch.over:
            kept.save(trainer, watch)
        on_epoch(epoch)
    if kept is not None:
        kept.remove()


def _stack(each: Sequence[Any]) -> Any:
    return jax.tree_util.tree_map(lambda *a: jnp.stack([jnp.asarray(x) for x in a]), *each)


def _with(epoch: nn.training.Epoch, **changes: Any) -> nn.training.Epoch:
    return dataclasses.replace(epoch, **changes)
