"""The machine's own limit: the fastest large matrix product in float32."""

from __future__ import annotations

import time

import numpy as np


def sgemm_peak(size: int = 3072, repeats: int = 5) -> float:
    """FLOP/s of the best of several products of two `size` x `size` matrices, with all threads."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    out = a @ b
    best = np.inf
    for _ in range(repeats):
        begin = time.perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - begin)
    return 2 * size**3 / best
