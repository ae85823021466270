"""The optimizer and the loss that a user's model is trained with: its own where it is compiled with some."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handlens import nn, spec
from handlens.engines import scratch
from handlens.engines.keras.libraries import keras
from handlens.engines.keras.members import keras_optimizer
from handlens.engines.keras.own.foreign import WHERE, Foreign
from handlens.errors import SpecError
from handlens.spec import KerasRecipe

Losses = Callable[[Any, Any], Any]  # of outputs [n, k] and labels int32 [n]: each image's loss [n]
TINY = 1e-37  # the smallest probability whose logarithm is taken
TRIED = 5  # images; not the number of any outputs, see `_labels_of`


@dataclass(frozen=True, eq=False)
class Tuned:
    """How a model is trained.

    Attributes:
        optimizer: Keras's, new.
        rate: the learning rate of update t, from 0; None: the optimizer has a schedule of its own.
        losses: each image's loss.
        mean: a batch's gradient is the mean over its images, not the sum.
        notes: where these come from.
    """

    optimizer: Any
    rate: Callable[[int], float] | None
    losses: Losses
    mean: bool
    notes: tuple[str, ...]


def tuned(recipe: KerasRecipe, foreign: Foreign, updates: int, an_epoch: int) -> Tuned:
    """The optimizer and loss of a training of so many updates: the recipe's, or the model's own.

    Raises:
        SpecError: a loss that does not fit the outputs, a schedule beside another one.
    """
    optimizer, rate, said = _optimizer(recipe, foreign.model, updates, an_epoch)
    losses, mean, of = _losses(recipe, foreign)
    return Tuned(optimizer, rate, losses, mean, (f"trained with {said} and {of}",))


def _optimizer(
    recipe: KerasRecipe, model: Any, updates: int, an_epoch: int
) -> tuple[Any, Callable[[int], float] | None, str]:
    schedule = scratch.part(nn.schedules.REGISTRY, recipe.schedule)
    own = model.optimizer if model.compiled and recipe.optimizer is None else None
    if own is None:
        described = recipe.optimizer or spec.Adam()
        ours = scratch.part(nn.optimizers.REGISTRY, described)

        def rate(t: int) -> float:
            return float(ours.rate(t + 1, ours.learning_rate * schedule.factor(t, updates, an_epoch)))

        return keras_optimizer(ours), rate, spec.to_text(described)
    made = type(own).from_config(own.get_config())
    said = f"the model's own {type(own).__name__}"
    if isinstance(getattr(own, "_learning_rate", None), keras.optimizers.schedules.LearningRateSchedule):
        if recipe.schedule != spec.Constant():
            raise SpecError(
                "the model's optimizer has a schedule of its own, and the recipe another one",
                where=WHERE,
                remedy="compile it with a number, or leave the recipe's schedule out",
            )
        return made, None, said
    first = float(keras.ops.convert_to_numpy(own.learning_rate))
    return made, lambda t: first * float(schedule.factor(t, updates, an_epoch)), f"{said} at {first:g}"


def _losses(recipe: KerasRecipe, foreign: Foreign) -> tuple[Losses, bool, str]:
    """Each image's loss; whether a batch's is the mean; in words."""
    own = foreign.model.loss if foreign.model.compiled and recipe.loss is None else None
    if own is None:
        described = recipe.loss or spec.SoftmaxCrossEntropy()
        if isinstance(described, spec.MeanSquaredError):
            return _squared_error, True, spec.to_text(described)
        scratch.part(nn.losses.REGISTRY, described).check(foreign.classes)
        return _cross_entropy(described, foreign.probabilities), True, spec.to_text(described)
    if isinstance(own, (list, tuple, dict)):
        raise SpecError("it is compiled with several losses", where=WHERE, expected="one")
    loss = keras.losses.get(own)
    name = str(getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__))
    _check_logits(loss, name, foreign.probabilities)
    call = loss.call if isinstance(loss, keras.losses.Loss) else loss
    return _each(call, _labels_of(call, loss, name, foreign)), _reduced(loss) != "sum", f"its own {name}"


def _cross_entropy(described: spec.SoftmaxCrossEntropy, probabilities: bool) -> Losses:
    def losses(y: Any, labels: Any) -> Any:
        ops = keras.ops
        log = ops.log(ops.maximum(y, TINY)) if probabilities else ops.log_softmax(y)
        hit = ops.sum(ops.one_hot(labels, y.shape[1], dtype=y.dtype) * log, axis=1)
        smoothed = (1 - described.label_smoothing) * hit + described.label_smoothing * ops.mean(log, axis=1)
        if not described.class_weights:
            return -smoothed
        return -smoothed * ops.take(ops.convert_to_tensor(described.class_weights, y.dtype), labels)

    return losses


def _squared_error(y: Any, labels: Any) -> Any:
    ops = keras.ops
    return ops.mean(ops.square(y - ops.one_hot(labels, y.shape[1], dtype=y.dtype)), axis=1)


def _check_logits(loss: Any, name: str, probabilities: bool) -> None:
    """Refuse a cross-entropy of logits where there are probabilities, and the other way round."""
    takes = _from_logits(loss)
    if takes is None or takes != probabilities:
        return
    has, wants = ("probabilities", "logits") if probabilities else ("logits", "probabilities")
    raise SpecError(
        f"it gives {has}, and its loss {name} takes {wants}",
        where=WHERE,
        expected=f"from_logits={not probabilities} in the loss",
        remedy="say so in compile(), or " + ("leave the softmax out" if probabilities else "add a softmax"),
    )


def _from_logits(loss: Any) -> bool | None:
    """What a loss of Keras's takes its inputs for; None where it does not ask."""
    if isinstance(loss, keras.losses.Loss):
        found = loss.get_config().get("from_logits")
        return None if found is None else bool(found)
    try:
        parameter = inspect.signature(loss).parameters.get("from_logits")
    except (TypeError, ValueError):
        return None
    return None if parameter is None or parameter.default is parameter.empty else bool(parameter.default)


