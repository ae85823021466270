"""How well must an aligned pair fit to be a copy? Simulated copies and the data's own strangers say it."""

from __future__ import annotations

import numpy as np

from handlens.evaluate.leaks.align import Fits
from handlens.evaluate.leaks.duplicates import Floats, Integers

CHANCE = 0.006  # share of images that may look like another one by chance
LEAST = 1e-4  # a misfit that rounding to grey levels explains
MOST = 0.004  # a misfit beyond which no eye would call two pictures the same
FEW = 20  # fewer strangers near a copy's misfit are no crowd to fear
RING = 1.2
STEEP = (3.0, 8.0)


def decide(pairs: Integers, fits: Fits, n: int, edge: float) -> float:
    """The greatest misfit of what is called a copy.

    Args:
        pairs: int64 [p, 2] among n images, and their `fits`.
        edge: the misfit that almost all simulated copies reach.

    It is `edge`, or less where strangers come that near by chance: see `below`.
    """
    best = np.full(n, np.inf)
    for side in (0, 1):
        np.minimum.at(best, pairs[:, side], fits.misfit)
    return below(best, edge)


def below(best: Floats, edge: float) -> float:
    """The misfit at most `edge` that a share `CHANCE` of strangers stays below.

    Args:
        best: float64 [n], the misfit of each image's best partner.

    How many strangers fit better than x goes like `x^k` at small x, the lower tail of nearest-neighbour
    distances, with k half the pictures' local dimension (Loftsgaarden & Quesenberry 1965 have the density).
    k and the height come from the strangers just beyond `edge`, in two rings a fifth wide each, so that
    copies, however many the data hold, count little. The tail is steeper than its rings (k is at least
    `STEEP`), so the share is over- rather than underestimated.
    """
    strangers = max(int((best > edge).sum()), 1)
    rings = [int(((best > a * edge) & (best <= a * RING * edge)).sum()) for a in (1, RING)]
    if sum(rings) < FEW:
        return edge
    power = float(np.clip(np.log(max(rings[1], 1) / max(rings[0], 1)) / np.log(RING), *STEEP))
    share = sum(rings) / strangers / (RING ** (2 * power) - 1)
    return max(LEAST, edge * min(1.0, float((CHANCE / share) ** (1 / power))))
