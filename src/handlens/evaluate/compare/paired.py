"""The difference of two recipes that saw the same images from the same seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.crossed import Spread, crossed
from handlens.evaluate.intervals import Interval

SMALLEST = 1e-12  # no p value below is told apart


@dataclass(frozen=True)
class Difference:
    """Accuracy of the first minus that of the second (shares), over images and seeds.

    Attributes:
        spread: the parts of the mean's variance.
    """

    mean: float
    images: int
    replicates: int
    spread: Spread

    def interval(self, confidence: float = 0.95) -> Interval:
        """The interval of the difference: as far as the spread reaches, to both sides."""
        half = self.spread.reach(confidence)
        return Interval(self.mean, max(-1.0, self.mean - half), min(1.0, self.mean + half))

    def p_different(self) -> float:
        """Two-sided, of "there is no difference": below 0.05 where the 95 % interval leaves out zero."""
        return self._two_sided(abs(self.mean))

    def p_equivalent(self, margin: float) -> float:
        """Of "they differ by `margin` or more": below 0.05 where the 95 % interval lies within +-margin.

        Two one-sided tests (Schuirmann 1987, J. of Pharmacokinetics and Biopharmaceutics 15), each at half
        the level, stricter than is usual, so that one interval tells both verdicts.
        """
        return self._two_sided(margin - abs(self.mean))

    def _two_sided(self, distance: float) -> float:
        """The level at which the interval reaches just so far."""
        from scipy import optimize

        if distance <= 0:
            return 1.0

        def beyond(logarithm: float) -> float:
            return self.spread.reach(1 - math.exp(logarithm)) - distance

        least = math.log(SMALLEST)
        return SMALLEST if beyond(least) <= 0 else math.exp(optimize.brentq(beyond, least, 0.0, xtol=1e-9))


def difference(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Difference:
    """The difference of two recipes, row r of both from the same seed, column i about the same image.

    The differences `right_ri - right'_ri` are taken apart as crossed random effects of seed and image (see
    `crossed`). Two images are thought of as added, one that only the first was right about and one that only
    the second was, for the variance alone: a few disagreements tell little about how many more there are
    (Bonett & Price 2012, J. of Educational and Behavioral Statistics 37).

    Args:
        first, second: bool [replicates, images], at least two images.

    Raises:
        ValueError: other shapes.
    """
    if first.ndim != 2 or first.shape != second.shape or first.shape[0] < 1 or first.shape[1] < 2:
        raise ValueError(
            f"right or wrong of shapes {first.shape} and {second.shape}; "
            "expected the same replicates and images, [at least 1, at least 2]"
        )
    each = first.astype(np.int8) - second.astype(np.int8)
    return Difference(float(each.mean()), each.shape[1], each.shape[0], crossed(each, pseudo=2.0))
