"""The difference of two configurations that saw the same test images from the same seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from handlens.studies.storage.result import Member, correct


@dataclass(frozen=True)
class Difference:
    """Accuracy of the first minus that of the second (0-1), with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def difference(first: Member, second: Member) -> Difference | None:
    """Over images and seeds; None where a configuration has fewer than two replicates with test scores.

    With d_ri = right_ri - right'_ri of replicate r and image i, the variance of the mean is taken as that of
    the images' means over n plus that of the replicates' means over r (crossed random effects, the rest left
    in both: a little too wide), the quantile as Student's at r - 1 degrees of freedom for the second part.
    """
    from scipy import special

    replicates = min(len(first.tests), len(second.tests))
    if replicates < 2:
        return None
    sides = [
        correct([t.probabilities for t in m.tests[:replicates]], m.tests[0].labels).astype(np.float64)
        for m in (first, second)
    ]
    each = sides[0] - sides[1]  # [replicates, images]
    image = float(each.mean(axis=0).var(ddof=1)) / each.shape[1]
    seed = float(each.mean(axis=1).var(ddof=1)) / replicates
    normal = float(special.ndtri(0.975))
    student = float(special.stdtrit(replicates - 1, 0.975))
    half = math.sqrt(normal**2 * image + student**2 * seed)
    mean = float(each.mean())
    return Difference(mean, max(-1.0, mean - half), min(1.0, mean + half))
