"""How a classifier does on each class, and whether one class is harder than the others or only looks so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.compare.holm import holm
from handlens.evaluate.intervals import Interval, accuracy_interval
from handlens.evaluate.shares import jaccard_to_f1, share_interval

LEVEL = 0.05


@dataclass(frozen=True)
class ClassScores:
    """One class, shares in 0..1 with 95 % intervals over images and seeds.

    Attributes:
        class_index: which class.
        images: of the class.
        recall: of these, how many were recognised.
        precision: of those taken for it, how many were of it; None where nothing was taken for it.
        f1: `2 tp / (2 tp + fp + fn)`; None where the class is neither shown nor given.
    """

    class_index: int
    images: int
    recall: Interval
    precision: Interval | None
    f1: Interval | None


@dataclass(frozen=True)
class Difficulty:
    """A class against all others.

    Attributes:
        recall, others: shares (0-1) of its own images and of all others that were recognised.
        p_value: of the two being equal, after Holm's correction for the number of classes.
    """

    class_index: int
    recall: float
    others: float
    p_value: float

    def verdict(self, level: float = LEVEL) -> Literal["harder", "easier", "noise"]:
        """Whether the class is harder or easier than the others by more than noise."""
        if self.p_value > level or self.recall == self.others:
            return "noise"
        return "harder" if self.recall < self.others else "easier"


def class_scores(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], k: int, confidence: float = 0.95
) -> tuple[ClassScores, ...]:
    """Precision, recall and F1 of every class.

    Recall is an accuracy among the images of the class. Precision is a share among images that the model
    chose itself. F1 is a rising function of Jaccard's share `J = tp / (tp + fp + fn)`, which is a share among
    the images that are of the class or taken for it, so an interval of J becomes one of F1. With one
    replicate all three rest on Wilson's interval; with several they hold seeds and images (`share_interval`).

    Args:
        labels: int64 [n] in `0..k-1`.
        predicted: int64 [replicates, n] likewise.
    """
    found = []
    for i in range(k):
        own, given = labels == i, predicted == i
        hits, either = given & own, given | own
        precision = share_interval(hits, given, confidence) if given.any() else None
        f1 = jaccard_to_f1(share_interval(hits, either, confidence)) if either.any() else None
        recall = accuracy_interval(given[:, own], confidence)
        found.append(ClassScores(i, int(own.sum()), recall, precision, f1))
    return tuple(found)


def difficulties(labels: NDArray[np.int64], predicted: NDArray[np.int64], k: int) -> tuple[Difficulty, ...]:
    """Every shown class against all others: is its recall another one?

    Fisher's exact test of the class's wrong images among all wrong images, at the sizes of sample that
    replicates on the same images are worth (Rao & Scott 1992, Biometrics 48: counts divided by their design
    effect); the design effect holds the spread of a class's recall over images and over seeds, both pooled
    over the classes. Counts are rounded towards equality. Two-sided p-values, then Holm 1979 over the
    classes, so that under equal difficulty any verdict but noise - also that of the hardest class, which is
    chosen by looking - comes in at most 5 %.

    Args:
        labels: int64 [n]; `predicted`: int64 [replicates, n].

    Gives nothing where fewer than two classes are shown.
    """
    from scipy import stats

    counts = np.bincount(labels, minlength=k)
    there = np.flatnonzero(counts)
    if len(there) < 2:
        return ()
    wrong = predicted != labels
    share = np.array([float(wrong[:, labels == i].mean()) for i in there])
    size = counts[there] * _worth(labels, wrong, there)
    total, bad = size.sum(), float(size @ share)
    hits, expected = size * share, size * bad / total
    # Towards equality: a fraction of an image must not make a difference.
    count = np.where(hits < expected, np.ceil(hits - 1e-9), np.floor(hits + 1e-9))
    law = (np.rint(total), np.maximum(np.rint(bad), count), np.rint(size))
    tails = np.minimum(stats.hypergeom.cdf(count, *law), stats.hypergeom.sf(count - 1, *law))
    p_values = np.minimum(1.0, 2 * tails)
    mean = np.array([(bad - s * e) / (total - s) for s, e in zip(size, share, strict=True)])
    adjusted = holm(p_values)
    return tuple(
        Difficulty(int(i), float(1 - e), float(1 - m), float(p))
        for i, e, m, p in zip(there, share, mean, adjusted, strict=True)
    )


def _worth(labels: NDArray[np.int64], wrong: NDArray[np.bool_], there: NDArray[np.int64]) -> float:
    """How many independent answers the replicates' answers about one image are worth; 1 of one replicate.

    Under equal difficulty a class's share of wrong answers has the variance `image / n_k + seed`, where
    `image` is the pooled spread, within classes, of the share of replicates that were wrong about an image,
    and `seed` is what the classes' shares differ from seed to seed beyond what the seed does to all of them.
    Few seeds tell little of that spread, so it is widened by the square of Student's quantile over the
    normal's.
    """
    from scipy import special

    replicates, n = wrong.shape
    p, k = float(wrong.mean()), len(there)
    if replicates < 2 or p in (0.0, 1.0):
        return 1.0
    by_image = wrong.mean(axis=0)
    shares = np.stack([wrong[:, labels == i].mean(axis=1) for i in there], axis=1)  # [replicates, classes]
    inner = sum(float(by_image[labels == i].var() * (labels == i).sum()) for i in there)
    typical = k / float(sum(1 / (labels == i).sum() for i in there))  # images of a class
    image = inner / max(n - k, 1) / typical
    beyond = shares - shares.mean(axis=1, keepdims=True) - shares.mean(axis=0) + shares.mean()
    seed = float(np.square(beyond).sum()) / ((replicates - 1) * (k - 1)) / replicates
    rest = max(0.0, p * (1 - p) / typical - image) / (replicates - 1)  # which both of them hold
    variance = max(image + seed - rest, image)
    if variance <= 0:
        return 1.0
    parts = (image / variance) ** 2 / max(n - k, 1) + (seed / variance) ** 2 / ((replicates - 1) * (k - 1))
    tail = LEVEL / 2 / k
    wider = float(special.stdtrit(1 / parts, tail) / special.ndtri(tail)) ** 2
    return float(p * (1 - p) / (variance * wider * typical))
