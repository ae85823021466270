"""Intervals of scores that are no plain share, over the choice of images and, with replicates, of seeds.

Which form each score has was chosen by simulated coverage at 200 to 2,000 images and accuracies up to 0.98
(tests/evaluate/test_bootstrap.py; docs/verdicts.md has the figures). With several replicates each score is
taken apart by `crossed`, on the score of each replicate plus each image's influence on it: a model of seeds
and images in place of a two-level bootstrap, for which three seeds are too few to be drawn again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.calibration import BINS, bin_of, surest
from handlens.evaluate.crossed import crossed
from handlens.evaluate.influence import auc_values, f1_values, losses
from handlens.evaluate.intervals import Interval, accuracy_interval, wilson
from handlens.seeds import generator

RESAMPLES = 1000
NORMAL = 1.959963984540054
BLOCK = 2_000_000  # numbers that are drawn at once

Floats = NDArray[np.float64]
Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class ScoreIntervals:
    """All scores of a recipe with 95 % intervals over images and seeds.

    `auc` is one-versus-rest, the mean over classes, None where fewer than two classes are shown; `log_loss`
    in nats; `calibration_error` is freed of the noise of its bins, so its mean is below the plain one.
    """

    accuracy: Interval
    macro_f1: Interval
    log_loss: Interval
    auc: Interval | None
    calibration_error: Interval


def score_intervals(
    probabilities: Probabilities, labels: Labels, *, resamples: int = RESAMPLES, seed: int = 0
) -> ScoreIntervals:
    """Every score with its interval.

    Args:
        probabilities: float [n, k] of one model, or [replicates, n, k] of a recipe's replicates.
        labels: int64 [n] in `0..k-1`.
        resamples, seed: of the bootstraps; the same seed gives the same intervals.

    Raises:
        ValueError: no images, or arrays of other shapes.
    """
    said = _stacked(probabilities, labels)
    return ScoreIntervals(
        accuracy_interval(said.argmax(axis=2) == labels),
        macro_f1_interval(said, labels),
        log_loss_interval(said, labels, resamples=resamples, seed=seed),
        auc_interval(said, labels),
        calibration_interval(said, labels, resamples=resamples, seed=seed),
    )


def macro_f1_interval(probabilities: Probabilities, labels: Labels) -> Interval:
    """Macro F1: Wilson's interval at the size of sample that has F1's variance as `F (1 - F) / size`.

    The variance is the infinitesimal jackknife's, what a bootstrap over images tends to (Efron 1982, *The
    Jackknife, the Bootstrap and Other Resampling Plans*, ch. 6). Takes what `score_intervals` takes.
    """
    said = _stacked(probabilities, labels)
    k, n = said.shape[2], len(labels)
    values = np.stack([f1_values(one.argmax(axis=1), labels, k) for one in said])
    if n < 2:
        return wilson(float(values.mean()), 1)
    spread = crossed(values)
    mean = min(1.0, max(0.0, float(values.mean())))
    size = n if spread.variance <= 1e-12 else mean * (1 - mean) / spread.variance
    return wilson(mean * size, size, spread.quantile(0.95))


def auc_interval(probabilities: Probabilities, labels: Labels) -> Interval | None:
    """Area under the one-versus-rest ROC curves, mean over the classes shown: normal in the log odds.

    The variance is DeLong's (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44) for the mean over classes,
    and two more images like the most misplaced one are thought of as added: near 1 a few misplaced images
    carry all of the variance, and the worst may not be among them. At 200 images this is on the safe side,
    right in 95 to 99 %. Where none is misplaced the lower end is Wilson's for so many right images.
    None where fewer than two classes are shown. Takes what `score_intervals` takes.
    """
    said = _stacked(probabilities, labels)
    if len(np.unique(labels)) < 2:
        return None
    values = np.stack([auc_values(one, labels) for one in said])
    mean, n = float(values.mean()), len(labels)
    if not 1e-12 < mean < 1 - 1e-12:
        return wilson(n * round(mean), n)
    furthest = float(np.abs(values.mean(axis=0) - mean).max())
    spread = crossed(values, pseudo=2 * furthest**2)
    half = spread.quantile(0.95) * math.sqrt(spread.variance) / (mean * (1 - mean))
    odds = math.log(mean / (1 - mean))
    return Interval(mean, 1 / (1 + math.exp(-(odds - half))), 1 / (1 + math.exp(-(odds + half))))


def log_loss_interval(
    probabilities: Probabilities, labels: Labels, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Mean log loss in nats: the bootstrap-t over images (Efron & Tibshirani 1993, ch. 12.5).

    A few wrong images carry most of the loss, so the resampled means are skewed; studentized ones are not by
    much. With replicates the images' losses are their means over these, and both arms are stretched by what
    seeds add. Takes what `score_intervals` takes.
    """
    each = np.stack([losses(one, labels) for one in _stacked(probabilities, labels)])
    by_image = each.mean(axis=0)
    mean, n = float(by_image.mean()), len(labels)
    error = float(by_image.std()) / math.sqrt(n)
    if n < 2 or error <= 0:
        return Interval(mean, mean, mean)
    above, below = np.quantile(_studentized(by_image, mean, resamples, seed), [0.975, 0.025])
    reach = error * (_stretch(each, error) if len(each) > 1 else 1.0)
    return Interval(mean, max(0.0, mean - max(0.0, above) * reach), mean - min(0.0, below) * reach)


