"""Threads: ours over pieces of a batch, or the matrix product's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from handlens.errors import SpecError
from handlens.nn.arrays import Array

SMALLEST_PART = 2**23  # multiplications: some 0.1 ms, ten times what waking a thread takes
MOST_PARTS = 4  # each part packs the second factor anew


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


def row_cuts(rows: int, inner: int, columns: int) -> list[slice]:
    """The parts of a matrix product `[rows, inner] @ [inner, columns]`, each worth the wait for a thread.

    Of equal numbers of rows that fill the product's inner loops (multiples of 16).
    """
    parts = min(rows * inner * columns // SMALLEST_PART, MOST_PARTS) or 1
    step = -(-rows // (16 * parts)) * 16
    return [slice(start, start + step) for start in range(0, rows, step)]


class Team:
    """`threads` workers, the caller one of them, that share numbered tasks: task i is worker `i % threads`'s.

    Results must not depend on who did a task. Use as a context manager.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown()

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
