"""Two models on the same images: do they differ, or did these images happen to fall so?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class McNemar:
    """Images that only the first, or only the second model was right about, and what they say.

    Attributes:
        p: exact, two-sided (binomial).
        mid_p: mid-p, which is nearer to the nominal level.
    """

    first_only: int
    second_only: int
    p: float
    mid_p: float


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """McNemar's test of two models, given whether each was right about each image: bool [n], bool [n].

    With b and c the images that only one of them was right about and X binomial (b + c, 1/2),

        p = min(1, 2 P(X <= min(b, c))),    mid-p = p - P(X = min(b, c)), and 1 where b = c

    (McNemar 1947, Psychometrika 12; the mid-p form: Fagerland, Lydersen & Laake 2013, BMC Medical Research
    Methodology 13:91). It is about these two models, not about what another seed would make of their recipes.
    """
    return from_counts(int((first & ~second).sum()), int((second & ~first).sum()))


def from_counts(first_only: int, second_only: int) -> McNemar:
    """McNemar's test from the two counts of images that only one model was right about."""
    from scipy import special, stats

    few, all_ = min(first_only, second_only), first_only + second_only
    if first_only == second_only:
        return McNemar(first_only, second_only, 1.0, 1.0)
    p = 2 * float(special.bdtr(few, all_, 0.5))
    return McNemar(first_only, second_only, min(1.0, p), p - float(stats.binom.pmf(few, all_, 0.5)))
