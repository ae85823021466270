"""What a study found, as plain records: the one thing that reports and commands read."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate import Interval, accuracy_interval
from handlens.records import Run


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a run said about every image that it did not train on.

    Attributes:
        validation_indices: int64 [v], positions in the data set's training part.
        validation, test: float32 [v, k] and [m, k], class probabilities.
        validation_labels, test_labels: int64 [v] and [m].
    """

    validation_indices: NDArray[np.int64]
    validation: NDArray[np.float32]
    validation_labels: NDArray[np.int64]
    test: NDArray[np.float32]
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One line of the table: a recipe over its replicates.

    Accuracies are shares (0-1) with a 95 % interval over seeds and images; `macro_f1`, times and sizes are
    means over the replicates.
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
    test: Interval
    macro_f1: float
    fit_wall_s: float
    fit_cpu_s: float
    device: str
    predict_us_per_image: float
    model_bytes: int

    @property
    def error(self) -> float:
        """Share of test images taken for another class (0-1)."""
        return 1 - self.test.mean


@dataclass(frozen=True, eq=False)
class Member:
    """One recipe of a study with its finished replicates, in the order of their seeds."""

    name: str
    runs: tuple[Run, ...]
    predictions: tuple[Predictions, ...]

    def row(self) -> Row:
        """The recipe's line of the table."""
        first = self.runs[0]
        mean = statistics.fmean
        epochs = [run.epochs for run in self.runs if run.epochs is not None]
        return Row(
            model=self.name,
            description=first.model,
            engine=first.engine,
            dataset=first.dataset,
            parameters=first.parameters,
            optimizer=first.optimizer,
            epochs=mean(epochs) if epochs else None,
            replicates=len(self.runs),
            validation=accuracy_interval(
                correct([p.validation for p in self.predictions], self.predictions[0].validation_labels)
            ),
            test=accuracy_interval(
                correct([p.test for p in self.predictions], self.predictions[0].test_labels)
            ),
            macro_f1=mean(run.test.macro_f1 for run in self.runs),
            fit_wall_s=mean(run.timings.fit_wall_s for run in self.runs),
            fit_cpu_s=mean(run.timings.fit_cpu_s for run in self.runs),
            device=first.timings.device,
            predict_us_per_image=mean(run.timings.predict_us_per_image for run in self.runs),
            model_bytes=round(mean(run.model_bytes for run in self.runs)),
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
    could not be trained, a line each.
    """

    name: str
    title: str
    command: str
    members: tuple[Member, ...]
    rows: tuple[Row, ...]
    failures: tuple[str, ...] = ()

    @property
    def chosen(self) -> Member:
        return self.members[0]


def result(
    name: str, title: str, command: str, members: Sequence[Member], failures: tuple[str, ...] = ()
) -> StudyResult:
    """The members by mean validation accuracy (ties: fewer seconds to train), with their rows."""
    paired = [(member, member.row()) for member in members]
    paired.sort(key=lambda pair: (-pair[1].validation.mean, pair[1].fit_wall_s))
    ordered, rows = tuple(member for member, _ in paired), tuple(row for _, row in paired)
    return StudyResult(name, title, command, ordered, rows, failures)
