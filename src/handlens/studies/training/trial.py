"""One trial: trained and stored; later, once every choice is made, its look at the test images.

`train_trial` is given training images alone. `open_test` is the one place that sees test images.
"""

from __future__ import annotations

import contextlib
import datetime
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data import Dataset, ImageSet, split
from handlens.data.pictures import contract_of
from handlens.engines import Model, OnEpoch, engine, ignore_epoch
from handlens.errors import DataError
from handlens.evaluate import score
from handlens.records import Epoch, Look, Run, Split, Timings, Trial, families_name
from handlens.spec import EstimatorRecipe, KerasRecipe, NetworkRecipe, Recipe, to_text
from handlens.studies.planning.plan import Planned, configuration_of
from handlens.studies.storage.result import Predictions, Tested
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import at_work
from handlens.studies.training.environment import device as processor
from handlens.studies.training.environment import environment


@dataclass(frozen=True, eq=False)
class Training:
    """What a trial may know of a data set: its training images and what is said about it.

    `families`: int64 [n], groups of copies, for the trials whose split keeps these together.
    """

    name: str
    images: ImageSet
    notes: tuple[str, ...] = ()
    families: NDArray[np.int64] | None = None
    _contracts: dict[Split, dict[str, Any]] = field(default_factory=dict, repr=False)

    def contract(self, split: Split, train: ImageSet) -> dict[str, Any]:
        """How pictures become like the images that the split trains on; found out once for all trials."""
        if split not in self._contracts:
            self._contracts[split] = asdict(contract_of(train.images))
        return self._contracts[split]


def training(dataset: Dataset) -> Training:
    """The data set without its test images."""
    return Training(dataset.name, dataset.train, dataset.notes)


@dataclass(frozen=True, eq=False)
class Ready:
    """The images of a trial: what trains it, what validates it, and where in the training part these lie."""

    train: ImageSet
    validation: ImageSet
    indices: NDArray[np.int64]


def ready(trial: Trial, data: Training) -> Ready:
    """The images of a trial.

    Raises:
        DataError: its split keeps families together that `data` does not know.
    """
    wanted, groups = trial.split.families, None
    if wanted is not None:
        groups = data.families
        if groups is None or families_name(groups) != wanted:
            raise DataError(
                "the split of this run keeps families of copies together, and they are not known here",
                where=trial.hash,
                remedy=f"handlens audit {data.name} --run RUN finds them",
            )
    parts = split(data.images.labels, trial.split.validation, trial.split.seed, groups)
    return Ready(data.images.take(parts.train), data.images.take(parts.validation), parts.validation)


def train_trial(
    planned: Planned,
    data: Training,
    store: Store,
    *,
    command: str = "",
    on_epoch: OnEpoch = ignore_epoch,
    threads: int | None = None,
    device: str | None = None,
    checkpoint: Path | None = None,
    writing: AbstractContextManager[object] | None = None,
) -> Run:
    """Train one model, score it on its validation images, and store it.

    Args:
        threads: of the training; as many as there are processors unless given.
        device: of an engine that has a choice.
        checkpoint: a folder where a long training keeps its state, to go on from there.
        writing: entered while the run is written.

    Raises:
        HandlensError: the trial cannot be trained.
        StoreError: it cannot be stored.
    """
    trial, images = planned.trial, ready(planned.trial, data)
    told: list[Epoch] = []

    def tell(epoch: Epoch) -> None:
        told.append(epoch)
        on_epoch(epoch)

    clock = Clock()
    model = engine(planned.recipe.engine, device).fit(
        planned.recipe,
        images.train,
        images.validation,
        trial.seed,
        tell,
        threads=threads,
        checkpoint=checkpoint,
    )
    seconds = clock.seconds()
    done = Done(model, seconds, threads, len(told))
    run, said = finished(planned, data, images, done, command=command)
    with writing or contextlib.nullcontext(), at_work(store):
        return store.write(run, said, model.save, name=trial.hash)


