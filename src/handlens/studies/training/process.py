"""A worker process: one thread, and a job at a time for as long as its parent wants.

Its life hangs on the connection to the parent: when that ends, because the parent closes it or was killed,
the worker finishes what it is writing and goes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

from handlens.errors import HandlensError, StoreError
from handlens.studies.storage.store import Store
from handlens.studies.training import failures
from handlens.studies.training.jobs import Job, Outcome, plain, train_job
from handlens.studies.training.shared import Shared
from handlens.studies.training.trial import Training

PATIENCE = 20.0  # seconds to finish writing
# Read when a library is loaded, so they must be there before the worker is.
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


class Worker:
    """A process that trains, as its parent sees it; `job` is what it is at."""

    def __init__(self, shared: Shared, store: Store, command: str) -> None:
        """Start the process.

        Raises:
            HandlensError: the system has no room for it.
        """
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_live, args=(theirs, shared, store, command))
        self.job: Job | None = None
        try:
            with _environment(), _deaf_to_interrupts():
                self.process.start()
        except OSError as error:
            raise HandlensError(
                f"cannot start a worker ({error.strerror or error})", remedy="ask for fewer --workers"
            ) from error
        theirs.close()

    def begin(self, job: Job) -> None:
        """Let it train a trial; what it says is an `Event`, or at the end the `Outcome`."""
        self.job = job
        with contextlib.suppress(OSError):  # a dead one is noticed by its silence
            self.connection.send(job)

    def dismiss(self) -> None:
        """Let it go, as soon as it is not writing."""
        self.connection.close()

    def end(self, patience: float = PATIENCE) -> str:
        """What the process came to, after so many seconds at the latest."""
        self.process.join(patience)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join(PATIENCE)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"the worker ended with status {code}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
        often = "; often: out of memory" if name == "SIGKILL" else ""
        return f"the worker was killed by signal {-code} ({name}{often})"


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """One thread for every library, in processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal; those started meanwhile leave it to the parent."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it would lift the mask when it is started by the way
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _live(connection: Connection, shared: Shared, store: Store, command: str) -> None:
    """A worker's life: a job after the other until the parent is gone or wants no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks: queue.SimpleQueue[Job] = queue.SimpleQueue()
    writing = threading.Lock()
    threading.Thread(target=_listen, args=(connection, tasks, writing), daemon=True).start()
    from threadpoolctl import threadpool_limits

    def tell(said: object) -> None:
        try:
            connection.send(said)
        except OSError:
            _leave(writing)

    data = shared.open()
    with threadpool_limits(1):
        while True:
            tell(_outcome(tasks.get(), data, store, command=command, on_event=tell, writing=writing))


def _listen(connection: Connection, tasks: queue.SimpleQueue[Any], writing: threading.Lock) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            tasks.put(connection.recv())
    _leave(writing)


def _leave(writing: threading.Lock) -> None:
    """Go now, whatever is under way, but finish writing."""
    with writing:
        os._exit(0)


def _outcome(job: Job, data: Training, store: Store, **how: Any) -> Outcome:
    """What became of a job, whatever that is."""
    try:
        outcome = train_job(job, data, store, threads=1, **how)
    except StoreError as error:
        return Outcome("unstored", plain(error))
    except (Exception, SystemExit) as error:
        return Outcome("broken", *failures.unexpected(error, store, job.planned.trial.hash))
    return Outcome(outcome.kind, outcome.error and plain(outcome.error), outcome.trace)
