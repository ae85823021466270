"""One trial from start to record, and a whole study. The only file that opens test images."""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data import Dataset, ImageSet, split
from handlens.data import Split as Indices
from handlens.data.pictures import contract_of
from handlens.engines import Model, OnEpoch, engine, ignore_epoch
from handlens.errors import HandlensError, StoreError
from handlens.evaluate import score
from handlens.records import Epoch, Run, Timings
from handlens.spec import NetworkRecipe, Recipe, to_text
from handlens.studies.environment import device, environment
from handlens.studies.plan import Planned, Study, plan
from handlens.studies.result import Member, Predictions, StudyResult, result
from handlens.studies.store import Store


@dataclass(frozen=True)
class Event:
    """What happens while a study runs.

    `kind`: `kept` (the run was there already), `begun`, `epoch` (of a network), `done` or `failed`; `number`
    of `total` trials, counted from 1.
    """

    kind: str
    planned: Planned
    number: int
    total: int
    epoch: Epoch | None = None
    run: Run | None = None


OnEvent = Callable[[Event], None]


def run_study(
    study: Study, dataset: Dataset, store: Store, *, command: str = "", on_event: OnEvent | None = None
) -> StudyResult:
    """Train what is not in the store yet, trial by trial, and gather the result.

    A trial that cannot be trained (its loss is no number any more, say) is left out and named among the
    result's failures; the others go on.

    Raises:
        SpecError: a recipe that cannot be built; nothing is trained then.
        HandlensError: no trial at all could be trained, or a run cannot be stored.
    """
    planned = plan(study, dataset)
    failed: dict[int, HandlensError] = {}
    for number, item in enumerate(planned, 1):
        say = _speaker(on_event, item, number, len(planned))
        if store.has(item.trial.hash):
            say("kept", run=store.read(item.trial.hash))
            continue
        say("begun")
        on_epoch = functools.partial(say, "epoch")
        try:
            run = run_trial(item, dataset, store, command=command, on_epoch=on_epoch)
        except StoreError:
            raise
        except HandlensError as error:
            error.where = f"recipe {item.name!r}, replicate {item.replicate + 1}"
            failed[number] = error
            say("failed")
            continue
        say("done", run=run)
    if len(failed) == len(planned):
        raise failed[1]
    finished = tuple(item for number, item in enumerate(planned, 1) if number not in failed)
    failures = tuple(str(error) for error in failed.values())
    return gather(study, finished, store, command=command, failures=failures)


def _speaker(on_event: OnEvent | None, planned: Planned, number: int, total: int) -> Callable[..., None]:
    def say(kind: str, epoch: Epoch | None = None, run: Run | None = None) -> None:
        if on_event is not None:
            on_event(Event(kind, planned, number, total, epoch, run))

    return say


def gather(
    study: Study,
    planned: tuple[Planned, ...],
    store: Store,
    *,
    command: str = "",
    failures: tuple[str, ...] = (),
) -> StudyResult:
    """The result of a study whose planned runs are all in the store.

    Raises:
        StoreError: a run is missing or damaged.
    """
    members = []
    for recipe in study.recipes:
        hashes = [item.trial.hash for item in planned if item.name == recipe.name]
        if not hashes:
            continue
        runs = tuple(store.read(hash) for hash in hashes)
        members.append(Member(recipe.name, runs, tuple(store.predictions(hash) for hash in hashes)))
    return result(study.name, study.title or study.name, command, members, failures)


def run_trial(
    planned: Planned,
    dataset: Dataset,
    store: Store,
    *,
    command: str = "",
    on_epoch: OnEpoch = ignore_epoch,
) -> Run:
    """Train one model, score it on the images it did not see, and store it."""
    trial = planned.trial
    parts = split(dataset.train.labels, trial.split.validation, trial.split.seed)
    train, validation = dataset.train.take(parts.train), dataset.train.take(parts.validation)
    wall, cpu = time.perf_counter(), time.process_time()
    model = engine(planned.recipe.engine).fit(planned.recipe, train, validation, trial.seed, on_epoch)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    on_validation = model.predict_proba(validation.images)
    # The test images are opened here: every choice about this model has been made.
    begin = time.perf_counter()
    on_test = model.predict_proba(dataset.test.images)
    predict_us = 1e6 * (time.perf_counter() - begin) / max(len(dataset.test), 1)
    run = Run(
        trial=trial,
        name=planned.name,
        model=describe(planned.recipe),
        engine=planned.recipe.engine,
        dataset=dataset.name,
        classes=dataset.classes,
        input=asdict(contract_of(train.images)),
        history=model.history,
        train_images=len(train),
        validation=score(on_validation, validation.labels),
        test=score(on_test, dataset.test.labels),
        timings=Timings(wall, cpu, predict_us, device()),
        environment=environment(command),
        parameters=model.count_params(),
        epochs=len(model.history) or None,
        optimizer=optimizer(planned.recipe),
        model_bytes=0,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        notes=(*dataset.notes, *model.notes),
    )
    return store.write(
        run,
        _predictions(parts, validation, dataset.test, on_validation, on_test),
        model.save,
        name=trial.hash,
    )


def _predictions(
    parts: Indices, validation: ImageSet, test: ImageSet, on_validation: NDArray[Any], on_test: NDArray[Any]
) -> Predictions:
    return Predictions(
        validation_indices=parts.validation,
        validation=on_validation.astype(np.float32),
        validation_labels=np.asarray(validation.labels),
        test=on_test.astype(np.float32),
        test_labels=np.asarray(test.labels),
    )


def load_model(store: Store, hash: str) -> tuple[Run, Model]:
    """A stored run and its model, ready to predict.

    Raises:
        StoreError: missing, damaged or not to be trusted.
    """
    run = store.read(hash)
    return run, engine(run.engine).load(store.folder(hash) / "model")


def describe(recipe: Recipe) -> str:
    """A recipe in one readable line."""
    if isinstance(recipe, NetworkRecipe):
        return ", ".join(to_text(layer) for layer in recipe.layers)
    return str(recipe.estimator)


def optimizer(recipe: Recipe) -> str:
    """The optimizer's text; empty for a classical model."""
    return to_text(recipe.optimizer) if isinstance(recipe, NetworkRecipe) else ""
