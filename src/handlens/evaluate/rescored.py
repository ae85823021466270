"""Two accuracies on images that are only partly the same: how much they differ, and how sure that is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.intervals import Interval, wilson

Right = NDArray[np.bool_]
QUANTILE = 1.959963984540054


def left_out_difference(right: Right, left_out: Right) -> Interval:
    """How accuracy changes when images are left out: that of the rest minus that of all, 95 % interval.

    With m of n images left out the change is `m / n * (rest - left out)`, a difference of two shares of
    different images, whose interval is Newcombe's (1998, *Interval estimation for the difference between
    independent proportions*, Statistics in Medicine 17, method 10): Wilson's intervals squared and added. So
    the images that both scores share cancel.

    Args:
        right: bool [n], what one model was right about.
        left_out: bool [n]; with none or all of them the change is zero, and nothing is unsure.
    """
    out, n = int(left_out.sum()), len(right)
    if out in (0, n):
        return Interval(0.0, 0.0, 0.0)
    rest = wilson(int(right[~left_out].sum()), n - out)
    gone = wilson(int(right[left_out].sum()), out)
    mean = rest.mean - gone.mean
    low = mean - math.hypot(rest.mean - rest.low, gone.high - gone.mean)
    high = mean + math.hypot(rest.high - rest.mean, gone.mean - gone.low)
    return Interval(*(out / n * value for value in (mean, low, high)))


def overlapping_difference(
    first: Right, of_first: NDArray[np.integer[Any]], second: Right, of_second: NDArray[np.integer[Any]]
) -> Interval:
    """Accuracy of a second model on its images minus that of a first on its own, 95 % interval.

    Images that both saw are compared in pairs, the others are independent (Derrick, Russ, Toher & White 2017,
    *Test statistics for the comparison of means for two samples that include both paired and independent
    observations*, J. Modern Applied Statistical Methods 16):

        var = p1 (1 - p1) / n1 + p2 (1 - p2) / n2 - 2 shared covariance / (n1 n2)

    with an image added to each side of right and of wrong, for the variance alone (Agresti & Caffo 2000, The
    American Statistician 54): a model without mistakes may still make some.

    Args:
        first: bool [n], which images the first model was right about; `of_first`: int [n], which these are.
        second, of_second: likewise of the second one, [m].
    """
    n, m = len(first), len(second)
    _, here, there = np.intersect1d(of_first, of_second, return_indices=True)
    shares = [(float(right.sum()) + 1) / (len(right) + 2) for right in (first, second)]
    variance = sum(p * (1 - p) / (size + 2) for p, size in zip(shares, (n, m), strict=True))
    if len(here) > 1:
        both = np.cov(first[here].astype(np.float64), second[there].astype(np.float64))
        variance -= 2 * len(here) * float(both[0, 1]) / (n * m)
    mean = float(second.mean()) - float(first.mean())
    half = QUANTILE * math.sqrt(max(variance, 0.0))
    return Interval(mean, max(-1.0, mean - half), min(1.0, mean + half))
