"""Doubtful labels: images of which models that never saw them say, with confidence, something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.errors import DataError
from handlens.seeds import generator

Probabilities = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
Predict = Callable[[Indices, Indices], Probabilities]
FEWEST = 20  # images below which nothing is said


@dataclass(frozen=True)
class Doubt:
    """An image whose label models trained on other images do not believe.

    Attributes:
        position: of the image.
        given: class index of its label; `suggested`: of what the models say instead.
        own: probability of the given class; `other`: of the suggested one (0-1).
        confident: whether the suggested class is claimed with at least the confidence that images of that
            class have on average: what confident learning counts as a label error.
    """

    position: int
    given: int
    suggested: int
    own: float
    other: float
    confident: bool


@dataclass(frozen=True)
class Doubts:
    """All doubts about the labels of a set of images, the greatest first.

    Attributes:
        images: how many were asked about.
        accuracy: share of the images whose label the models agree with.
        thresholds: of each class the mean probability that its own images have for it; nan without images.
        joint: `joint[i][j]`: images labelled i that are confidently j, i on the diagonal.
        ranked: every image that another class is at least as probable for as its own, or that is confident.
    """

    images: int
    accuracy: float
    thresholds: tuple[float, ...]
    joint: tuple[tuple[int, ...], ...]
    ranked: tuple[Doubt, ...]

    @property
    def confident(self) -> tuple[Doubt, ...]:
        """The doubts that count as label errors."""
        return tuple(doubt for doubt in self.ranked if doubt.confident)


def find_doubts(probabilities: Probabilities, labels: NDArray[np.int64]) -> Doubts:
    """Rank images by how little models that never saw them believe their labels.

    Args:
        probabilities: float [n, k], out-of-fold: by models that were not trained on the image.
        labels: int64 [n] in `0..k-1`.

    Confident learning (Northcutt, Jiang & Chuang 2021, *Confident Learning: Estimating Uncertainty in Dataset
    Labels*, JAIR 70): with `t_j` the mean of `p_j` over the images labelled j, an image is confidently of the
    class j of the largest `p_j` among those with `p_j >= t_j`, and an error if j is not its label. Ranked by
    self-confidence, the probability of the image's own label: where labels are wrong at random, the odds that
    one is are `rate / (k - 1) * (1 - p_own) / ((1 - rate) p_own)`, which fall as `p_own` grows.

    Raises:
        DataError: shapes that do not fit, or probabilities that are not finite.
    """
    n, k = _checked(probabilities, labels)
    p = probabilities.astype(np.float64)
    rows = np.arange(n)
    counts = np.bincount(labels, minlength=k)
    own = p[rows, labels]
    sums = np.bincount(labels, weights=own, minlength=k)
    thresholds = np.divide(sums, counts, out=np.full(k, np.nan), where=counts > 0)
    with np.errstate(invalid="ignore"):
        claimed = np.where(p >= thresholds, p, -1.0)  # a class without images claims none
    confident, sure = claimed.argmax(axis=1), claimed.max(axis=1) >= 0
    joint = np.bincount(labels[sure] * k + confident[sure], minlength=k * k).reshape(k, k)
    others = p.copy()
    others[rows, labels] = -1.0
    suggested = others.argmax(axis=1)
    error = sure & (confident != labels)
    suggested[error] = confident[error]
    said = p[rows, suggested]
    doubted = np.flatnonzero(error | (said >= own))
    order = doubted[np.lexsort((-said[doubted], own[doubted]))]
    return Doubts(
        images=n,
        accuracy=float((p.argmax(axis=1) == labels).mean()) if n else 0.0,
        thresholds=tuple(float(t) for t in thresholds),
        joint=tuple(tuple(int(c) for c in row) for row in joint),
        ranked=tuple(
            Doubt(int(i), int(labels[i]), int(suggested[i]), float(own[i]), float(said[i]), bool(error[i]))
            for i in order
        ),
    )


def out_of_fold(
    labels: NDArray[np.int64],
    classes: int,
    predict: Predict,
    *,
    folds: int = 3,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Probabilities of every image by models that were trained without it: float32 [n, classes].

    Args:
        labels: int64 [n].
        predict: given the indices to train on and those to predict (int64 each), the probabilities of the
            latter, float [m, classes].
        folds: how many models; each is trained on all folds but one.
        groups: int64 [n]; images of one group (copies of each other) stay in one fold, so that no model has
            seen the copy of an image that it judges.

    Cross-validation as in Northcutt, Jiang & Chuang 2021, section 2.

    Raises:
        DataError: fewer than `FEWEST` images, or what `predict` returns has another shape.
    """
    n = len(labels)
    if n < FEWEST:
        raise DataError(f"{n} images are too few to doubt labels", expected=f"{FEWEST} or more")
    found = np.empty((n, classes), dtype=np.float32)
    for train, held in fold_indices(labels, folds, groups=groups, seed=seed):
        said = predict(train, held)
        if said.shape != (len(held), classes):
            expected = f"[{len(held)}, {classes}]"
            raise DataError(f"probabilities are {list(said.shape)}", expected=expected)
        found[held] = said
    return found


def fold_indices(
    labels: NDArray[np.int64], folds: int, *, groups: NDArray[np.int64] | None = None, seed: int = 0
) -> Iterator[tuple[Indices, Indices]]:
    """Indices to train on and to predict, int64 ascending, fold by fold; each class is spread evenly.

    Groups are dealt out whole, by the class of their first image.
    """
    groups = np.arange(len(labels)) if groups is None else groups
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    by_lot = generator(seed, "folds").permutation(len(first))
    by_class = by_lot[np.argsort(labels[first][by_lot], kind="stable")]
    fold = np.empty(len(first), dtype=np.int64)
    fold[by_class] = np.arange(len(first)) % folds
    of_image = fold[group]
    for number in range(folds):
        train, held = np.flatnonzero(of_image != number), np.flatnonzero(of_image == number)
        if len(train) and len(held):
            yield train, held


def _checked(probabilities: Probabilities, labels: NDArray[np.int64]) -> tuple[int, int]:
    if probabilities.ndim != 2 or len(probabilities) != len(labels):
        shape = list(probabilities.shape)
        raise DataError(f"{len(labels)} labels but probabilities {shape}", expected="a row for each label")
    n, k = probabilities.shape
    if n and not (np.isfinite(probabilities).all() and 0 <= int(labels.min()) <= int(labels.max()) < k):
        expected = f"finite numbers and labels 0 to {k - 1}"
        raise DataError("probabilities or labels that cannot be", expected=expected)
    return n, k
