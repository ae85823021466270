"""Threads: ours over pieces of a batch, or the matrix product's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from handlens.errors import SpecError
from handlens.nn.arrays import Array
from handlens.nn.products import row_cuts

SWITCH = 1e-4  # seconds


def thread_count(threads: int | None) -> int:
    """That many, or one for each processor that this process may use (at most 8)."""
    if threads is None:
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return min(usable or 1, 8)
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise SpecError(f"threads is {threads!r}", expected="a whole number of at least 1")
    return threads


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # looks through every loaded library: once is enough

    return ThreadpoolController()


@contextmanager
def blas_threads(limit: int) -> Iterator[None]:
    """Matrix products use at most so many threads, in this process, meanwhile."""
    with _controller().limit(limits=limit, user_api="blas"):
        yield


class Team:
    """`threads` workers, the caller one of them, that share numbered tasks: task i is worker `i % threads`'s.

    Results must not depend on who did a task. Use as a context manager.

    Workers hold Python's lock between their matrix products only, for microseconds, but who waits for it
    sleeps: while a team of several is at work, Python passes the lock on sooner (`SWITCH` instead of 5 ms).
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None
        self._switch = sys.getswitchinterval()

    def __enter__(self) -> Team:
        if self._pool:
            self._switch = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown()
            sys.setswitchinterval(self._switch)

    def product(self, a: Array, b: Array, out: Array) -> None:
        """`out = a @ b`, cut by rows of the result: how depends on the shapes, not on the threads."""
        cuts = row_cuts(a.shape[0], a.shape[1], b.shape[1])

        def task(_worker: int, i: int) -> None:
            with np.errstate(over="ignore", invalid="ignore"):  # a diverged training is reported by its loss
                np.matmul(a[cuts[i]], b, out=out[cuts[i]])

        self.run(task, len(cuts))

    def run(self, task: Callable[[int, int], None], count: int) -> None:
        """Call `task(worker, i)` for every i below count; return when all are done, or raise their error."""

        def work(worker: int) -> None:
            for i in range(worker, count, self.threads):
                task(worker, i)

        helpers = [] if self._pool is None else [
            self._pool.submit(work, worker) for worker in range(1, min(self.threads, count))
        ]  # fmt: skip
        try:
            work(0)
        finally:
            for helper in helpers:
                helper.result()
