"""What would settle an open question: more replicates, or more images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.compare.paired import Difference

MOST, MOST_IMAGES = 200, 10_000  # further replicates, and times as many images, that are thought of
AIM = 0.9  # the probability of a settled verdict that replicates are planned for: 0.8 and a reserve
EVEN = 0.5  # and that images are planned for
SCALES, WIDE_SCALES = (1.0, 10.0), (1.0, 10.0, 100.0)  # of differences, in margins
PRIOR_FREEDOM, PRIOR_RATIO = 2.0, 2.0
CAREFUL = 0.5  # the least quantile of the seeds' variance that is planned for

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Needed:
    """What would settle a pair. Either is None where it is not known or not within reason.

    Attributes:
        replicates: further ones, on the same images; at most `MOST`.
        images: altogether, with as many replicates as it takes, that settle it as likely as not; at most
            `MOST_IMAGES` times as many.
    """

    replicates: int | None
    images: int | None


def needed(found: Difference, margin: float, levels: tuple[float, float] = (0.05, 0.05)) -> Needed:
    """The fewest further replicates that settle a pair with probability `AIM`, and the fewest images, `EVEN`.

    The mean after k more of R replicates is predicted from today's. Its interval is made of `W / (R + k)`, W
    the variance of one replicate's mean on these images, and of the images' own part, which no replicate
    makes smaller. The probability that this interval will leave out zero or lie within the margin is summed
    up (a predictive power: Spiegelhalter, Abrams & Myles, *Bayesian Approaches to Clinical Trials*, 2004,
    ch. 6) and averaged over what few replicates leave open:

    - the difference: beforehand as likely about the size of the margin as ten times that, normal about zero.
      Taking today's at face value would promise too much: chance has made the largest ones larger.
    - W: scaled inverse chi-square, its prior worth two replicates and twice what chance on finitely many
      images makes of W, which is most of what seeds do (Jordan 2023, arXiv:2304.01910; the moderated variance
      is that of Smyth 2004, SAGMB 3). Only its upper half is planned for: those pairs are asked to go on
      whose seeds happened to look alike.

    For more images the images' part goes down with their number, and seeds take no part. Few images leave so
    much open that nine in ten would mean to prove the smallest of all differences that they allow: even odds
    are planned for, and large differences are thought of beforehand too. One replicate says nothing of W, so
    nothing is planned from it. All this guides a plan; no verdict rests on it.

    Args:
        levels: at which a difference, and equivalence, are told.
    """
    if found.replicates < 2:
        return Needed(None, None)
    variances = _variances(found)
    return Needed(_replicates(found, margin, levels, variances), _images(found, margin, levels, variances))


def _variances(found: Difference) -> Floats:
    """Ten equally likely values of the variance of one replicate's mean on these images, float64 [10, 1].

    Of its upper half: a tail probability of 1/2 and less.
    """
    from scipy import special

    r = found.replicates
    freedom = PRIOR_FREEDOM + r - 1
    squares = r * (PRIOR_FREEDOM * PRIOR_RATIO * found.spread.rest + (r - 1) * found.spread.seed)
    return np.asarray(squares / special.chdtri(freedom, np.linspace(CAREFUL, 0.95, 10)))[:, None]


def _beforehand(margin: float, scales: tuple[float, ...]) -> Floats:
    """Variances of differences as they are before any is seen, equally likely, float64 [scales, 1, 1]."""
    return (margin * np.array(scales)[:, None, None]) ** 2


def _weights(mean: float, variance: Floats) -> Floats:
    """How likely each prior is once the mean is seen: float64 like `variance`, summing to 1 over axis 0."""
    logarithm = -(mean**2) / (2 * variance) - np.log(variance) / 2
    likely = np.exp(logarithm - logarithm.max(axis=0))
    return np.asarray(likely / likely.sum(axis=0))


def _replicates(
    found: Difference, margin: float, levels: tuple[float, float], variances: Floats
) -> int | None:
    from scipy import special

    now, steps = found.replicates, np.unique(np.round(np.geomspace(1, MOST, 80)).astype(np.int64))
    after, image = now + steps, found.spread.image
    prior, error = _beforehand(margin, SCALES) + image, variances / now
    shrunk = prior / (prior + error)  # [2, 10, 1]
    share = steps / after
    mean = found.mean * (1 - share + share * shrunk)
    spread = share * np.sqrt(shrunk * error + variances / steps)
    clear, safe = (
        np.sqrt(
            special.ndtri(level / 2) ** 2 * image
            + special.stdtrit(after - 1.0, level / 2) ** 2 * variances / after
        )
        for level in levels
    )
    settled = _settled(mean, spread, clear, margin - safe)
    enough = np.flatnonzero(_averaged(settled, _weights(found.mean, prior + error)) >= AIM)
    return int(steps[enough[0]]) if len(enough) else None


def _images(found: Difference, margin: float, levels: tuple[float, float], variances: Floats) -> int | None:
    """Fresh images, and so many replicates that the seed no longer counts."""
    from scipy import special

    times = np.geomspace(1, MOST_IMAGES, 160)
    own = found.spread.image / times
    prior = _beforehand(margin, WIDE_SCALES)
    error = found.spread.image + variances / found.replicates
    shrunk = prior / (prior + error)
    clear, safe = (-special.ndtri(level / 2) * np.sqrt(own) for level in levels)
    settled = _settled(found.mean * shrunk, np.sqrt(shrunk * error + own), clear, margin - safe)
    enough = np.flatnonzero(_averaged(settled, _weights(found.mean, prior + error)) >= EVEN)
    return int(np.ceil(times[enough[0]] * found.images)) if len(enough) else None


def _averaged(settled: Floats, weights: Floats) -> Floats:
    """Over the priors, by weight, and over the variances: float64 [scales, 10, steps] to [steps]."""
    return np.asarray((settled * weights).sum(axis=0).mean(axis=0))


def _settled(mean: Floats, spread: Floats, clear: Floats, within: Floats) -> Floats:
    """Probability that a normal value is beyond +-`clear` or inside +-`within`."""
    from scipy import special

    def below(value: Any) -> Any:
        return special.ndtr((value - mean) / np.maximum(spread, 1e-300))

    # What is inside and beyond is counted once.
    inside = np.clip(within, 0.0, clear)
    return np.asarray(below(-clear) + 1 - below(clear) + below(inside) - below(-inside))
