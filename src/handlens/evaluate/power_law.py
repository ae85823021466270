"""How an error falls with the number of training images: `a + b n^-c`, and what it says of more images.

Source: Hestness et al. 2017, *Deep learning scaling is predictable, empirically*; Viering & Loog 2022, *The
shape of learning curves* (IEEE TPAMI), also on how often curves are otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.intervals import Interval
from handlens.seeds import generator

Floats = NDArray[np.float64]
EXPONENTS = np.linspace(0.05, 2.5, 99)
DRAWS = 1000
FEWEST = 4  # sizes: three numbers are fitted
POOR = 0.01  # a fit that would come out this badly that seldom is none


@dataclass(frozen=True)
class PowerLaw:
    """The fit `a + b n^-c` of an error (0-1) to the number of training images n.

    Attributes:
        a, b, c: a is the error that no number of images would undo, as far as these sizes tell.
        p_value: of a fit at least as poor, if the law were true and the noise is what it is taken for; None
            where there are no more sizes than numbers to fit.
        factor: by how much the number of images would be multiplied.
        more: the error with `factor` times as many images, with its 95 % interval.
        gain: by how much the error would fall (0-1), likewise.
        supported: whether the fit is good enough, and the gain more than noise.
        reason: why not, in words; empty where it is.
    """

    a: float
    b: float
    c: float
    p_value: float | None
    factor: float
    more: Interval
    gain: Interval
    supported: bool
    reason: str

    def error(self, n: float) -> float:
        """The law's error (0-1) with n training images."""
        return float(self.a + self.b * n**-self.c)


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors by size with their noise, of the same validation images and seeds.

    Attributes:
        mean: float64 [sizes] (0-1).
        images: float64 [sizes, sizes], covariance by the choice of validation images: the same in every size,
            so that errors of two sizes lie on the same side of the truth together.
        seeds: float64 [sizes], variance by the choice of seeds, and `freedom`: how many degrees tell it.
    """

    mean: Floats
    images: Floats
    seeds: Floats
    freedom: int

    @property
    def covariance(self) -> Floats:
        """Of both, float64 [sizes, sizes]."""
        return np.asarray(self.images + np.diag(self.seeds))


def errors_of(right: NDArray[np.bool_]) -> Errors:
    """The errors of every size and their noise.

    Seeds are few, so what an accuracy differs from seed to seed, beyond what images and chance explain (as in
    `accuracy_interval`), is taken to be the same share of `p (1 - p)` at every size.

    Args:
        right: bool [sizes, replicates, n].
    """
    sizes, replicates, n = right.shape
    mean = 1 - right.mean(axis=(1, 2))
    # An error of none or all has no spread to be seen: half an image's instead of none.
    images = np.atleast_2d(np.cov(right.mean(axis=1))) / n + np.eye(sizes) * (0.5 / n) ** 2
    chance = mean * (1 - mean)
    seeds = np.zeros(sizes)
    if replicates > 1 and chance.any():
        rest = np.clip(chance - n * np.diag(images), 0, None) / ((replicates - 1) * n)
        beyond = right.mean(axis=2).var(axis=1, ddof=1) / replicates - rest
        seeds = chance * max(0.0, float(beyond.sum() / chance.sum()))
    return Errors(mean, images, seeds, sizes * (replicates - 1))


def fit_power_law(
    sizes: NDArray[np.int64], right: NDArray[np.bool_], factor: float = 10.0, seed: int = 0
) -> PowerLaw:
    """Fit the law by generalised least squares, and say what `factor` times the largest size would give.

    For a given c the law is linear in a and b, so c is tried on a grid and a, b >= 0 are solved for (variable
    projection: Golub & Pereyra 1973). The intervals are those of fits to 1,000 errors drawn anew: the images'
    part normal, the seeds' part Student's. How the training images of a size were drawn is not in it.

    Args:
        sizes: int64 [sizes], rising.
        right: bool [sizes, replicates, n], of the same images and seeds in every size.
    """
    from scipy import linalg, special

    errors = errors_of(right)
    root = linalg.cholesky(errors.covariance, lower=True)
    inverse_root = np.asarray(linalg.solve_triangular(root, np.eye(len(sizes)), lower=True))
    a, b, c, rest = _solve(sizes, np.vstack([errors.mean, _drawn(errors, seed)]), inverse_root)
    freedom = len(sizes) - 3
    p_value = float(special.chdtrc(freedom, rest[0])) if freedom > 0 else None
    largest = float(sizes[-1])
    now, more = (a + b * n**-c for n in (largest, factor * largest))
    said = _interval(more), _interval(now - more)
    reason = _objection(len(sizes), p_value, said[1])
    return PowerLaw(float(a[0]), float(b[0]), float(c[0]), p_value, factor, *said, not reason, reason)


def _drawn(errors: Errors, seed: int) -> Floats:
    """Errors as other images and seeds might have given them, float64 [draws, sizes]."""
    rng = generator(seed, "power law")
    sizes = len(errors.mean)
    drawn = errors.mean + rng.multivariate_normal(np.zeros(sizes), errors.images, DRAWS)
    if errors.freedom:
        wide = np.sqrt(errors.freedom / rng.chisquare(errors.freedom, (DRAWS, 1)))
        drawn += rng.standard_normal((DRAWS, sizes)) * np.sqrt(errors.seeds) * wide
    return np.asarray(drawn)


def _interval(values: Floats) -> Interval:
    """The first value, and the middle 95 % of the others."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    mean = float(values[0])
    return Interval(mean, min(mean, float(low)), max(mean, float(high)))