def _labels_of(call: Any, loss: Any, name: str, foreign: Foreign) -> Callable[[Any], Any]:
    """How the loss wants its labels: numbers [n], or a column for each class [n, k].

    Keras's own say it by their names; of others it is found out, as only one of the two will do.
    """
    k = foreign.classes

    def one_hot(labels: Any) -> Any:
        return keras.ops.one_hot(labels, k, dtype="float32")

    def numbers(labels: Any) -> Any:
        return labels

    kind = type(loss) if isinstance(loss, keras.losses.Loss) else loss
    if getattr(kind, "__module__", "").startswith("keras."):
        return numbers if "sparse" in name.lower() else one_hot
    n = TRIED if k != TRIED else TRIED + 1
    rng = np.random.default_rng(0)
    y = keras.ops.softmax(keras.ops.convert_to_tensor(rng.standard_normal((n, k)), "float32"))
    labels = keras.ops.convert_to_tensor(rng.integers(k, size=n), "int32")
    said = {form: _tried(call, form(labels), y) for form in (numbers, one_hot)}
    fitting = [form for form, values in said.items() if values is not None]
    if not fitting:
        raise SpecError(
            f"its loss {name} gives no number for each image, neither of labels [n] nor of [n, {k}]",
            where=WHERE,
            expected="a loss of y_true and y_pred",
        )
    if len(fitting) == 2 and not np.allclose(said[numbers], said[one_hot]):
        raise SpecError(
            f"its loss {name} takes labels as numbers and as columns, and gives other values",
            where=WHERE,
            expected="one of both: labels [n] in 0..k-1, or [n, k] with a column for each class",
            remedy="check the shape of y_true in the loss",
        )
    return fitting[0]


def _tried(call: Any, labels: Any, y: Any) -> Any:
    """The losses of a few images, or None where the loss cannot be had so."""
    try:
        values = np.asarray(keras.ops.convert_to_numpy(call(labels, y)), np.float32)
    except Exception:
        return None
    return values if values.shape in ((), (len(y),)) and np.isfinite(values).all() else None


def _each(call: Any, labels_of: Callable[[Any], Any]) -> Losses:
    def losses(y: Any, labels: Any) -> Any:
        values = keras.ops.cast(call(labels_of(labels), y), "float32")
        # One number for the whole batch is every image's share.
        return values if len(values.shape) else keras.ops.broadcast_to(values, (y.shape[0],))

    return losses


def _reduced(loss: Any) -> str:
    """`sum`, or what amounts to the mean of batches of one size."""
    reduction = getattr(loss, "reduction", None)
    return "sum" if reduction == "sum" else "mean"
