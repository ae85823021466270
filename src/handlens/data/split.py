"""Training and validation images: stratified, seeded, by group where groups are known.

A split sees the training labels only, so the test set cannot leak into it. The code is our own and not
scikit-learn's: `StratifiedShuffleSplit` would import half a second of library for a permutation, and
`StratifiedGroupKFold` offers only shares of one over a whole number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.errors import DataError
from handlens.seeds import generator

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Indices into the training images of a data set: int64, ascending, disjoint, together all of them."""

    train: Indices
    validation: Indices


def split(
    labels: NDArray[np.int64],
    validation: float | int | str = 0.1,
    seed: int = 0,
    groups: Sequence[Any] | NDArray[Any] | None = None,
) -> Split:
    """Choose validation images so that every class has the same share of them as of all images.

    Args:
        labels: int64 [n], the class of each training image.
        validation: how many to hold back: a share (a float above 0 and below 1) or a count (a whole number);
            `"last 500"`: the last 500 images, in their order, whatever their class.
        seed: equal seeds give equal splits, on every machine.
        groups: n group names or numbers (such as the person who wrote the digit); images of one group never
            end up on both sides. The count is then met as nearly as whole groups allow.

    Every class keeps at least one training image, so the only image of a class is never held back. A class
    with few images may have none in the validation part, when its fair share is less than one image.

    Raises:
        DataError: a share outside (0, 1), or a count that leaves a class without training images.
    """
    count = count_of(labels, validation, "validation")
    if isinstance(validation, str):
        return Split(np.arange(len(labels) - count), np.arange(len(labels) - count, len(labels)))
    rng = generator(seed, "split")
    held = _whole_groups(labels, count, np.asarray(groups), rng) if groups is not None else None
    chosen = stratified(labels, count, rng) if held is None else held
    mask = np.zeros(len(labels), dtype=bool)
    mask[chosen] = True
    return Split(np.flatnonzero(~mask), np.flatnonzero(mask))


def count_of(labels: NDArray[np.int64], wanted: float | int | str, what: str) -> int:
    """How many images a share (a float above 0 and below 1), a count or `"last 500"` of `labels` is.

    Raises:
        DataError: it is neither, or would leave a class without images; `what` names them in the message.
    """
    n, classes = len(labels), len(np.unique(labels))
    if isinstance(wanted, float) and not 0 < wanted < 1:
        raise DataError(
            f"a share of {wanted} for {what} images",
            expected="a share above 0 and below 1, or a whole number of images",
        )
    if isinstance(wanted, str):
        wanted = _last(wanted, what)
    count = max(1, round(wanted * n)) if isinstance(wanted, float) else wanted
    if not 1 <= count <= n - classes:
        raise DataError(
            f"{count:,} of {n:,} images of {classes} classes cannot be held back as {what} images",
            expected=f"1 to {n - classes:,}, so that every class keeps a training image"
            if n > classes
            else "more images than classes, so that every class keeps a training image",
            remedy="hold back fewer, or add images",
        )
    return count


def _last(text: str, what: str) -> int:
    word, _, number = text.partition(" ")
    if word != "last" or not number.isdecimal():
        raise DataError(f"{text!r} for {what} images", expected="a share, a count, or 'last 500'")
    return int(number)


def stratified(labels: NDArray[np.int64], count: int, rng: np.random.Generator) -> Indices:
    """`count` random indices, ascending, each class in proportion (by largest remainders, ties by lot)."""
    _, coded, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shares = _apportion(sizes, count, rng)
    by_class = np.split(np.argsort(coded, kind="stable"), np.cumsum(sizes)[:-1])
    chosen = [rng.permutation(members)[:share] for members, share in zip(by_class, shares, strict=True)]
    return np.asarray(np.sort(np.concatenate(chosen)), dtype=np.int64)


def _apportion(sizes: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` seats for classes of these sizes by largest remainders, each class keeping one image back."""
    quota: NDArray[np.float64] = count * sizes / sizes.sum()
    seats: NDArray[np.int64] = quota.astype(np.int64)
    by_lot = rng.permutation(len(sizes))
    order = by_lot[np.argsort(-(quota - seats)[by_lot], kind="stable")]
    while (left := count - int(seats.sum())) > 0:
        open_classes = order[seats[order] < sizes[order] - 1]
        seats[open_classes[:left]] += 1
    return seats


def _whole_groups(
    labels: NDArray[np.int64], count: int, groups: NDArray[Any], rng: np.random.Generator
) -> Indices:
    """Indices of whole groups, about `count` of them, taken greedily in random order.

    A group is taken when that brings the class counts of the validation part nearer (in squares) to its fair
    share, and leaves every class a training image.
    """
    if groups.shape != labels.shape:
        shape = list(groups.shape)
        raise DataError(f"{len(labels)} images but groups of shape {shape}", expected="one group an image")
    _, coded = np.unique(labels, return_inverse=True)
    _, group = np.unique(groups, return_inverse=True)
    table = np.zeros((group.max() + 1, coded.max() + 1), dtype=np.int64)  # [groups, classes]
    np.add.at(table, (group, coded), 1)
    total = table.sum(axis=0)
    excess = -(count * total / total.sum())  # validation images of each class beyond their fair share
    left = total.copy()
    taken = np.zeros(len(table), dtype=bool)
    for g in rng.permutation(len(table)):
        row = table[g]
        if row @ (2 * excess + row) < 0 and (left > row)[row > 0].all():
            excess += row
            left -= row
            taken[g] = True
    if not taken.any():
        raise DataError(
            f"no whole group fits into a validation part of {count} images",
            expected="groups small enough to be held back",
            remedy="hold back more images, or split without groups",
        )
    return np.flatnonzero(taken[group])
