"""The gradient that forward alone says, by central differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from handlens.nn.arrays import Array

STEP = 1e-5
MOST = 2_000  # numbers of one array: two forward passes each


def gradient(value: Callable[[Array], float], at: Array) -> Array:
    """`(f(x + h) - f(x - h)) / 2h` for each number of `at`, float64."""
    x = np.array(at, float)
    result = np.empty_like(x)
    for place in np.ndindex(x.shape):
        kept = x[place]
        x[place] = kept + STEP
        above = value(x.copy())
        x[place] = kept - STEP
        result[place] = (above - value(x.copy())) / (2 * STEP)
        x[place] = kept
    return result
