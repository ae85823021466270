"""Training by Keras's own `fit`, an epoch a call: for other backends, and models that become no program."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.engines.keras.libraries import ON_JAX, keras
from handlens.engines.keras.members import Seen, record
from handlens.engines.keras.own.foreign import WHERE, Foreign, short
from handlens.engines.keras.own.guest import Guest, Labelled, vector
from handlens.errors import HandlensError, SpecError
from handlens.nn.arrays import Array
from handlens.nn.stream import Stream
from handlens.nn.trainer import diverged

SIZE = 512  # images predicted at a time


def needed(guest: Guest) -> str:
    """Why a program would train the model otherwise than its author wants; empty if it would not."""
    model = guest.foreign.model
    if not ON_JAX:
        return f"Keras runs on {keras.backend.backend()}, not on JAX"
    for name in ("fit", "train_step", "compute_loss", "make_train_function"):
        if getattr(type(model), name) is not getattr(keras.Model, name):
            return f"the model has a {name}() of its own"
    if model.compiled and model.run_eagerly:
        return "the model is compiled with run_eagerly=True"
    if getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None) is not None:
        return "the model is compiled with loss_weights"
    if model.compute_dtype == "float16":
        return "the model computes with float16, whose losses Keras scales"
    return ""


class PlainTrainer:
    """A training of a guest by `fit`, of the same batches in the same order.

    Training scores are those of the finished epoch: `fit` does not tell what it saw.
    """

    def __init__(self, guest: Guest, *, eager: bool) -> None:
        """`eager`: the model cannot be traced; slow.

        Raises:
            SpecError: the recipe wants what only programs can do.
        """
        if guest.recipe.augment is not None:
            raise SpecError(
                "images can be augmented only where the model becomes a program, and this one does not",
                where="the recipe",
                remedy="leave augment out, or put Keras's own layers for it into the model",
            )
        self.guest, self.done = guest, 0
        self.stream = Stream(guest.settings.images)
        steps = -(-len(guest.settings.images) // guest.settings.batch_size)
        optimizer = guest.tuned.optimizer
        if guest.tuned.rate is not None:
            rates = [guest.tuned.rate(t) for t in range(guest.recipe.epochs * steps)]
            optimizer.learning_rate = _Table(rates)
        model, losses = guest.foreign.model, guest.tuned.losses
        own = type(model).compute_loss is not keras.Model.compute_loss and model.compiled

        def loss(labels: Any, y: Any) -> Any:
            numbers = keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32")
            return losses(keras.ops.cast(y, "float32"), numbers)

        model.compile(
            optimizer=optimizer,
            loss=model.loss if own else _Summed(loss) if not guest.tuned.mean else loss,
            run_eagerly=eager or (model.compiled and model.run_eagerly),
            jit_compile=False if eager else "auto",
        )
        some = slice(0, 1)
        x, y = _prepared(guest, guest.settings.images[some]), guest.settings.labels[some].astype(np.int32)
        if not own:  # `fit` would trace the model to build these, and it may be one that cannot be traced
            optimizer.build(model.trainable_variables)
            model.compute_loss(y=keras.ops.convert_to_tensor(y), y_pred=guest.foreign(x))

    def epoch(self) -> nn.training.Epoch:
        """Every image once, then the validation images.

        Raises:
            HandlensError: the loss is no number any more, or the model cannot be trained.
        """
        guest, given, number = self.guest, self.guest.settings, self.done + 1
        order = self.stream.order(np.random.default_rng([guest.draws, number]))
        rate = guest.rates(number)[-1]
        images, labels = given.images[order], given.labels[order]
        begin = time.perf_counter()
        try:
            guest.foreign.model.fit(
                _prepared(guest, images),
                labels.astype(np.int32),
                batch_size=given.batch_size,
                initial_epoch=self.done,
                epochs=number,
                shuffle=False,
                verbose=0,
            )
        except Exception as error:
            raise HandlensError(f"it cannot be trained: {short(error)}", where=WHERE) from error
        seconds = time.perf_counter() - begin
        if not np.isfinite(vector(guest.foreign)).all():
            raise diverged(number, rate)
        self.done = number
        outputs, losses = _told(guest, (images, labels))
        against = None if given.validation is None else _told(guest, given.validation)
        if not np.isfinite(losses).all() or (against is not None and not np.isfinite(against[1]).all()):
            raise diverged(number, rate)
        seen = Seen(losses, labels, outputs.argmax(axis=1))
        found = record(number, seen, given.validation, against, guest.foreign.classes)
        return dataclasses.replace(found, seconds=seconds, learning_rate=float(rate))


class _Table(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A learning rate for each update, which any backend can look up."""

    def __init__(self, rates: list[float]) -> None:
        self.rates = np.asarray(rates, np.float32)

    def __call__(self, step: Any) -> Any:
        ops = keras.ops
        place = ops.minimum(ops.cast(step, "int32"), len(self.rates) - 1)
        return ops.take(ops.convert_to_tensor(self.rates), place)

    def get_config(self) -> dict[str, Any]:
        return {"rates": self.rates.tolist()}


class _Summed(keras.losses.Loss):  # type: ignore[misc]
    """Each image's loss, of which a batch's is the sum."""

    def __init__(self, each: Any) -> None:
        super().__init__(name="summed", reduction="sum")
        self.each = each

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.each(y_true, y_pred)


def _prepared(guest: Guest, images: NDArray[Any]) -> NDArray[np.float32]:
    given = guest.settings
    x = (np.asarray(images, np.float32) - np.float32(given.offset)) * np.float32(given.scale)
    return np.asarray(x, np.float32).reshape(-1, *guest.foreign.form)


def _told(guest: Guest, labelled: Labelled) -> tuple[Array, Array]:
    """Outputs [n, k] and losses [n] of images."""
    images, labels = labelled
    starts = range(0, len(images), SIZE)
    y = np.concatenate([_outputs(guest.foreign, _prepared(guest, images[i : i + SIZE])) for i in starts])
    ops = keras.ops
    losses = guest.tuned.losses(ops.convert_to_tensor(y), ops.convert_to_tensor(labels.astype(np.int32)))
    return y, ops.convert_to_numpy(losses)


def _outputs(foreign: Foreign, x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(foreign(x)), np.float32)
