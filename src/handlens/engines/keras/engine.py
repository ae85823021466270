"""The Keras engine: the recipes of the engine from scratch, trained by Keras on JAX."""

from __future__ import annotations

import dataclasses
import importlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handlens import nn
from handlens.data.images import ImageSet
from handlens.data.prepare import Preparation, fit_preparation
from handlens.engines import scratch
from handlens.engines.checkpoint import CHECKPOINT_SECONDS, Checkpoint, name_of
from handlens.engines.contract import Model, OnEpoch, Phases, ignore_epoch
from handlens.engines.keras import saved
from handlens.engines.keras.devices import find
from handlens.engines.keras.libraries import ON_JAX, keras
from handlens.engines.keras.members import Member, policy
from handlens.engines.keras.model import KerasModel, Predictor, served
from handlens.engines.keras.own import bring
from handlens.engines.keras.own.code import Build, asked
from handlens.engines.keras.trainer import Trainer, follow
from handlens.engines.keras.twin import twin
from handlens.engines.watch import Watch
from handlens.errors import SpecError
from handlens.nn.arrays import Array
from handlens.seeds import generator
from handlens.spec import KerasRecipe, NetworkRecipe

VERSION = 1


class Pulled:
    """The weights of one of a trainer's trainings, for `Watch`."""

    def __init__(self, trainer: Trainer, i: int) -> None:
        self.trainer, self.i = trainer, i

    def state(self) -> Array:
        return self.trainer.pull(self.i).state()

    def restore(self, state: Array) -> None:
        self.trainer.members[self.i].settings.network.restore(state)


class KerasEngine:
    """Trains with Keras, an epoch as one program of JAX's."""

    name = "keras"
    checkpoint_seconds = CHECKPOINT_SECONDS

    def __init__(self, device: str | None = None) -> None:
        """`device`: `cpu`, `gpu`, `tpu`, `gpu:1`; JAX's first choice unless given."""
        self.device = find(device)

    @property
    def numerics(self) -> str:
        backend = keras.backend.backend()
        of_backend = importlib.import_module(backend).__version__  # TensorFlow's package has several names
        return f"keras-{VERSION} keras-{keras.__version__} {backend}-{of_backend}"

    def check(self, recipe: NetworkRecipe | KerasRecipe, shape: tuple[int, int, int], classes: int) -> None:
        if isinstance(recipe, KerasRecipe):
            bring.check(recipe, shape, classes)
            return
        scratch.build(recipe, shape, classes, np.random.default_rng(0))

    def fit(
        self,
        recipe: NetworkRecipe | KerasRecipe,
        train: ImageSet,
        validation: ImageSet,
        seed: int,
        on_epoch: OnEpoch = ignore_epoch,
        *,
        checkpoint: Path | None = None,
        threads: int | None = None,
    ) -> Model:
        kept = None
        if checkpoint is not None:
            kept = Checkpoint(
                checkpoint,
                lambda: name_of(self.numerics, recipe, train, validation, seed),
                every=self.checkpoint_seconds,
            )
        if isinstance(recipe, KerasRecipe):
            build = asked(recipe.model, recipe.source)
            return bring.train_model(recipe, build, train, validation, seed, self.device, on_epoch, kept)
        if not ON_JAX:
            described, build = by_fit(recipe, seed)
            return bring.train_model(described, build, train, validation, seed, self.device, on_epoch)
        preparation = fit_preparation(recipe.prepare, train.images)
        trainer = Trainer([member(recipe, train, validation, seed, preparation)], self.device)
        watch = Watch(recipe, Pulled(trainer, 0))
        follow(trainer, watch, kept, on_epoch)
        return finished(trainer, 0, watch, preparation, kept.notes if kept else ())

    def load(self, folder: Path) -> Model:
        return saved.load(folder)


def by_fit(recipe: NetworkRecipe, seed: int) -> tuple[KerasRecipe, Build]:
    """The recipe as a model that somebody brings: on backends other than JAX Keras's own `fit` trains.

    Raises:
        SpecError: it asks for what only programs do.
    """
    only = {"clip_norm": None, "ema": None, "reduction": "mean", "augment": None}
    for name, usual in only.items():
        if getattr(recipe, name) != usual:
            raise SpecError(f"{name} needs Keras on JAX", where=recipe.name, remedy="set KERAS_BACKEND=jax")

    def build(shape: tuple[int, int, int], classes: int) -> Any:
        network = scratch.build(recipe, shape, classes, generator(seed, "weights"))
        return twin(network, precision=policy(recipe))

    shared = {f.name for f in dataclasses.fields(KerasRecipe)} & {f.name for f in dataclasses.fields(recipe)}
    fields = {name: getattr(recipe, name) for name in shared}
    return KerasRecipe(model="handlens:twin", source="-", **fields), build


def member(
    recipe: NetworkRecipe, train: ImageSet, validation: ImageSet, seed: int, preparation: Preparation
) -> Member:
    """A training with the first weights and the random numbers of the engine from scratch."""
    network = scratch.build(recipe, train.shape, len(train.classes), generator(seed, "weights"))
    settings = scratch.settings(
        recipe,
        network,
        (train.images, train.labels),
        (validation.images, validation.labels),
        offset=preparation.offset,
        scale=preparation.scale,
    )
    return Member(recipe, settings, nn.training.seed_of(generator(seed, "training")))


def finished(
    trainer: Trainer, i: int, watch: Watch, preparation: Preparation, notes: Sequence[str] = ()
) -> KerasModel:
    """The model of a training that is over, ready to predict."""
    recipe, count = trainer.members[i].recipe, len(trainer.members)
    network = trainer.pull(i)
    watch.finish()
    predictor = Predictor(served(network, policy(recipe)), trainer.device)
    begin = time.perf_counter()
    predictor(np.zeros((1, *network.input_shape), np.uint8), preparation)  # compiles
    phases = Phases(
        trainer.warm_up_s / count,
        trainer.compile_s / count + time.perf_counter() - begin,
        1 / count,
        trainer.device.name,
    )
    return KerasModel(predictor, preparation, tuple(watch.history), tuple(notes), phases)
