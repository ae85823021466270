"""Many comparisons at once: how a p value pays for its company."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p values, float64 [m], in the order given (Holm 1979, Scandinavian J. of Statistics 6).

    The j-th smallest of m becomes the largest of `(m - i + 1) p_(i)` over i <= j, at most 1. Calling those
    below 0.05 true makes any false claim at all in at most 5 % of studies, however the p values depend on
    each other.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, stepped)
    return adjusted
