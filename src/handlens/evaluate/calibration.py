"""Whether a classifier's probabilities can be believed, and what it is worth to leave the unsure images
out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.intervals import Interval
from handlens.evaluate.scores import log_loss
from handlens.evaluate.shares import share_interval

BINS = 15
SMALLEST = 1e-15  # where probabilities are cut off before their logarithm, as `log_loss` does
COOLEST, HOTTEST = 0.02, 50.0

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Bin:
    """The predictions whose probability lies above `low` and up to `high`.

    Attributes:
        images: how many, mean over the replicates.
        confidence: their mean probability of the class given.
        accuracy: how many of them were right, with its 95 % interval over images and seeds.
    """

    low: float
    high: float
    images: float
    confidence: float
    accuracy: Interval


@dataclass(frozen=True, eq=False)
class Answered:
    """Accuracy where only the surest images are answered (El-Yaniv & Wiener 2010, JMLR 11).

    Attributes:
        share: float64 [points], of all images, rising to 1; those of equal probability are answered together.
        accuracy: float64 [points], of the answers.
        area: mean share of errors over all shares answered, 0 at best (Geifman & El-Yaniv 2017, NeurIPS).
        best: what `area` would be if every wrong image were less sure than every right one.
    """

    share: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    area: float
    best: float

    def at(self, share: float) -> float:
        """Accuracy (0-1) of the surest `share` of the images."""
        return float(np.interp(share, self.share, self.accuracy))

    def reaching(self, accuracy: float) -> float:
        """The largest share of images that can be answered with this accuracy; 0 if there is none."""
        good = np.flatnonzero(self.accuracy >= accuracy)
        return float(self.share[good[-1]]) if len(good) else 0.0


@dataclass(frozen=True)
class Tempered:
    """What one temperature makes of a model's probabilities.

    `before` and `after` are of other images than those that it was fitted on: log loss in nats, calibration
    error (0-1).
    """

    temperature: float
    log_loss_before: float
    log_loss_after: float
    error_before: float
    error_after: float


def calibration_error(probabilities: Probabilities, labels: Labels, bins: int = BINS) -> float:
    """Expected calibration error: `sum_b n_b / n |accuracy_b - confidence_b|` (0-1).

    Naeini, Cooper & Hauskrecht 2015 (AAAI); bins of equal width over the probability of the class given, as
    Guo et al. 2017 (ICML). Of finitely many images it is above zero even where every probability is true.

    Args:
        probabilities: float [n, k], each row over the classes.
        labels: int64 [n] in `0..k-1`.
    """
    if not len(labels):
        return 0.0
    sure, right = surest(probabilities, labels)
    each = np.bincount(bin_of(sure, bins), weights=right - sure, minlength=bins)
    return float(np.abs(each).sum() / len(labels))


def surest(probabilities: Probabilities, labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The probability of the class given, float64 [n], and whether it is right, bool [n]."""
    given = probabilities.argmax(axis=1)
    return probabilities[np.arange(len(labels)), given].astype(np.float64), given == labels


def bin_of(sure: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Which of `bins` of equal width each probability is in, int64 [n]; the upper end belongs to a bin."""
    return np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)


def reliability(probabilities: Probabilities, labels: Labels, bins: int = BINS) -> tuple[Bin, ...]:
    """The bins that hold images (DeGroot & Fienberg 1983).

    Args:
        probabilities: float [replicates, n, k]; `labels`: int64 [n].
    """
    each = [surest(said, labels) for said in probabilities]
    sure, right = np.stack([s for s, _ in each]), np.stack([r for _, r in each])
    place = np.stack([bin_of(s, bins) for s in sure])
    found = []
    for b in range(bins):
        among = place == b
        if among.any():
            accuracy = share_interval(right & among, among)
            count = float(among.sum()) / len(sure)
            found.append(Bin(b / bins, (b + 1) / bins, count, float(sure[among].mean()), accuracy))
    return tuple(found)


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """The temperature that makes these labels likeliest (Guo et al. 2017): `softmax(log(p) / t)`.

    Above 1 the model is surer than it may be, below 1 it is less sure. Never outside 0.02 to 50.

    Args:
        probabilities: float [n, k], of images that neither trained the model nor judge it; cut off at 1e-15.
        labels: int64 [n].
    """
    from scipy import optimize

    if not len(labels):
        return 1.0

    def loss(logarithm: float) -> float:
        return log_loss(tempered(probabilities, float(np.exp(logarithm))), labels)

    ends = float(np.log(COOLEST)), float(np.log(HOTTEST))
    found = optimize.minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def tempered(probabilities: Probabilities, temperature: float) -> NDArray[np.float64]:
    """The probabilities at a temperature, float64 [n, k]: no prediction changes."""
    scores = np.log(np.clip(probabilities.astype(np.float64), SMALLEST, 1.0)) / temperature
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def temper(
    validation: Probabilities, validation_labels: Labels, probabilities: Probabilities, labels: Labels
) -> Tempered:
    """Fit a temperature on validation images, and see what it does on others: float [n, k], int64 [n]
    each."""
    temperature = fit_temperature(validation, validation_labels)
    after = tempered(probabilities, temperature)
    return Tempered(
        temperature,
        log_loss(probabilities, labels),
        log_loss(after, labels),
        calibration_error(probabilities, labels),
        calibration_error(after, labels),
    )


def answered(probabilities: Probabilities, labels: Labels) -> Answered:
    """Accuracy against the share of images answered, the surest first.

    Args:
        probabilities: float [n, k], or [replicates, n, k]: then an answer is one of a replicate's.
        labels: int64 [n], at least one.
    """
    each = [surest(said, labels) for said in probabilities.reshape(-1, *probabilities.shape[-2:])]
    sure, right = np.concatenate([s for s, _ in each]), np.concatenate([r for _, r in each])
    order = np.argsort(-sure, kind="stable")
    last = np.append(np.flatnonzero(np.diff(sure[order])), len(order) - 1)
    hits, counts = np.cumsum(right[order])[last], last + 1
    every = np.arange(1, len(order) + 1)
    # Among equally sure images each order is as good: their errors come evenly.
    errors = np.interp(every, np.append(0, counts), np.append(0, counts - hits))
    wrong = int(len(order) - hits[-1])
    ideal = np.clip(every - (len(order) - wrong), 0, None)
    return Answered(
        counts / len(order), hits / counts, float((errors / every).mean()), float((ideal / every).mean())
    )
