"""An epoch as one compiled program: gather, augment, prepare, forward, backward, update, for every batch.

A program is a pure function of a training's `State` and numbers. Several trainings are one program too: one
after the other inside it where a single one already fills the machine (a processor), side by side otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from handlens.engines.keras.libraries import jax, jnp

Augment = Callable[[Any, Any, Any], tuple[Any, Any, Any]]


class State(NamedTuple):
    """All that a training changes: lists of arrays as Keras's stateless functions want them.

    `average` is the running average of the weights, empty where none is kept; `step` counts updates.
    """

    trainable: list[Any]
    other: list[Any]
    optimizer: list[Any]
    average: list[Any]
    step: Any


class Feed(NamedTuple):
    """Images on the device, uint8 or floating [n, height, width, channels], labels int32 [n]; preparation."""

    images: Any
    labels: Any
    offset: Any
    scale: Any


class Numbers(NamedTuple):
    """What may differ between trainings that share a program.

    Attributes:
        l1, l2: float32 [penalised variables].
        smoothing: of labels.
        weights: float32 [classes], of the classes.
        clip: the longest gradient; infinite for any.
        keep: the share that the average of the weights keeps.
        augment: float32 [11], the fields of `Augmentation`.
    """

    l1: Any
    l2: Any
    smoothing: Any
    weights: Any
    clip: Any
    keep: Any
    augment: Any


class Plan(NamedTuple):
    """What an epoch goes through.

    Attributes:
        order: int32 [steps, batch], indices of the images of every whole batch.
        rest: int32 [r], of the smaller last one; empty where there is none.
        rates: float32 [steps + 1], the learning rate of every batch, the last of all for `rest`.
        key: of the random numbers of augmentation.
    """

    order: Any
    rest: Any
    rates: Any
    key: Any


@dataclass(frozen=True, eq=False)
class Parts:
    """What a program is made of; trainings that share one have these in common.

    Attributes:
        model, optimizer: Keras's, built.
        rate: position of the learning rate among the optimizer's variables; None: it has its own schedule.
        loss: each image's loss [n] of float32 outputs [n, k], labels [n] and `Numbers`.
        penalised: positions of the trainable variables that `Numbers.l1` and `l2` are for.
        own_losses: add what the model's own layers say.
        mean: a batch's gradient is the mean over its images, not the sum.
        clipped, averaged: whether gradients are clipped, an average is kept.
        augment: changes images, float [n, height, width, channels], by `Numbers.augment` and a key; gives
            them, the share [n] that stays of each where they are blended, and the partners [n].
    """

    model: Any
    optimizer: Any
    rate: int | None
    loss: Callable[[Any, Any, Numbers], Any]
    penalised: tuple[int, ...] = ()
    own_losses: bool = False
    mean: bool = True
    clipped: bool = False
    averaged: bool = False
    augment: Augment | None = None


def epoch(parts: Parts, feed: Feed, state: State, numbers: Numbers, plan: Plan) -> tuple[State, Any, Any]:
    """The state after the epoch; each image's loss and predicted class, in its order: float32, int32 [n]."""

    def step(state: State, batch: tuple[Any, Any]) -> tuple[State, tuple[Any, Any]]:
        return _update(parts, feed, state, numbers, plan.key, *batch)

    state, (losses, predicted) = jax.lax.scan(step, state, (plan.order, plan.rates[:-1]))
    losses, predicted = losses.reshape(-1), predicted.reshape(-1)
    if plan.rest.shape[0]:
        state, (more, last) = step(state, (plan.rest, plan.rates[-1]))
        losses, predicted = jnp.concatenate([losses, more]), jnp.concatenate([predicted, last])
    return state, losses, predicted


