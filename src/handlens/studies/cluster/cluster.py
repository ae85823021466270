"""Trials on a Ray cluster: each is a task of one processor core, on whatever machine has one free.

A task stores its run in a temporary folder of its own, packs it into one file and hands that over: through
Ray, or by way of a shared address (see `remote_store`). The parent alone writes into the study's store, as it
would a run of its own. So a machine that dies takes nothing with it but what was being trained there, and
that is trained again elsewhere.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlens.errors import HandlensError, StoreError
from handlens.records import Run
from handlens.studies.cluster.ray_link import PATIENCE, connected, first_line, here, library, reach
from handlens.studies.cluster.ray_task import Board, Told, shareable, train_here
from handlens.studies.cluster.remote_store import Received, Shelf, unpack
from handlens.studies.storage import disk
from handlens.studies.storage.store import Store
from handlens.studies.training import failures
from handlens.studies.training.claims import at_work, claim
from handlens.studies.training.jobs import Agenda, Event, Failures, Job, OnEvent, Outcome, ignore_event, plain
from handlens.studies.training.run import PULSE, Train
from handlens.studies.training.trial import Training

CRASHES = 3  # how often a trial is tried again whose worker or machine has died
ROOM = 16  # trials that are sent out at the same time at least


def on_ray(address: str | None = None, results: str | None = None) -> Train:
    """Something to pass to `run_study(train=...)` that trains on the machines of a Ray cluster.

    Every machine needs the same handlens, Python and Ray. Training images are sent once to each machine and
    shared by its tasks. Weights and predictions are those of `in_turn`, bit by bit. Ray moves Python objects
    by pickle and runs what its users send: trust the cluster as you trust the machine at hand. (Models and
    runs stay free of pickle.)

    Args:
        address: `host:port`, `ray://host:port`, `auto`, or `local` for this machine alone; unless given, what
            RAY_ADDRESS says, or a cluster of which this machine is part, or this machine alone.
        results: a folder that all machines share, or an fsspec address such as `s3://bucket/runs`: runs come
            back by way of it, and copies stay there; what is there already is not trained again. Unless
            given, they come back through Ray.

    Raises:
        MissingExtra: Ray is not installed.
        HandlensError: nothing answers at the address, or results cannot be written.
    """
    ray = library()
    shelf = Shelf.of(results) if results else None
    if shelf:
        shelf.check()
    reach(address)
    return functools.partial(_train, ray, address, shelf)


def _train(
    ray: Any,
    address: str | None,
    shelf: Shelf | None,
    jobs: Sequence[Job],
    data: Training,
    store: Store,
    *,
    command: str = "",
    on_event: OnEvent = ignore_event,
) -> Failures:
    """As `in_turn`, side by side on the cluster.

    Raises:
        StoreError: a run cannot be stored.
        HandlensError: the cluster cannot be used.
    """
    if not jobs:
        return {}
    with connected(ray, address), at_work(store):
        return _Parent(ray, shelf, data, store, command, Agenda(jobs, store, on_event), on_event).train()


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """A trial under way, and the claim on it."""

    job: Job
    claim: contextlib.ExitStack
    crashes: int = 0


class _Parent:
    """Sends trials out, takes runs in."""

    def __init__(
        self,
        ray: Any,
        shelf: Shelf | None,
        data: Training,
        store: Store,
        command: str,
        agenda: Agenda,
        on_event: OnEvent,
    ) -> None:
        self._ray, self._shelf, self._store, self._agenda, self._on_event = (
            ray,
            shelf,
            store,
            agenda,
            on_event,
        )
        # Ray would try a task that ran out of memory for ever; here all that goes wrong is counted.
        task = ray.remote(num_cpus=1, max_retries=0)(train_here)
        board = ray.remote(num_cpus=0, max_restarts=-1)(Board)
        self._board = board.options(scheduling_strategy=here(ray)).remote()
        self._send = functools.partial(task.remote, ray.put(shareable(data)), command, shelf, self._board)
        self._under_way: dict[Any, _Attempt] = {}
        self._begun: set[int] = set()

    def train(self) -> Failures:
        try:
            while True:
                self._send_out()
                if not self._under_way and not self._agenda.waiting:
                    return self._agenda.failures
                if not self._under_way:
                    time.sleep(PULSE)
                self._land(PULSE)
                self._listen()
                if self._agenda.waiting:
                    self._agenda.look()
        except KeyboardInterrupt:
            while self._land(0):  # what is finished is kept
                pass
            raise
        finally:
            self._cancel()

    def _send_out(self) -> None:
        """Some more than there are cores, so that none waits; not all, so that others may claim some."""
        room = max(ROOM, 2 * int(self._ray.cluster_resources().get("CPU", 0)))
        while len(self._under_way) < room and (job := self._agenda.take()):
            hash = job.planned.trial.hash
            with contextlib.ExitStack() as held:
                if not held.enter_context(claim(self._store.root, hash)):
                    self._agenda.settle(job, Outcome("elsewhere"))
                elif self._store.has(hash):
                    self._on_event(Event("kept", job, run=self._store.read(hash)))
                    self._agenda.settle(job, Outcome("stored"))
                else:
                    failures.forget(self._store, hash)
                    self._start(_Attempt(job, held.pop_all()))

    def _start(self, attempt: _Attempt) -> None:
        self._under_way[self._send(attempt.job.planned, attempt.job.number)] = attempt

    def _land(self, timeout: float) -> bool:
        """Take in a trial that is over; whether there was one."""
        done, _ = self._ray.wait(list(self._under_way), timeout=timeout) if self._under_way else ([], [])
        if not done:
            return False
        self._listen()
        attempt = self._under_way[done[0]]
        found = self._take_in(done[0], attempt.job.planned.trial.hash)
        if self._crashed(found) and attempt.crashes < CRASHES:
            self._start(dataclasses.replace(attempt, crashes=attempt.crashes + 1))
        else:
            self._finish(attempt, found)
        del self._under_way[done[0]]
        return True

    def _crashed(self, found: Run | Exception) -> bool:
        """Whether a worker or a machine died, rather than a trial."""
        errors = self._ray.exceptions
        return isinstance(found, errors.RayError) and not isinstance(found, errors.RayTaskError)

    def _take_in(self, task: Any, hash: str) -> Run | Exception:
        """The run that came of a task, stored, or why there is none."""
        found: Received | Exception
        with disk.beside(self._store.root, "store the run") as folder:
            try:
                found = self._fetch(task, hash, folder)
            except (StoreError, self._ray.exceptions.RayError) as error:
                return error
            return found.store_in(self._store) if isinstance(found, Received) else found

    def _fetch(self, task: Any, hash: str, folder: Path) -> Received | HandlensError:
        """What came of a task."""
        said, parcel = self._ray.get(task), folder / "run.zip"
        if isinstance(said, HandlensError):
            return said
        if self._shelf is None:
            parcel.write_bytes(said)
            return unpack(parcel, hash, folder / "received")
        self._shelf.get(hash, parcel)
        try:
            return unpack(parcel, hash, folder / "received")
        except StoreError:
            self._shelf.remove(hash)  # or it would be taken for a run for ever
            raise

    def _finish(self, attempt: _Attempt, found: Run | Exception) -> None:
        job = attempt.job
        if job.number not in self._begun:
            self._begin(job)
        outcome = self._outcome(job, found)
        attempt.claim.close()
        if isinstance(found, Run):
            self._on_event(Event("done", job, run=found))
        self._agenda.settle(job, outcome)

    def _outcome(self, job: Job, found: Run | Exception) -> Outcome:
        if isinstance(found, Run):
            return Outcome("stored")
        if isinstance(found, HandlensError) and not isinstance(found, StoreError):
            error, trace = plain(found), ""
        else:  # Ray's text has the other machine's traceback
            error, trace = failures.died(first_line(found), self._store, job.planned.trial.hash), str(found)
            if not self._crashed(found):
                return Outcome("broken", error, trace)
        failures.note(self._store, job.planned, error, trace)
        return Outcome("untrainable", error)

    def _begin(self, job: Job) -> None:
        self._begun.add(job.number)
        self._on_event(Event("begun", job))

    def _listen(self) -> None:
        """Pass on what the tasks under way have told."""
        told: list[Told] = []
        with contextlib.suppress(self._ray.exceptions.RayError):  # news are lost with the board, runs are not
            told = self._ray.get(self._board.take.remote(), timeout=PATIENCE)
        jobs = {attempt.job.number: attempt.job for attempt in self._under_way.values()}
        for number, epoch in told:
            if number in jobs and epoch:
                self._on_event(Event("epoch", jobs[number], epoch=epoch))
            elif number in jobs:
                self._begin(jobs[number])

    def _cancel(self) -> None:
        """Stop what is under way: with time to clear up, then without."""
        tasks = list(self._under_way)
        for attempt in self._under_way.values():
            attempt.claim.close()
        for force in (False, True):
            for task in tasks:
                self._ray.cancel(task, force=force)
            tasks = self._ray.wait(tasks, num_returns=len(tasks), timeout=PATIENCE)[1] if tasks else []
