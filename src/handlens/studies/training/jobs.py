"""The jobs of a study: one of them done from claim to run, and the list of those that are still to do."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from handlens.errors import HandlensError, StoreError
from handlens.records import Epoch, Run
from handlens.studies.planning.plan import Planned
from handlens.studies.storage.store import Store
from handlens.studies.training import failures
from handlens.studies.training.claims import CHECKPOINTS, claim, claimed
from handlens.studies.training.trial import Training, train_trial


@dataclass(frozen=True)
class Job:
    """A trial to train: `number` of `total` in its study, counted from 1."""

    planned: Planned
    number: int
    total: int


@dataclass(frozen=True)
class Event:
    """What happens while a study runs.

    `kind`: first of every trial `kept` (its run is there already) or `missing`; then of a missing one
    `begun`, `epoch` (of a network), and `done`, `failed`, or `kept` where another process has trained it
    meanwhile. A trial that is tried again has `begun` again.
    """

    kind: str
    job: Job
    epoch: Epoch | None = None
    run: Run | None = None


OnEvent = Callable[[Event], None]
Failures = dict[int, HandlensError]  # by the trial's number


def ignore_event(event: Event) -> None:
    """The `on_event` of somebody who does not want to know."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    `kind`: `stored`; `elsewhere` (another process is at it); `untrainable` (it would fail again); `broken`
    (by what no trial should do, `trace` says where); `unstored` (no run can be written).
    """

    kind: Literal["stored", "elsewhere", "untrainable", "broken", "unstored"]
    error: HandlensError | None = None
    trace: str = ""


class _Deaf(Exception):
    """Whoever was told of an epoch raised the cause: no fault of the trial's."""


def train_job(
    job: Job,
    data: Training,
    store: Store,
    *,
    command: str = "",
    on_event: OnEvent = ignore_event,
    threads: int | None = None,
    device: str | None = None,
    writing: AbstractContextManager[object] | None = None,
) -> Outcome:
    """Claim a trial, train and store it. Its training goes on from a checkpoint if there is one.

    Args:
        device: of an engine that has a choice.
        writing: entered while the run is written.

    Raises:
        StoreError: the run cannot be stored.
    """
    planned, hash = job.planned, job.planned.trial.hash

    def on_epoch(epoch: Epoch) -> None:
        try:
            on_event(Event("epoch", job, epoch=epoch))
        except Exception as error:
            raise _Deaf from error

    with claim(store.root, hash) as mine:
        if not mine:
            return Outcome("elsewhere")
        if store.has(hash):
            on_event(Event("kept", job, run=store.read(hash)))
            return Outcome("stored")
        failures.forget(store, hash)
        on_event(Event("begun", job))
        checkpoint = store.root / CHECKPOINTS / hash
        try:
            run = train_trial(
                planned,
                data,
                store,
                command=command,
                on_epoch=on_epoch,
                threads=threads,
                device=device,
                checkpoint=checkpoint,
                writing=writing,
            )
        except StoreError:
            raise
        except HandlensError as error:
            failures.note(store, planned, error)
            return Outcome("untrainable", error)
        except _Deaf as deaf:
            raise deaf.__cause__ or deaf from None
        except Exception as error:
            return Outcome("broken", *failures.unexpected(error, store, hash))
        shutil.rmtree(checkpoint, ignore_errors=True)
    on_event(Event("done", job, run=run))
    return Outcome("stored")


class Agenda:
    """The jobs that are still to do, in their order, and those that failed.

    A job that breaks is tried once more. One that another process has claimed is looked at again at the end.
    """

    def __init__(self, jobs: Sequence[Job], store: Store, on_event: OnEvent) -> None:
        self.failures: Failures = {}
        self._pending = deque(jobs)
        self._elsewhere: list[Job] = []
        self._broken: set[int] = set()
        self._store, self._on_event = store, on_event

    @property
    def waiting(self) -> bool:
        """Whether there is nothing to do but wait for other processes."""
        return not self._pending and bool(self._elsewhere)

    def take(self) -> Job | None:
        """The next job, which `settle` is to be told the outcome of; None where there is none now."""
        return self._pending.popleft() if self._pending else None

    def settle(self, job: Job, outcome: Outcome) -> None:
        """Note what became of a job.

        Raises:
            StoreError: no run can be written: there is no point in going on.
        """
        error = outcome.error or HandlensError("no reason is known")
        if outcome.kind == "unstored":
            raise error
        if outcome.kind == "elsewhere":
            self._elsewhere.append(job)
        elif outcome.kind == "broken" and job.number not in self._broken:
            self._broken.add(job.number)
            self._pending.appendleft(job)
        elif outcome.kind != "stored":
            if outcome.kind == "broken":
                failures.note(self._store, job.planned, error, outcome.trace)
            self._fail(job, error)

    def look(self) -> None:
        """See what other processes have done meanwhile; what they have dropped is to do again.

        Raises:
            StoreError: a run is damaged.
        """
        elsewhere, self._elsewhere = self._elsewhere, []
        for job in elsewhere:
            hash = job.planned.trial.hash
            # In this order: who gives a claim back has stored the run, or noted the failure, before.
            if claimed(self._store.root, hash):
                self._elsewhere.append(job)
            elif self._store.has(hash):
                self._on_event(Event("kept", job, run=self._store.read(hash)))
            elif failure := failures.read(self._store, hash):
                self._fail(job, HandlensError(failure.error))
            else:
                self._pending.append(job)

    def _fail(self, job: Job, error: HandlensError) -> None:
        self.failures[job.number] = error
        self._on_event(Event("failed", job))


def plain(error: HandlensError) -> HandlensError:
    """The error as one of two classes, which any process can make again."""
    kind = StoreError if isinstance(error, StoreError) else HandlensError
    return kind(error.what, where=error.where, expected=error.expected, remedy=error.remedy)
