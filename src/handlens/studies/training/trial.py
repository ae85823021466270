"""One trial: trained and stored; later, once every choice is made, its look at the test images.

`train_trial` is given training images alone. `open_test` is the one place that sees test images.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from handlens.data import Dataset, ImageSet, split
from handlens.data.pictures import contract_of
from handlens.engines import Model, OnEpoch, engine, ignore_epoch
from handlens.evaluate import score
from handlens.records import Environment, Epoch, Look, Run, Split, Timings
from handlens.spec import NetworkRecipe, Recipe, to_text
from handlens.studies.planning.plan import Planned, configuration_of
from handlens.studies.storage.result import Predictions, Tested
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import at_work
from handlens.studies.training.environment import device, environment


@dataclass(frozen=True, eq=False)
class Training:
    """What a trial may know of a data set: its training images and what is said about it."""

    name: str
    images: ImageSet
    notes: tuple[str, ...] = ()
    _contracts: dict[Split, dict[str, Any]] = field(default_factory=dict, repr=False)

    def contract(self, split: Split, train: ImageSet) -> dict[str, Any]:
        """How pictures become like the images that the split trains on; found out once for all trials."""
        if split not in self._contracts:
            self._contracts[split] = asdict(contract_of(train.images))
        return self._contracts[split]


def training(dataset: Dataset) -> Training:
    """The data set without its test images."""
    return Training(dataset.name, dataset.train, dataset.notes)


def train_trial(
    planned: Planned,
    data: Training,
    store: Store,
    *,
    command: str = "",
    on_epoch: OnEpoch = ignore_epoch,
    threads: int | None = None,
    checkpoint: Path | None = None,
    writing: AbstractContextManager[object] | None = None,
) -> Run:
    """Train one model, score it on its validation images, and store it.

    Args:
        threads: of the training; as many as there are processors unless given.
        checkpoint: a folder where a long training keeps its state, to go on from there.
        writing: entered while the run is written.

    Raises:
        HandlensError: the trial cannot be trained.
        StoreError: it cannot be stored.
    """
    trial = planned.trial
    parts = split(data.images.labels, trial.split.validation, trial.split.seed)
    train, validation = data.images.take(parts.train), data.images.take(parts.validation)
    told: list[Epoch] = []

    def tell(epoch: Epoch) -> None:
        told.append(epoch)
        on_epoch(epoch)

    wall, cpu = time.perf_counter(), time.process_time()
    model = engine(planned.recipe.engine).fit(
        planned.recipe, train, validation, trial.seed, tell, threads=threads, checkpoint=checkpoint
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    before = model.history[: len(model.history) - len(told)]  # of a training that was broken off
    begin = time.perf_counter()
    probabilities = model.predict_proba(validation.images)
    predict_us = 1e6 * (time.perf_counter() - begin) / max(len(validation), 1)
    run = Run(
        trial=trial,
        name=planned.name,
        model=describe(planned.recipe),
        engine=planned.recipe.engine,
        dataset=data.name,
        classes=data.images.classes,
        input=data.contract(trial.split, train),
        history=model.history,
        train_images=len(train),
        validation=score(probabilities, validation.labels),
        timings=Timings(wall + (before[-1].seconds if before else 0.0), cpu, predict_us, device(threads)),
        environment=_environment(command),
        parameters=model.count_params(),
        epochs=len(model.history) or None,
        optimizer=optimizer(planned.recipe),
        model_bytes=0,
        created=_now(),
        notes=(*data.notes, *model.notes, *_broken_off(len(before))),
    )
    said = Predictions(parts.validation, probabilities.astype(np.float32), np.asarray(validation.labels))
    with writing or contextlib.nullcontext(), at_work(store):
        return store.write(run, said, model.save, name=trial.hash)


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
    return str(recipe.estimator)


def optimizer(recipe: Recipe) -> str:
    """The optimizer's text; empty for a classical model."""
    return to_text(recipe.optimizer) if isinstance(recipe, NetworkRecipe) else ""


def _broken_off(epochs: int) -> tuple[str, ...]:
    if not epochs:
        return ()
    return (f"the training was broken off and went on after epoch {epochs}; CPU seconds are of the rest",)


@functools.cache
def _environment(command: str) -> Environment:
    """It stays the same, and takes milliseconds to find out."""
    return environment(command)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
