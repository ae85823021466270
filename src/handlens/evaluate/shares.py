"""The interval of a share among images that are themselves chosen by chance, over seeds and images
together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.crossed import crossed
from handlens.evaluate.intervals import Interval, wilson


def share_interval(hits: NDArray[np.bool_], among: NDArray[np.bool_], confidence: float = 0.95) -> Interval:
    """How many of the images `among` are `hits`, and how sure that is.

    With hit and among from all replicates r and images i the share is a ratio of means, `p = mean h / mean
    a`, and `z_ri = (h_ri - p a_ri) / mean a` is what each adds to its error (linearisation: Woodruff 1971,
    JASA 66). The variance of the mean of z over images and seeds is that of `handlens.evaluate.crossed`, and
    a Wilson interval is taken at the sample size that would have it, with that spread's quantile. With one
    replicate this is Wilson's interval at the number of images among.

    Args:
        hits: bool [replicates, images], only where `among` is true.
        among: bool [replicates, images].
        confidence: e.g. 0.95.
    """
    from scipy import special

    replicates, n = among.shape
    total, normal = int(among.sum()), float(special.ndtri(0.5 + confidence / 2))
    if not total:
        return Interval(0.0, 0.0, 1.0)
    p, each = float((hits & among).sum()) / total, total / replicates
    if replicates < 2 or p in (0.0, 1.0):
        return wilson(p * each, each, normal)
    z = ((hits & among) - p * among) * (n * replicates / total)
    spread = crossed(z)
    if spread.variance <= 0:
        return wilson(p * each, each, normal)
    size = p * (1 - p) / spread.variance
    return wilson(p * size, size, spread.quantile(confidence))


def jaccard_to_f1(interval: Interval) -> Interval:
    """F1 from the share of hits among all that is of the class or taken for it: `F1 = 2 J / (1 + J)`,
    rising."""
    f1 = [2 * j / (1 + j) for j in (interval.mean, interval.low, interval.high)]
    return Interval(*f1)
