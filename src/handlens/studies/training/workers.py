"""Trials side by side: worker processes of one thread each, which share the training images.

A worker that dies, or a trial that raises what it should not, costs that one trial; after a second attempt in
a fresh worker it is a failure, and the study goes on.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Any

from handlens.spec import NetworkRecipe
from handlens.studies.storage.store import Store
from handlens.studies.training import failures
from handlens.studies.training.environment import cores
from handlens.studies.training.jobs import Agenda, Event, Failures, Job, OnEvent, Outcome, ignore_event
from handlens.studies.training.process import PATIENCE, Worker
from handlens.studies.training.run import PULSE, Train, in_turn
from handlens.studies.training.shared import Shared, shared
from handlens.studies.training.trial import Training


def in_processes(workers: int) -> Train:
    """Something to pass to `run_study(train=...)`: so many trials at a time, each in a process of one thread.

    Weights and predictions are those of `in_turn`. A trial that raises anything unexpected, or whose worker
    dies, is tried once more in a fresh worker, and then is a failure. Ctrl-C stops the trials under way; what
    is being written is finished. (A script that calls this needs `if __name__ == "__main__":`, as everything
    that starts processes does.)
    """
    return functools.partial(_train, workers)


def as_fits(
    jobs: Sequence[Job], data: Training, store: Store, *, command: str = "", on_event: OnEvent = ignore_event
) -> Failures:
    """Networks side by side, one for each processor core, if they are as many; anything else in turn.

    One network gains little by a second thread. Most classical models use all cores by themselves.

    Raises:
        StoreError: a run cannot be stored.
    """
    networks = all(isinstance(job.planned.recipe, NetworkRecipe) for job in jobs)
    apart = networks and len(jobs) >= cores() > 1
    train = in_processes(cores()) if apart else in_turn
    return train(jobs, data, store, command=command, on_event=on_event)


def _train(
    workers: int,
    jobs: Sequence[Job],
    data: Training,
    store: Store,
    *,
    command: str = "",
    on_event: OnEvent = ignore_event,
) -> Failures:
    """As `in_turn`, side by side."""
    if not jobs:
        return {}
    agenda = Agenda(jobs, store, on_event)
    with shared(data, store.root) as images:
        crew = _Crew(min(workers, len(jobs)), images, store, command, agenda, on_event)
        try:
            crew.work()
        finally:
            crew.dismiss()
    return agenda.failures


class _Crew:
    """The workers: gives jobs out, takes news in."""

    def __init__(
        self, size: int, images: Shared, store: Store, command: str, agenda: Agenda, on_event: OnEvent
    ) -> None:
        self._size, self._store, self._agenda, self._on_event = size, store, agenda, on_event
        self._hire = functools.partial(Worker, images, store, command)
        self._workers: list[Worker] = []

    def work(self) -> None:
        """Until nothing is left to do.

        Raises:
            StoreError: a run cannot be stored.
        """
        while True:
            self._give_out()
            busy: dict[Any, Worker] = {worker.connection: worker for worker in self._workers if worker.job}
            if not busy and not self._agenda.waiting:
                return
            for ready in wait(list(busy), PULSE if self._agenda.waiting else None):
                self._hear(busy[ready])
            if self._agenda.waiting:
                self._agenda.look()

    def dismiss(self) -> None:
        """Let all workers go: those that are writing finish it, unless there is a second interrupt."""
        end = time.monotonic() + PATIENCE
        try:
            for worker in self._workers:
                worker.dismiss()
            for worker in self._workers:
                worker.end(max(0.0, end - time.monotonic()))
        finally:
            for worker in self._workers:
                worker.process.kill()

    def _give_out(self) -> None:
        idle = [worker for worker in self._workers if not worker.job]
        while idle or len(self._workers) < self._size:
            job = self._agenda.take()
            if job is None:
                return
            if not idle:
                idle.append(self._hire())
                self._workers += idle
            idle.pop().begin(job)

    def _hear(self, worker: Worker) -> None:
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            said = None
        if isinstance(said, Event):
            self._on_event(said)
            return
        assert worker.job
        job, worker.job = worker.job, None
        if said is None or said.kind == "broken":  # who knows what state it is in
            self._workers.remove(worker)
            worker.dismiss()
            death = worker.end()
            said = said or Outcome("broken", failures.died(death, self._store, job.planned.trial.hash))
        self._agenda.settle(job, said)