@dataclass(frozen=True, eq=False)
class Done:
    """A training that is over.

    Attributes:
        seconds: wall and processor.
        told: epochs that were trained now.
        notes: besides those of data set and model.
    """

    model: Model
    seconds: tuple[float, float]
    threads: int | None
    told: int
    notes: tuple[str, ...] = ()


class Clock:
    """Wall and processor seconds since it was made."""

    def __init__(self) -> None:
        self.begin = time.perf_counter(), time.process_time()

    def seconds(self) -> tuple[float, float]:
        return time.perf_counter() - self.begin[0], time.process_time() - self.begin[1]


def finished(
    planned: Planned,
    data: Training,
    images: Ready,
    done: Done,
    *,
    command: str = "",
) -> tuple[Run, Predictions]:
    """The record of a trained model, which is scored on its validation images."""
    trial, model, seconds, phases = planned.trial, done.model, done.seconds, done.model.phases
    before = model.history[: len(model.history) - done.told]  # of a training that was broken off
    begin = time.perf_counter()
    probabilities = model.predict_proba(images.validation.images)
    predict_us = 1e6 * (time.perf_counter() - begin) / max(len(images.validation), 1)
    wall = max(seconds[0] * phases.share - phases.warm_up_s - phases.compile_s, 0.0)
    run = Run(
        trial=trial,
        name=planned.name,
        model=describe(planned.recipe),
        engine=planned.recipe.engine,
        dataset=data.name,
        classes=data.images.classes,
        input=data.contract(trial.split, images.train),
        history=model.history,
        train_images=len(images.train),
        validation=score(probabilities, images.validation.labels),
        timings=Timings(
            fit_wall_s=wall + (before[-1].seconds if before else 0.0),
            fit_cpu_s=seconds[1] * phases.share,
            predict_us_per_image=predict_us,
            device=phases.device or processor(done.threads),
            warm_up_s=phases.warm_up_s,
            compile_s=phases.compile_s,
        ),
        environment=environment(command),
        parameters=model.count_params(),
        epochs=len(model.history) or None,
        optimizer=optimizer(planned.recipe),
        model_bytes=0,
        created=_now(),
        notes=(*data.notes, *model.notes, *done.notes, *_broken_off(len(before))),
    )
    labels = np.asarray(images.validation.labels)
    return run, Predictions(images.indices, probabilities.astype(np.float32), labels)


def open_test(hash: str, test: ImageSet, store: Store, *, digest: str = "") -> None:
    """Let a stored run's model see the test images, once; every choice about it has been made.

    Args:
        digest: of the test images, where that is known.

    Raises:
        StoreError: the run is missing or damaged, or the scores cannot be stored.
    """
    if store.opened(hash):
        return
    run, model = load_model(store, hash)
    digest, configuration = digest or test.digest(), configuration_of(run.trial)
    with at_work(store):
        store.note_look(hash, digest, configuration)
        probabilities = model.predict_proba(test.images)
        look = Look(digest, configuration, score(probabilities, test.labels), _now())
        store.write_test(hash, Tested(look, probabilities.astype(np.float32), np.asarray(test.labels)))


def load_model(store: Store, hash: str) -> tuple[Run, Model]:
    """A stored run and its model, ready to predict.

    Raises:
        StoreError: missing, damaged or not to be trusted.
    """
    run = store.read(hash)
    return run, engine(run.engine).load(store.model(hash))


def describe(recipe: Recipe) -> str:
    """A recipe in one readable line."""
    if isinstance(recipe, NetworkRecipe):
        return ", ".join(to_text(layer) for layer in recipe.layers)
    return recipe.model if isinstance(recipe, KerasRecipe) else str(recipe.estimator)


def optimizer(recipe: Recipe) -> str:
    """The optimizer's text; empty for a classical model, and for a model of the user's own."""
    if isinstance(recipe, EstimatorRecipe) or recipe.optimizer is None:
        return ""
    return to_text(recipe.optimizer)


def _broken_off(epochs: int) -> tuple[str, ...]:
    if not epochs:
        return ()
    return (f"the training was broken off and went on after epoch {epochs}; CPU seconds are of the rest",)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