def _objection(sizes: int, p_value: float | None, gain: Interval) -> str:
    if sizes < FEWEST:
        return f"{sizes} sizes are too few to tell how the curve bends: four are needed at least"
    if p_value is not None and p_value < POOR:
        return "the errors do not follow a power law within their noise"
    if gain.low <= 0.02 * max(gain.mean, 1e-12) or gain.high > 5 * max(gain.mean, 1e-12):
        return "the fit cannot tell a curve that goes on falling from one that has reached its floor"
    return ""


def _solve(sizes: NDArray[Any], errors: Floats, root: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """a, b, c and the weighted squares left over, float64 [m] each, of errors [m, sizes]."""
    scale = float(sizes[-1])
    target = errors @ root.T
    best = np.full(len(errors), np.inf)
    a, b, c = (np.zeros(len(errors)) for _ in range(3))
    for exponent in EXPONENTS:
        power = (sizes / scale) ** -exponent
        left = _nonnegative(root @ np.ones(len(sizes)), root @ power, target)
        squares = left[2]
        better = squares < best
        best[better] = squares[better]
        a[better], b[better] = left[0][better], left[1][better] * scale**exponent
        c[better] = exponent
    return a, b, c, best


def _nonnegative(one: Floats, power: Floats, target: Floats) -> tuple[Floats, Floats, Floats]:
    """The a, b >= 0 nearest to `target = a one + b power`, [m] each, and the squares left over."""
    found = []
    gram = np.array([[one @ one, one @ power], [one @ power, power @ power]])
    both = np.linalg.solve(gram, np.stack([target @ one, target @ power]))
    inside = (both >= 0).all(axis=0)
    found.append((both[0], both[1]))
    zero = np.zeros(len(target))
    found.append((np.clip(target @ one / (one @ one), 0, None), zero))
    found.append((zero, np.clip(target @ power / (power @ power), 0, None)))
    squares = np.stack(
        [np.square(target - a[:, None] * one - b[:, None] * power).sum(axis=1) for a, b in found]
    )
    squares[0, ~inside] = np.inf
    which = squares.argmin(axis=0)
    rows = np.arange(len(target))
    a, b = (np.stack([pair[i] for pair in found])[which, rows] for i in (0, 1))
    return a, b, squares[which, rows]