def outputs(parts: Parts, feed: Feed, state: State, numbers: Numbers, *, size: int) -> tuple[Any, Any]:
    """The network's outputs float32 [n, k] for all images, `size` at a time, and each image's loss [n]."""
    weights = state.average if parts.averaged else state.trainable

    def predict(images: Any, labels: Any) -> tuple[Any, Any]:
        x = _prepared(images, feed)
        y = parts.model.stateless_call(weights, state.other, x, training=False)[0].astype(jnp.float32)
        return y, parts.loss(y, labels, numbers)

    n = len(feed.labels)
    whole = n - n % size
    ways = []
    if whole:
        batches = (
            feed.images[:whole].reshape(-1, size, *feed.images.shape[1:]),
            feed.labels[:whole].reshape(-1, size),
        )
        y, losses = jax.lax.map(lambda batch: predict(*batch), batches)
        ways.append((y.reshape(whole, -1), losses.reshape(whole)))
    if whole < n:
        ways.append(predict(feed.images[whole:], feed.labels[whole:]))
    return tuple(jnp.concatenate(way) for way in zip(*ways, strict=True))


def together(one: Callable[..., Any], *, side_by_side: bool) -> Callable[..., Any]:
    """`one(feed, state, numbers, ...)` for trainings whose arrays have one more axis, in front; one feed."""

    def each(feed: Feed, *stacked: Any) -> Any:
        if side_by_side:
            return jax.vmap(lambda *own: one(feed, *own))(*stacked)
        return jax.lax.map(lambda own: one(feed, *own), stacked)

    return each


def _update(
    parts: Parts, feed: Feed, state: State, numbers: Numbers, key: Any, indices: Any, rate: Any
) -> tuple[State, tuple[Any, Any]]:
    """One update from the images at `indices`."""
    images, labels = feed.images[indices], feed.labels[indices]
    kept = partner = None
    if parts.augment is not None:
        images = images.astype(jnp.float32)
        images, kept, partner = parts.augment(images, numbers.augment, jax.random.fold_in(key, state.step))
    x = _prepared(images, feed)
    if kept is not None:
        share = kept[:, None, None, None]
        x = share * x + (1 - share) * x[partner]

    def cost(trainable: list[Any]) -> tuple[Any, tuple[Any, Any, Any]]:
        made = parts.model.stateless_call(
            trainable, state.other, x, training=True, return_losses=parts.own_losses
        )
        y = made[0].astype(jnp.float32)
        losses = parts.loss(y, labels, numbers)
        if kept is not None:
            losses = kept * losses + (1 - kept) * parts.loss(y, labels[partner], numbers)
        total = losses.mean() if parts.mean else losses.sum()
        if parts.own_losses:
            total = total + sum(made[2])
        for i, place in enumerate(parts.penalised):
            w = trainable[place]
            total = total + numbers.l1[i] * jnp.abs(w).sum() + numbers.l2[i] * jnp.square(w).sum()
        return total, (made[1], losses, y.argmax(axis=-1).astype(jnp.int32))

    (_, (other, losses, predicted)), gradients = jax.value_and_grad(cost, has_aux=True)(state.trainable)
    if parts.clipped:
        length = jnp.sqrt(sum(jnp.square(g).sum() for g in gradients))
        shorter = jnp.minimum(1, numbers.clip / jnp.maximum(length, jnp.finfo(jnp.float32).tiny))
        gradients = [g * shorter for g in gradients]
    memory = list(state.optimizer)
    if parts.rate is not None:
        memory[parts.rate] = rate.astype(memory[parts.rate].dtype)
    trainable, memory = parts.optimizer.stateless_apply(memory, gradients, state.trainable)
    average = state.average
    if parts.averaged:
        keep = jnp.where(state.step == 0, 0, numbers.keep)
        average = [a + (1 - keep).astype(a.dtype) * (w - a) for a, w in zip(average, trainable, strict=True)]
    return State(trainable, other, memory, average, state.step + 1), (losses, predicted)


def _prepared(images: Any, feed: Feed) -> Any:
    return (images.astype(feed.scale.dtype) - feed.offset) * feed.scale
