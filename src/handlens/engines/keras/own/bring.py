"""Bring your own: a Keras model of the user's, trained like a recipe's and made ready to predict."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.data.images import ImageSet
from handlens.data.prepare import fit_preparation
from handlens.engines.checkpoint import Checkpoint
from handlens.engines.contract import OnEpoch, Phases, ignore_epoch
from handlens.engines.keras.devices import Device, find
from handlens.engines.keras.libraries import keras
from handlens.engines.keras.model import KerasModel
from handlens.engines.keras.own.code import Build, Shape, adapted, asked
from handlens.engines.keras.own.coded import CodedModel
from handlens.engines.keras.own.compiled import tuned
from handlens.engines.keras.own.foreign import Foreign, built, copied, short
from handlens.engines.keras.own.guest import Given, Guest, Own, Pulled, made, pull
from handlens.engines.keras.own.plain import PlainTrainer, needed
from handlens.engines.keras.own.serve import predictor_of
from handlens.engines.keras.trainer import Trainer, follow
from handlens.engines.watch import Watch
from handlens.errors import HandlensError, SpecError
from handlens.seeds import generator
from handlens.spec import KerasRecipe
from handlens.spec.source import source_of


def check(recipe: KerasRecipe, shape: Shape, classes: int) -> None:
    """Build the recipe's model for such images, and refuse what cannot be trained."""
    tuned(recipe, _tried(asked(recipe.model, recipe.source), shape, classes), 1, 1)


@functools.lru_cache(maxsize=4)
def _tried(build: Build, shape: Shape, classes: int) -> Foreign:
    """One for all configurations of a sweep; it is never trained."""
    return built(build, shape, classes, 0)


def fit(
    model: Any,
    images: NDArray[Any],
    labels: NDArray[Any],
    *,
    validation: tuple[NDArray[Any], NDArray[Any]] | None = None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    keep_weights: bool = False,
    device: str | None = None,
    on_epoch: OnEpoch = ignore_epoch,
    **recipe: Any,
) -> KerasModel | CodedModel:
    """Train a Keras model of your own; what you pass is left as it is.

    Args:
        model: a function that builds one (`build()` or `build(input_shape, classes)`), or a model, of which a
            copy with new weights is trained. With logits or probabilities, compiled or not.
        images: uint8 [n, height, width] or [n, height, width, channels].
        labels: int [n], in 0..k-1.
        validation: images and labels like these.
        classes: k names; numbers unless given.
        seed: of weights, order and dropout. It goes to `keras.utils.set_random_seed`, which seeds NumPy's and
            Python's own generators too.
        keep_weights: the copy of a model starts from its weights, not from new ones.
        device: `cpu`, `gpu`, `tpu`; JAX's first choice unless given.
        recipe: further fields of a `handlens.spec.KerasRecipe`, such as `epochs`, `batch_size`, `optimizer`.

    Raises:
        SpecError: a model that is not new each time, or does not fit the images and classes.
        DataError: images and labels that do not fit together.
        HandlensError: the loss is no number any more.
    """
    labels = np.asarray(labels, np.int64)
    others = np.asarray(validation[1] if validation else (), np.int64)
    names = tuple(classes or map(str, range(max(labels.max(initial=0), others.max(initial=0)) + 1)))
    train = ImageSet(_four(images), labels, names)
    tested = ImageSet(_four(validation[0]), others, names) if validation else None
    code, source = "", ""
    if isinstance(model, keras.Model):
        build = copied(model, keep_weights=keep_weights)
    else:
        build = adapted(model, getattr(model, "__name__", type(model).__name__))
        code, source = _place(model)
    described = KerasRecipe(name="model", model=code or "model:build", source=source or "-", **recipe)
    return train_model(described, build, train, tested, seed, find(device), on_epoch, code=(code, source))


