"""Scores of predictions: arrays in, plain records out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.records import Scores


def confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """int64 [k, k]: entry (i, j) counts images of class i taken for class j."""
    return np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)


def accuracy(matrix: NDArray[np.int64]) -> float:
    """Share of images on the diagonal of a confusion matrix; 0 without images."""
    return float(np.trace(matrix) / max(matrix.sum(), 1))


def f1(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 [k]: `2 tp / (2 tp + fp + fn)` of each class; nan for a class neither shown nor predicted."""
    positives = matrix.sum(axis=0) + matrix.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * np.diag(matrix) / positives, dtype=np.float64)


def macro_f1(matrix: NDArray[np.int64]) -> float:
    """Mean F1 over the classes that occur or were predicted: scikit-learn's `f1_score(average="macro")`."""
    each = f1(matrix)
    return float(np.nanmean(each)) if np.isfinite(each).any() else 0.0


def log_loss(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Mean of `-log p(true class)` in nats; probabilities [n, k] are cut off at 1e-15."""
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(given, 1e-15, 1.0)).mean()) if len(labels) else 0.0


def score(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> Scores:
    """All scores of one model on one set of images.

    Args:
        probabilities: float [n, k], each row over the classes; the largest is the prediction.
        labels: int64 [n] in `0..k-1`.
    """
    matrix = confusion(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    return Scores(
        images=len(labels),
        accuracy=accuracy(matrix),
        macro_f1=macro_f1(matrix),
        log_loss=log_loss(probabilities, labels),
        confusion=tuple(tuple(int(count) for count in row) for row in matrix),
    )
