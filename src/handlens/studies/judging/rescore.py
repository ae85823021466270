"""A run's score three ways: as given, without leaked images, and trained again with copies kept together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handlens.data import Dataset
from handlens.data.split import count_of
from handlens.engines import engine
from handlens.errors import DataError
from handlens.evaluate.intervals import Interval, accuracy_interval
from handlens.evaluate.rescored import left_out_difference, overlapping_difference
from handlens.records import Run, Split, Trial, families_name
from handlens.spec import from_dict
from handlens.studies.judging.audit import TEST, TRAINING, VALIDATION, Audit
from handlens.studies.planning.plan import Planned
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import at_work
from handlens.studies.training.jobs import Job, OnEvent, ignore_event
from handlens.studies.training.run import in_turn
from handlens.studies.training.trial import Training

Way = Literal["as given", "without leaked images", "split by families"]
NOTE = "validation images were chosen by whole families of copies"


@dataclass(frozen=True)
class Score:
    """An accuracy.

    Attributes:
        part: `test` or `validation`: what kind of images.
        images: how many.
        accuracy: with its 95 % interval over these images.
        run: whose model it is.
    """

    way: Way
    part: str
    images: int
    accuracy: Interval
    run: str


@dataclass(frozen=True)
class Change:
    """How a score differs from the one as given on the same kind of images: accuracy difference (-1..1) with
    its 95 % interval, paired where images are shared."""

    way: Way
    part: str
    difference: Interval

    @property
    def kind(self) -> Literal["none", "noise", "higher", "lower"]:
        """`none` where nothing was left out, `noise` where zero lies in the interval."""
        low, high = self.difference.low, self.difference.high
        if low == high == 0:
            return "none"
        return "higher" if low > 0 else "lower" if high < 0 else "noise"


@dataclass(frozen=True)
class Rescored:
    """A run's scores.

    Attributes:
        model: what its study calls the recipe; `run`: its hash.
        leaked: images of the part that were left out, copies of which the model was trained on.
        scores: as given and without leaked images, on test images where these were opened and else on
            validation images; then as given on validation images and split by families.
        changes: of each score against the one as given.
        notes: what could not be done, and why.
    """

    model: str
    run: str
    leaked: int
    scores: tuple[Score, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


def rescore(
    store: Store,
    hash: str,
    found: Audit,
    *,
    train: bool = True,
    command: str = "",
    on_event: OnEvent = ignore_event,
) -> Rescored:
    """Score a run as given, without the leaked images, and with a split by families.

    The first two come from what the run said when it was trained or opened. The third trains the same recipe
    with the same seed, its validation images chosen by whole families; that is an ordinary run, stored like
    any other, and no test image is opened for it.

    Args:
        found: the audit of the run's data set with the run's own validation images (`validation_of`).
        train: whether to train for the third; without it there are two.

    Raises:
        DataError: the audit is of other images.
        StoreError: the run is missing or damaged, or the new one cannot be stored.
    """
    run = store.read(hash)
    same_data(run, found.dataset)
    given = store.predictions(hash)
    right = given.probabilities.argmax(axis=1) == given.labels
    on_validation = Score("as given", "validation", len(right), accuracy_interval(right[None]), hash)
    leaked_validation = found.duplicates.leaked(VALIDATION, into=TRAINING)[given.indices]
    if store.opened(hash):
        tested = store.tested(hash)
        right_test = tested.probabilities.argmax(axis=1) == tested.labels
        scores, changes, out = _without("test", right_test, _leaked_tests(found), hash)
    else:
        scores, changes, out = _without("validation", right, leaked_validation, hash)
    notes: tuple[str, ...] = ()
    if train:
        try:
            made = by_families(store, run, found, command=command, on_event=on_event)
        except DataError as error:
            notes = (f"Not split by families: {error}.",)
        else:
            again = store.predictions(made.trial.hash)
            right_again = again.probabilities.argmax(axis=1) == again.labels
            if on_validation not in scores:
                scores = (*scores, on_validation)
            accuracy = accuracy_interval(right_again[None])
            scores += (Score("split by families", "validation", len(right_again), accuracy, made.trial.hash),)
            apart = overlapping_difference(right, given.indices, right_again, again.indices)
            changes += (Change("split by families", "validation", apart),)
    return Rescored(run.name, hash, out, scores, changes, notes)


def validation_of(store: Store, hash: str) -> NDArray[np.int64]:
    """Positions in the training part of a run's validation images, for `audit`.

    Raises:
        StoreError: the run is missing or damaged.
    """
    return store.predictions(hash).indices


def same_data(run: Run, dataset: Dataset) -> None:
    """Raise `DataError` unless the run was trained on this data set."""
    if run.trial.data != dataset.digest:
        raise DataError(
            f"run {run.trial.hash[:8]} was trained on other images ({run.dataset})",
            where=dataset.name,
            expected="a run of the data set that is audited",
            remedy="name the data set with the options that the run was trained with",
        )


def by_families(
    store: Store, run: Run, found: Audit, *, command: str = "", on_event: OnEvent = ignore_event
) -> Run:
    """The run's recipe trained with its seed and a split that keeps families of copies together.

    Raises:
        DataError: there are no copies inside the training part, or no family is small enough.
        HandlensError: it cannot be trained or stored.
    """
    families = found.training_families
    if int(families.max(initial=-1)) + 1 == len(families):
        raise DataError("there are no copies inside the training part, so any split keeps them together")
    images = found.dataset.train
    count = count_of(images.labels, run.trial.split.validation, "validation")
    wanted = run.trial.split.validation
    trial = Trial(
        data=run.trial.data,
        split=Split(
            count if isinstance(wanted, str) else wanted, run.trial.split.seed, families_name(families)
        ),
        recipe=run.trial.recipe,
        seed=run.trial.seed,
        numerics=engine(run.engine).numerics,
    )
    recipe = from_dict({"name": run.name} | run.trial.recipe, where=f"run {run.trial.hash[:8]}")
    planned = Planned(run.name, recipe, 0, trial, run.name)
    if not store.has(trial.hash):
        data = Training(found.dataset.name, images, (*found.dataset.notes, NOTE), families)
        with at_work(store):
            failed = in_turn([Job(planned, 1, 1)], data, store, command=command, on_event=on_event)
        for error in failed.values():
            raise error
    return store.read(trial.hash)


def _leaked_tests(found: Audit) -> NDArray[np.bool_]:
    """bool [m]: test images with a copy among those that the model was trained on or chosen by."""
    seen = found.duplicates.leaked(TEST, into=TRAINING) | found.duplicates.leaked(TEST, into=VALIDATION)
    return np.asarray(seen[len(found.dataset.train) :])


def _without(
    part: str, right: NDArray[np.bool_], leaked: NDArray[np.bool_], hash: str
) -> tuple[tuple[Score, ...], tuple[Change, ...], int]:
    """As given and without the leaked images; where all are leaked there is the first alone."""
    given = Score("as given", part, len(right), accuracy_interval(right[None]), hash)
    kept = right[~leaked]
    if not len(kept):
        return (given,), (), int(leaked.sum())
    rest = Score("without leaked images", part, len(kept), accuracy_interval(kept[None]), hash)
    change = Change("without leaked images", part, left_out_difference(right, leaked))
    return (given, rest), (change,), int(leaked.sum())