def train_model(
    recipe: KerasRecipe,
    build: Build,
    train: ImageSet,
    validation: ImageSet | None,
    seed: int,
    device: Device,
    on_epoch: OnEpoch = ignore_epoch,
    kept: Checkpoint | None = None,
    code: tuple[str, str] | None = None,
) -> KerasModel | CodedModel:
    """Train a new model as a program, by Keras's own `fit` where that cannot be; `code` finds it again."""
    preparation = fit_preparation(recipe.prepare, train.images)
    given = Given(
        train.images,
        train.labels,
        None if validation is None else (validation.images, validation.labels),
        preparation.offset,
        preparation.scale,
        min(recipe.batch_size, len(train)),
    )
    with device.chosen():
        done = _trained(lambda: _guest(recipe, build, train, given, seed), device, on_epoch, kept)
    foreign = done.guest.foreign
    predictor, why = predictor_of(foreign, train.shape, device)
    begin = time.perf_counter()
    predictor(np.zeros((1, *train.shape), np.uint8), preparation)  # compiles
    compile_s = done.compile_s + time.perf_counter() - begin
    phases = Phases(done.warm_up_s, compile_s, 1.0, device.name)
    history = tuple(done.watch.history)
    notes = done.guest.tuned.notes + done.notes + (kept.notes if kept else ())
    if not why:
        return KerasModel(predictor, preparation, history, notes, phases)
    notes += (f"only its own code can build the model again: {why}",)
    text, source = code or (recipe.model, recipe.source)
    return CodedModel(predictor, preparation, text, source, train.shape, history, notes, phases)


def _guest(recipe: KerasRecipe, build: Build, train: ImageSet, given: Given, seed: int) -> Guest:
    foreign = built(build, train.shape, len(train.classes), seed)
    steps = -(-len(train) // given.batch_size)
    how = tuned(recipe, foreign, recipe.epochs * steps, steps)
    return Guest(recipe, foreign, how, given, nn.training.seed_of(generator(seed, "training")))


@dataclass(frozen=True, eq=False)
class _Done:
    """A training that is over: its guest has the weights to keep; seconds that were no training."""

    guest: Guest
    watch: Watch
    notes: tuple[str, ...]
    warm_up_s: float
    compile_s: float


def _trained(new: Callable[[], Guest], device: Device, on_epoch: OnEpoch, kept: Checkpoint | None) -> _Done:
    begin = time.perf_counter()
    guest = new()
    seconds, reason, eager = time.perf_counter() - begin, needed(guest), False
    if not reason:
        trainer = _program(guest, device)
        if isinstance(trainer, Trainer):
            watch = Watch(guest.recipe, Pulled(trainer))
            follow(trainer, watch, kept, on_epoch)
            pull(trainer)
            watch.finish()
            return _Done(guest, watch, (), seconds + trainer.warm_up_s, trainer.compile_s)
        reason, eager = f"the model cannot become a program ({trainer})", True
        guest = new()  # the attempt may have left traces in it
    plain = PlainTrainer(guest, eager=eager)
    watch = Watch(guest.recipe, Own(guest.foreign))
    while not watch.over:
        on_epoch(watch.note(plain.epoch()))
    watch.finish()
    return _Done(guest, watch, (f"trained by plain fit: {reason}",), seconds, 0.0)


def _program(guest: Guest, device: Device) -> Trainer | str:
    """The training with its program compiled; or why there is none."""
    try:
        trainer = Trainer([guest], device, made)
        trainer.bytes_needed()
    except HandlensError:
        raise
    except Exception as error:  # whatever the user's code does with what is no number yet
        return short(error)
    return trainer


def _four(images: NDArray[Any]) -> NDArray[np.uint8]:
    return images[..., None] if images.ndim == 3 else images


def _place(function: Any) -> tuple[str, str]:
    """`module:function` and its source's sha256; empty for one that no import finds."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    if module and module != "__main__" and name.isidentifier():
        with contextlib.suppress(SpecError):
            return f"{module}:{name}", source_of(module)
    return "", ""
