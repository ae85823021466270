"""Curves of one class against all others as a threshold on its probability falls: ROC, precision-recall.

Source: Fawcett 2006, *An introduction to ROC analysis*, Pattern Recognition Letters 27; Davis & Goadrich
2006, *The relationship between precision-recall and ROC curves*, ICML. scikit-learn has them too, but
importing its metrics takes longer than all the rest of a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GRID = 201  # points of an averaged curve


@dataclass(frozen=True, eq=False)
class Roc:
    """One class against all others.

    Attributes:
        class_index: which class; -1 for an average.
        false, true: float64 [points], shares (0-1) of the other images and of the class's own that a
            threshold lets through, both rising from 0 to 1.
        area: under the curve: how often an image of the class gets a higher probability of it than one of
            another class does (0-1).
    """

    class_index: int
    false: Floats
    true: Floats
    area: float


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """One class against all others.

    Attributes:
        class_index: which class; -1 for an average.
        recall, precision: float64 [points] (0-1): of the class's own images those let through; of those let
            through the class's own. Recall rises; the first point is (0, 1) by convention.
        average_precision: the precision at each threshold, weighted by the recall that it adds (0-1).
    """

    class_index: int
    recall: Floats
    precision: Floats
    average_precision: float


@dataclass(frozen=True, eq=False)
class Averaged:
    """Both curves averaged over classes.

    `macro`: every class counts alike, curves are averaged at equal false shares and at equal recalls, areas
    are means. `micro`: every pair of image and class counts alike, as one question "is it this class?".
    """

    macro_roc: Roc
    micro_roc: Roc
    macro_recall: PrecisionRecall
    micro_recall: PrecisionRecall


def roc_curve(probabilities: NDArray[np.floating[Any]], own: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Shares of other and of own images (0-1) that each threshold lets through, from none to all.

    Args:
        probabilities: float [n], of the class; equal ones pass a threshold together.
        own: bool [n], whether the image is of the class; some are and some are not.
    """
    passed, true = _passed(probabilities, own)
    false = passed - true
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def recall_curve(
    probabilities: NDArray[np.floating[Any]], own: NDArray[np.bool_]
) -> tuple[Floats, Floats, float]:
    """Recall, precision (0-1) at each threshold from none to all, and the average precision.

    `AP = sum (recall_t - recall_{t-1}) precision_t`, without interpolation, as scikit-learn's.

    Args:
        probabilities: float [n], of the class.
        own: bool [n], whether the image is of the class; some are.
    """
    passed, true = _passed(probabilities, own)
    recall, precision = true / true[-1], true / passed
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return np.append(0.0, recall), np.append(1.0, precision), area


def _passed(
    probabilities: NDArray[np.floating[Any]], own: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many images, and how many of the class's own, each threshold lets through."""
    order = np.argsort(-probabilities, kind="stable")
    last = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1)
    return last + 1, np.cumsum(own[order], dtype=np.int64)[last]


def shown(labels: NDArray[np.int64], k: int) -> list[int]:
    """The classes that some but not all of the images show."""
    counts = np.bincount(labels, minlength=k)
    return [i for i in range(k) if 0 < counts[i] < len(labels)]


def rocs(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> tuple[Roc, ...]:
    """The ROC curve of every class that some but not all images show.

    Args:
        probabilities: float [n, k].
        labels: int64 [n] in `0..k-1`.
    """
    found = []
    for k in shown(labels, probabilities.shape[1]):
        false, true = roc_curve(probabilities[:, k], labels == k)
        found.append(Roc(k, false, true, float(np.trapezoid(true, false))))
    return tuple(found)


def recalls(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]
) -> tuple[PrecisionRecall, ...]:
    """The precision-recall curve of every class that some but not all images show; arguments as of `rocs`."""
    return tuple(
        PrecisionRecall(k, *recall_curve(probabilities[:, k], labels == k))
        for k in shown(labels, probabilities.shape[1])
    )


def averaged(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> Averaged | None:
    """The curves averaged over classes; None where fewer than two classes are shown. Arguments as of
    `rocs`."""
    each, recalled = rocs(probabilities, labels), recalls(probabilities, labels)
    if not each:
        return None
    chosen = [roc.class_index for roc in each]
    own = (labels[:, None] == np.asarray(chosen)).ravel()
    asked = probabilities[:, chosen].ravel()
    false, true = roc_curve(asked, own)
    at = np.linspace(0, 1, GRID)
    mean_true = np.mean([np.interp(at, roc.false, roc.true) for roc in each], axis=0)
    precision = np.mean([_precision_at(at, curve) for curve in recalled], axis=0)
    return Averaged(
        Roc(-1, np.append(0.0, at), np.append(0.0, mean_true), float(np.mean([roc.area for roc in each]))),
        Roc(-1, false, true, float(np.trapezoid(true, false))),
        PrecisionRecall(-1, at, precision, float(np.mean([c.average_precision for c in recalled]))),
        PrecisionRecall(-1, *recall_curve(asked, own)),
    )


def _precision_at(recall: Floats, curve: PrecisionRecall) -> Floats:
    """Precision of the first threshold that reaches each recall: steps, since a straight line would
    flatter."""
    return np.asarray(curve.precision[np.searchsorted(curve.recall, recall, side="left")])
