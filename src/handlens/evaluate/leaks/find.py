"""The search: identical images first, then near duplicates among the different ones, then families."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handlens.errors import DataError
from handlens.evaluate.leaks.canvas import step_of
from handlens.evaluate.leaks.duplicates import Duplicates, Floats, Integers, Mask
from handlens.evaluate.leaks.exact import copies
from handlens.evaluate.leaks.near import find_near

Images = NDArray[np.uint8]


def find_duplicates(
    images: Images | Sequence[Images],
    *,
    parts: ArrayLike | None = None,
    labels: ArrayLike | Sequence[ArrayLike] | None = None,
    near: bool = True,
) -> Duplicates:
    """Exact and near duplicates among images, within and between parts.

    Args:
        images: uint8 [n, height, width, channels] or [n, height, width], or several such arrays (training,
            validation, test ...) of images of the same shape, which are counted on from one to the next.
        parts: int [n], the part each image belongs to; without it, the position of its array in `images`.
        labels: int [n], or one array for each array in `images`; used by `contradictions` alone.
        near: whether near duplicates are searched too, or identical images only.

    Raises:
        DataError: images, parts or labels whose types or shapes do not fit together.
    """
    pixels, given = _together(images)
    n = len(pixels)
    belongs = given if parts is None else _whole(parts, n, "parts")
    named = None if labels is None else _whole(_flat(labels), n, "labels")
    same = copies(pixels)
    pairs, scores, threshold = same.pairs, np.ones(len(same.pairs)), float("nan")
    kinds = ["exact"] * len(pairs)
    alignments = np.tile([0.0, 0.0, 0.0, 1.0], (len(pairs), 1))
    if near:
        close = find_near(pixels[same.first])
        found = same.first[close.pairs]
        changes = moves(close.fits.motion, found[:, 0] > found[:, 1], step_of(pixels.shape))
        pairs = np.concatenate([pairs, np.sort(found, axis=1)])
        scores = np.concatenate([scores, close.fits.explained])
        kinds += kinds_of(changes, close.fits.light)
        alignments = np.concatenate([alignments, changes])
        threshold = close.threshold
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, scores, alignments = pairs[order], scores[order], alignments[order]
    words = tuple(kinds[k] for k in order)
    return Duplicates(pairs, words, scores, alignments, families(pairs, n), belongs, named, threshold)


def moves(motion: Floats, swapped: Mask, step: int) -> Floats:
    """What was done to the first image of each pair to get the second: float64 [p, 4], as `alignments`.

    Args:
        motion: float64 [p, 4], as in `warp`: with complex numbers (right + i down), `x = z u + t` is where
            the pixel u of the one lies in the other; `swapped`, bool [p], where that is the second image.
        step: pixels of the image to one of the motion.
    """
    z, t = 1 + motion[:, 2] + 1j * motion[:, 3], motion[:, 1] + 1j * motion[:, 0]
    turn, shift = np.where(swapped, z, 1 / z), np.where(swapped, t, -t / z) * step
    degrees = -np.rad2deg(np.angle(turn))  # down is positive, so the sense of turning is the other one
    return np.column_stack([shift.imag, shift.real, degrees, np.abs(turn)])


def kinds_of(changes: Floats, light: Floats) -> list[str]:
    """The word out of `KINDS` for each near pair: what can be seen of place, then of light, then the rest."""
    moved = np.abs(changes[:, :2]).max(1, initial=0) >= 0.5
    turned, resized = np.abs(changes[:, 2]) >= 1.5, np.abs(changes[:, 3] - 1) >= 0.02
    relit = (np.abs(light[:, 0] - 1) >= 0.05) | (np.abs(light[:, 1]) >= 4 / 255)
    many = moved.astype(int) + turned + resized + relit
    choices = [many > 1, moved, turned, resized, relit]
    return [
        str(word)
        for word in np.select(choices, ["combined", "moved", "turned", "resized", "relit"], "altered")
    ]


def families(pairs: Integers, n: int) -> Integers:
    """The connected groups of n images, numbered by first image: int64 [n] from pairs, int64 [p, 2]."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, groups = connected_components(graph, directed=False) if n else (0, np.zeros(0, np.int32))
    _, first, which = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[which].astype(np.int64)


def _together(images: Images | Sequence[Images]) -> tuple[Images, Integers]:
    """All images as one array [n, height, width, channels], and the number of each one's array."""
    arrays = [images] if isinstance(images, np.ndarray) else list(images)
    if not arrays:
        return np.zeros((0, 1, 1, 1), np.uint8), np.zeros(0, np.int64)
    arrays = [array[..., None] if array.ndim == 3 else array for array in arrays]
    for array in arrays:
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[1:] != arrays[0].shape[1:]:
            raise DataError(
                f"images are {array.dtype} {list(array.shape)}",
                expected="uint8 [n, height, width, channels], the same shape in every part",
            )
    parts = np.repeat(np.arange(len(arrays)), [len(array) for array in arrays])
    return (arrays[0] if len(arrays) == 1 else np.concatenate(arrays)), parts


def _flat(labels: Any) -> Any:
    """Labels of one array, or of several one after another."""
    if isinstance(labels, (list, tuple)) and labels and np.ndim(labels[0]) == 1:
        return np.concatenate([np.asarray(some) for some in labels])
    return labels


def _whole(values: Any, n: int, name: str) -> Integers:
    """`values` as int64 [n]."""
    array = np.asarray(values)
    if array.shape != (n,) or (n and array.dtype.kind not in "iu"):
        raise DataError(
            f"{name} are {array.dtype} {list(array.shape)}", expected=f"integers, one for each of {n} images"
        )
    return array.astype(np.int64)
