"""What each image contributes to a score: the score plus the image's influence on it.

Their mean is the score, and their variance over n the score's (the infinitesimal jackknife: Jaeckel 1972,
Bell Laboratories Memorandum 72-1215-11; Efron 1982, *The Jackknife, the Bootstrap and Other Resampling
Plans*).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.scores import confusion

Floats = NDArray[np.float64]
Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]


def losses(probabilities: Probabilities, labels: Labels) -> Floats:
    """`-log p(true class)` of every image in nats, float64 [n]; p is cut off at 1e-15."""
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(given, 1e-15, 1.0))


def f1_values(predicted: Labels, labels: Labels, k: int) -> Floats:
    """Macro F1's of every image, float64 [n].

    With `F_c = 2 tp_c / a_c`, a_c the images of class c and those taken for it, an image of class i taken for
    j has the influence `n / K (2 [i = j] / a_i - F_i / a_i - F_j / a_j)` over the K classes that occur.
    """
    matrix = confusion(labels, predicted, k).astype(np.float64)
    size = matrix.sum(axis=0) + matrix.sum(axis=1)
    occurs = size > 0
    weight = np.where(occurs, 1 / np.where(occurs, size, 1), 0.0)
    scores = 2 * np.diag(matrix) * weight
    influence = 2 * np.diag(weight) - (scores * weight)[:, None] - scores * weight
    count = max(1, int(occurs.sum()))
    return np.asarray(scores.sum() / count + len(labels) / count * influence[labels, predicted])


def auc_values(probabilities: Probabilities, labels: Labels) -> Floats:
    """Those of the area under the one-versus-rest ROC curves, mean over the classes shown, float64 [n].

    For each class the placement of its images among the others, and of these among its own (DeLong, DeLong &
    Clarke-Pearson 1988, Biometrics 44), by ranks (Sun & Xu 2014, IEEE Signal Processing Letters 21).
    """
    from scipy import stats

    n = len(labels)
    shown = [c for c in np.unique(labels) if 0 < (labels == c).sum() < n]
    total, influence = 0.0, np.zeros(n)
    for c in shown:
        own, score = labels == c, probabilities[:, c]
        ranks = stats.rankdata(score)
        m, others = int(own.sum()), n - int(own.sum())
        placed = (ranks[own] - stats.rankdata(score[own])) / others
        among = 1 - (ranks[~own] - stats.rankdata(score[~own])) / m
        area = float(placed.mean())
        total += area
        influence[own] += n / m * (placed - area)
        influence[~own] += n / others * (among - area)
    return np.asarray((total + influence) / max(1, len(shown)))
