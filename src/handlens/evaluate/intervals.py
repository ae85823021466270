"""How sure is a score: intervals that hold the choice of images and the choice of seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.crossed import crossed


@dataclass(frozen=True)
class Interval:
    """A mean and the interval around it: shares in 0..1, differences in -1..1, or a score's own unit."""

    mean: float
    low: float
    high: float


def wilson(successes: float, n: float, quantile: float = 1.959963984540054) -> Interval:
    """Wilson's score interval of a share (Wilson 1927, JASA 22; Brown, Cai & DasGupta 2001 recommend it).

    `centre = (p + q^2/2n) / (1 + q^2/n)`, `half = q sqrt(p(1-p)/n + q^2/4n^2) / (1 + q^2/n)`; `quantile` q is
    the normal's 97.5 % point for a 95 % interval.
    """
    if n <= 0:
        return Interval(0.0, 0.0, 1.0)
    p, spread = successes / n, quantile**2 / n
    centre = (p + spread / 2) / (1 + spread)
    half = quantile * math.sqrt(p * (1 - p) / n + spread / (4 * n)) / (1 + spread)
    return Interval(p, max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half)))


def accuracy_interval(correct: NDArray[np.bool_], confidence: float = 0.95) -> Interval:
    """The interval of a recipe's accuracy, over the choice of seed and the choice of images.

    Args:
        correct: bool [replicates, images]; whether replicate r was right about image i.
        confidence: e.g. 0.95.

    The variance of the mean is that of crossed random effects of seed and image (see `crossed`). A Wilson
    interval is then taken at the sample size that would have this variance, `p (1 - p) / var`, with Cochran &
    Cox's quantile. With one replicate this is Wilson's interval over images alone.
    """
    from scipy import special

    replicates, n = correct.shape
    p = float(correct.mean()) if n else 0.0
    normal = float(special.ndtri(0.5 + confidence / 2))
    if replicates < 2 or n < 2 or p in (0.0, 1.0):
        return wilson(p * n, n, normal)
    spread = crossed(correct)
    if spread.image + spread.seed <= 0:  # no two images, no two seeds differ: nothing tells the spread
        return wilson(p * n, n, normal)
    size = p * (1 - p) / spread.variance
    return wilson(p * size, size, spread.quantile(confidence))
