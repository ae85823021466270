"""What a study found, as plain records: the one thing that reports and commands read."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate import Interval, accuracy_interval
from handlens.records import Look, Run


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a run said about the validation images.

    Attributes:
        indices: int64 [v], their positions in the data set's training part.
        probabilities: float32 [v, k], of the classes.
        labels: int64 [v].
    """

    indices: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tested:
    """What a run said about the test images, float32 [m, k] and int64 [m], and its scores."""

    look: Look
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Looks:
    """How often the test images of a data set were looked at, and by how many configurations."""

    runs: int
    configurations: int


@dataclass(frozen=True)
class Row:
    """One line of the table: a configuration over its replicates.

    Accuracies are shares (0-1) with a 95 % interval over seeds and images; `macro_f1`, times and sizes are
    means over the replicates. `test` and `macro_f1`, on the test images, are None where these stayed closed.
    """

    model: str
    description: str
    engine: str
    dataset: str
    parameters: int | None
    optimizer: str
    epochs: float | None
    replicates: int
    validation: Interval
    test: Interval | None
    macro_f1: float | None
    fit_wall_s: float
    fit_cpu_s: float
    device: str
    predict_us_per_image: float
    model_bytes: int

    @property
    def error(self) -> float | None:
        """Share of test images taken for another class (0-1)."""
        return None if self.test is None else 1 - self.test.mean


@dataclass(frozen=True, eq=False)
class Member:
    """One configuration of a study with its finished replicates, in the order of their seeds.

    `family` is the recipe that a sweep made it from, its own name without a sweep. `tests` has one entry a
    run, or none where the test images were not opened for this configuration.
    """

    name: str
    runs: tuple[Run, ...]
    predictions: tuple[Predictions, ...]
    tests: tuple[Tested, ...] = ()
    family: str = ""

    def row(self) -> Row:
        """The recipe's line of the table."""
        right = correct([p.probabilities for p in self.predictions], self.predictions[0].labels)
        if not self.tests:
            return row(self.name, self.runs, right)
        right_test = correct([t.probabilities for t in self.tests], self.tests[0].labels)
        return row(self.name, self.runs, right, [t.look for t in self.tests], right_test)


def row(
    name: str,
    runs: Sequence[Run],
    right: NDArray[np.bool_],
    looks: Sequence[Look] = (),
    right_test: NDArray[np.bool_] | None = None,
) -> Row:
    """The line of a configuration's replicates.

    Args:
        right: bool [replicates, v], of the validation images.
        looks: at the test images, of every replicate; empty where these stayed closed.
        right_test: bool [replicates, m], of the test images; None likewise.
    """
    mean, first = statistics.fmean, runs[0]
    epochs = [run.epochs for run in runs if run.epochs is not None]
    return Row(
        model=name,
        description=first.model,
        engine=first.engine,
        dataset=first.dataset,
        parameters=first.parameters,
        optimizer=first.optimizer,
        epochs=mean(epochs) if epochs else None,
        replicates=len(runs),
        validation=accuracy_interval(right),
        test=None if right_test is None else accuracy_interval(right_test),
        macro_f1=mean(look.scores.macro_f1 for look in looks) if looks else None,
        fit_wall_s=mean(run.timings.fit_wall_s for run in runs),
        fit_cpu_s=mean(run.timings.fit_cpu_s for run in runs),
        device=first.timings.device,
        predict_us_per_image=mean(run.timings.predict_us_per_image for run in runs),
        model_bytes=round(mean(run.model_bytes for run in runs)),
    )


def correct(
    probabilities: Sequence[NDArray[np.floating[Any]]], labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """bool [replicates, n]: whether the largest probability is that of the true class."""
    return np.stack([given.argmax(axis=1) == labels for given in probabilities])


@dataclass(frozen=True, eq=False)
class StudyResult:
    """A study's finished runs; members and rows are sorted by validation accuracy, best first.

    The first member is the one chosen. Test scores take no part in the order. `failures` are the trials that
    could not be trained, a line each; `looks` counts how often these test images were ever looked at.
    """

    name: str
    title: str
    command: str
    members: tuple[Member, ...]
    rows: tuple[Row, ...]
    failures: tuple[str, ...] = ()
    looks: Looks | None = None

    @property
    def chosen(self) -> Member:
        return self.members[0]


def result(
    name: str,
    title: str,
    command: str,
    members: Sequence[Member],
    failures: tuple[str, ...] = (),
    looks: Looks | None = None,
) -> StudyResult:
    """The members by mean validation accuracy, with their rows."""
    ordered = by_validation(members)
    rows = tuple(member.row() for member in ordered)
    return StudyResult(name, title, command, ordered, rows, failures, looks)


def by_validation(members: Sequence[Member]) -> tuple[Member, ...]:
    """Best mean validation accuracy first; ties: fewer parameters, then the name. No time takes part."""

    def key(member: Member) -> tuple[float, float, str]:
        mean = statistics.fmean(run.validation.accuracy for run in member.runs)
        return -mean, member.runs[0].parameters or 0, member.name

    return tuple(sorted(members, key=key))


def chosen_of_each(members: Sequence[Member]) -> tuple[Member, ...]:
    """Of every family the configuration that validation images prefer."""
    best: dict[str, Member] = {}
    for member in by_validation(members):
        best.setdefault(member.family or member.name, member)
    return tuple(best.values())
