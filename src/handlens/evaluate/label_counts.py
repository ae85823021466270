"""Are the classes as frequent among test images as among training images?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.seeds import generator

RESAMPLES = 9_999
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelCounts:
    """How often each class occurs in the training and in the test part, and whether alike.

    Attributes:
        training, test: images of each class.
        chi_square: Pearson's statistic; `freedom`: its degrees of freedom.
        p_value: of "both parts are drawn from the same classes".
        cramers_v: strength of the difference, 0 (none) to 1.
    """

    training: tuple[int, ...]
    test: tuple[int, ...]
    chi_square: float
    freedom: int
    p_value: float
    cramers_v: float

    @property
    def strength(self) -> str:
        """The difference in a word, by Cohen's marks for w, which is V where there are two parts."""
        if self.p_value >= 0.05:
            return "none"
        marks = ((0.1, "negligible"), (0.3, "small"), (0.5, "medium"))
        return next((word for mark, word in marks if self.cramers_v < mark), "large")


def compare_label_counts(
    training: NDArray[np.int64], test: NDArray[np.int64], *, seed: int = 0
) -> LabelCounts:
    """Whether classes are as frequent among test images as among training images.

    Pearson's chi-square of the table of 2 parts and k classes, and Cramér's V, `sqrt(chi2 / n)` for two parts
    (Cramér 1946, *Mathematical Methods of Statistics*, ch. 21). Where a class is expected fewer than five
    times in a part the p value is not chi-square's but the share of 9,999 random divisions of the same
    images that
    differ as much (Hope 1968, J. R. Stat. Soc. B 30).

    Args:
        training, test: images of each class, int64 [k].
    """
    table = np.stack([training, test]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    n, k = float(table.sum()), table.shape[1]
    chi, p = 0.0, 1.0
    if k > 1 and table.sum(axis=1).all():
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / n
        chi = float(((table - expected) ** 2 / expected).sum())
        p = _p_value(chi, table, expected, seed)
    counts = [tuple(int(count) for count in part) for part in (training, test)]
    strength = math.sqrt(chi / n) if n else 0.0
    return LabelCounts(counts[0], counts[1], chi, max(k - 1, 0), p, strength)


def _p_value(chi: float, table: Floats, expected: Floats, seed: int) -> float:
    from scipy import special

    if expected.min() >= 5:
        return float(special.chdtrc(table.shape[1] - 1, chi))
    totals = table.sum(axis=0).astype(np.int64)
    rng = generator(seed, "label counts")
    drawn = rng.multivariate_hypergeometric(totals, int(table[1].sum()), size=RESAMPLES, method="marginals")
    square = (drawn - expected[1]) ** 2  # the same in both parts, whose totals are fixed
    values = (square / expected[0] + square / expected[1]).sum(axis=1)
    return float((1 + (values >= chi * (1 - 1e-12)).sum()) / (1 + RESAMPLES))