def _studentized(values: Floats, mean: float, resamples: int, seed: int) -> Floats:
    """`(mean* - mean) / error*` of as many resamples of the images, float64 [resamples]."""
    rng, n = generator(seed, "bootstrap"), len(values)
    found = np.empty(resamples)
    block = max(1, BLOCK // n)
    for start in range(0, resamples, block):
        drawn = values[rng.integers(n, size=(min(block, resamples - start), n))]
        error = np.maximum(drawn.std(axis=1), 1e-12) / math.sqrt(n)
        found[start : start + len(drawn)] = (drawn.mean(axis=1) - mean) / error
    return found


def calibration_interval(
    probabilities: Probabilities,
    labels: Labels,
    *,
    bins: int = BINS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Expected calibration error without the noise of its bins, which makes the plain one too large.

    Images are thought of as drawn anew where the calibration error is t. The mean of the interval is the t
    whose median plain error is the one found; low and high are those for which it would be among the largest
    or smallest 2.5 % (a test-inversion bootstrap: Carpenter 1999, J. Royal Statistical Society B 61; along a
    path through what was found: Chuang & Lai 2000, Statistica Sinica 10; at t = 0 the consistency resampling
    of Broecker & Smith 2007, Weather and Forecasting 22). With replicates their plain errors are averaged, as
    are the models' quantiles, and both arms stretched by what seeds add. Takes what `score_intervals` takes.

    An error cannot be below zero, so where it is within the noise the interval reaches to zero and is right
    in 97 to 99.5 %. Too short, right in 90 %, where a handful of images is wrong and nearly all are right
    with far too little confidence (200 images at 98 %, calibration error 8 %).
    """
    said = _stacked(probabilities, labels)
    rng, n = generator(seed, "calibration"), len(labels)
    plain, curves, values = 0.0, [], []
    for one in said:
        sure, right = surest(one, labels)
        place = bin_of(sure, bins)
        gap = np.bincount(place, weights=right - sure, minlength=bins)
        plain += float(np.abs(gap).sum()) / n / len(said)
        curves.append(_expected(place, sure, right, resamples, rng))
        values.append((right - sure) * np.sign(gap)[place])
    mean, low, high = _inverted(plain, curves)
    each = np.stack(values)
    alone = math.sqrt(float(each.var(axis=1).mean()) / n)
    stretch = _stretch(each, alone) if len(said) > 1 and alone > 0 else 1.0
    low, high = mean - (mean - low) * stretch, mean + (high - mean) * stretch
    return Interval(mean, max(0.0, low), min(1.0, high))


def _stretch(values: Floats, error: float) -> float:
    """How much longer an interval is for seeds and images than for images alone, of this standard error."""
    spread = crossed(values)
    return spread.quantile(0.95) * math.sqrt(spread.variance) / (NORMAL * error)


def _inverted(plain: float, curves: list[tuple[Floats, Floats]]) -> tuple[float, float, float]:
    """Mean, low and high: where the models' mean median, 97.5 % and 2.5 % points are the plain error."""
    sizes = np.unique(np.concatenate([own for own, _ in curves]))
    points = np.mean([[np.interp(sizes, own, q) for q in quantiles.T] for own, quantiles in curves], axis=0)
    rising = np.maximum.accumulate(points, axis=1)
    middle, low, high = (float(np.interp(plain, one, sizes)) for one in rising)
    return middle, min(low, middle), max(high, middle)


def _expected(
    place: NDArray[np.int64], sure: Floats, right: NDArray[np.bool_], resamples: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Of one model: calibration errors [steps], and median, 97.5 % and 2.5 % point of the plain errors found
    where they hold [steps, 3]; `place` int64 [n]: the bin of each image."""
    n = len(place)
    counts = np.bincount(place)
    there = np.flatnonzero(counts)
    counts = counts[there]
    confidence: Floats = np.bincount(place, weights=sure)[there] / counts
    hits: Floats = np.bincount(place, weights=right)[there].astype(np.float64)
    drawn = rng.multinomial(n, counts / n, size=resamples)
    chances = _path(counts, confidence, hits)
    quantiles = np.empty((len(chances), 3))
    for i, chance in enumerate(chances):
        again = np.abs(rng.binomial(drawn, chance) - drawn * confidence).sum(axis=1) / n
        quantiles[i] = np.quantile(again, [0.5, 0.975, 0.025])
    return np.asarray(np.abs(chances - confidence) @ counts / n), quantiles


def _path(counts: NDArray[np.integer[Any]], confidence: Floats, hits: Floats) -> Floats:
    """Accuracies of the bins for calibration errors from 0 to five standard errors beyond the one found.

    float64 [steps, bins]. Below it every gap is the same part of the one found; beyond, each has grown by
    lambda times its variance, the likeliest way to a larger sum of `|gap|` where gaps are normal.
    """
    n = counts.sum()
    smooth = (hits + 0.5) / (counts + 1)
    variance = counts * smooth * (1 - smooth) / n**2
    gap = (hits - counts * confidence) / n
    below = np.linspace(0.0, 1.0, 25)[:, None] * gap
    growth = np.linspace(0.0, 5 / math.sqrt(float(variance.sum())), 16)[1:, None] * variance
    gaps = np.concatenate([below, gap + np.where(gap >= 0, growth, -growth)])
    return np.asarray(np.clip(confidence + gaps * n / counts, 0.0, 1.0))


def _stacked(probabilities: Probabilities, labels: Labels) -> Probabilities:
    """[replicates, n, k], of one replicate too."""
    said = probabilities[None] if probabilities.ndim == 2 else probabilities
    if said.ndim != 3 or said.shape[1] != len(labels) or not len(labels) or not len(said):
        raise ValueError(
            f"probabilities {probabilities.shape} for {len(labels)} labels; "
            "expected [n, k] or [replicates, n, k]"
        )
    return said
