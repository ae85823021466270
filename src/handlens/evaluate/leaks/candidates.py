"""Which pairs are worth a closer look: nearest neighbours in a few numbers that copies hardly change."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from handlens.evaluate.leaks.canvas import Canvas, warp
from handlens.evaluate.leaks.duplicates import Floats, Integers

FEW, NUMBERS = 32, 96  # of the same numbers: first look at all pairs, second look at those that are near
HITS, NEIGHBOURS = 40, 5
ROWS, TILE = 512, 2048
BLOCK = 4096
POSES = {True: ((0.0, 0.0), (8.0, 0.0)), False: ((0.0, 0.0), (0.0, 0.043))}
"""Whether pictures are scaled to one size: the poses (degrees, heights down) in which each looks for others.

The turn is for pictures that were turned, the way down for those that lost an edge when they were moved, so
that their ink has another centre. A pose stands for its opposite too: of two pictures either may be the copy.
"""


Pose = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Shape:
    """Where the ink of n pictures lies.

    Attributes:
        centre: float64 [n, 2], pixels down and right of the middle.
        spread: float64 [n], root mean square distance from the centre, pixels.
    """

    centre: Floats
    spread: Floats


def shape_of(pictures: Canvas) -> Shape:
    """Centre and spread of what is brighter than the darkest tenth by a tenth of the range."""
    n, height, width = pictures.shape
    centre, spread = np.empty((n, 2)), np.empty(n)
    down, right = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    for start in range(0, n, BLOCK):
        part = pictures[start : start + BLOCK]
        flat = np.sort(part.reshape(len(part), -1), axis=1)
        dark, light = flat[:, flat.shape[1] // 10], flat[:, -1 - flat.shape[1] // 50]
        ink = np.maximum(part - (dark + 0.1 * (light - dark))[:, None, None], 0)
        total = ink.sum((1, 2)) + 1e-9
        rows, cols = ink.sum(2) / total[:, None], ink.sum(1) / total[:, None]
        middle = np.column_stack([rows @ down, cols @ right])
        centre[start : start + BLOCK] = middle
        wide = rows @ down**2 + cols @ right**2 - (middle**2).sum(1)
        spread[start : start + BLOCK] = np.sqrt(np.maximum(wide, 0))
    return Shape(centre, spread)


@dataclass(frozen=True, eq=False)
class View:
    """A way to look at pictures: laid about their centre, then turned into a few numbers.

    Attributes:
        sized: whether pictures are also scaled to the same `spread` (pixels).
        mean: float32 [pixels], taken away before `matrix`, float32 [pixels, numbers], is applied.
    """

    sized: bool
    spread: float
    mean: Canvas
    matrix: Canvas

    def numbers(self, pictures: Canvas, shape: Shape, pose: Pose = (0.0, 0.0)) -> Canvas:
        """float32 [n, numbers] of pictures in a pose."""
        out = np.empty((len(pictures), self.matrix.shape[1]), np.float32)
        for start in range(0, len(pictures), BLOCK):
            part = slice(start, start + BLOCK)
            upright = centred(pictures[part], Shape(shape.centre[part], shape.spread[part]), self, pose)
            out[part] = (upright - self.mean) @ self.matrix
        return out


def centred(pictures: Canvas, shape: Shape, view: View, pose: Pose = (0.0, 0.0)) -> Canvas:
    """Pictures about their own centre, with mean zero and length one: float32 [n, pixels]."""
    turn, down = pose
    scale = np.clip(shape.spread / view.spread, 0.75, 1.33) if view.sized else np.ones(len(pictures))
    angle = np.deg2rad(turn)
    middle = shape.centre + np.array([down * pictures.shape[1], 0])
    motion = np.column_stack([middle, scale * np.cos(angle) - 1, scale * np.sin(angle)])
    seen, _ = warp(pictures, np.arange(len(pictures)), motion)
    seen -= seen.mean(1, keepdims=True)
    seen /= np.linalg.norm(seen, axis=1, keepdims=True) + np.float32(1e-6)
    return seen


def learn_view(pictures: Canvas, shape: Shape, sample: Integers, copies: Canvas, sized: bool) -> View:
    """The numbers in which pictures differ most and copies least.

    Args:
        pictures: float32 [n, height, width]; `sample`, int64 [m], are the originals of `copies`.

    With T the covariance of pictures and C that of copies less originals, both in the first principal
    components, the directions are the leading solutions of `T v = l C v` with `v' C v = 1`: a linear
    discriminant analysis whose classes are an image and its copies (Bar-Hillel et al. 2005, *Learning a
    Mahalanobis Metric from Equivalence Constraints*, JMLR 6). Distances are then in units of what copying
    changes.
    """
    from scipy.linalg import eigh

    spread = max(float(np.median(shape.spread)), 1e-3)
    blank = View(sized, spread, np.zeros(0, np.float32), np.zeros((0, 0), np.float32))
    originals = centred(pictures[sample], Shape(shape.centre[sample], shape.spread[sample]), blank)
    changed = centred(copies, shape_of(copies), blank)
    mean = originals.mean(0)
    covariance = np.cov((originals - mean).T.astype(np.float64)) + 1e-9 * np.eye(len(mean))
    _, axes = eigh(covariance)
    axes = axes[:, ::-1][:, :150]
    strays = (changed - originals) @ axes
    within = strays.T @ strays / len(strays)
    within += np.eye(len(within)) * (0.02 * np.trace(within) / len(within) + 1e-9)
    _, directions = eigh(axes.T @ covariance @ axes, within)
    matrix = (axes @ directions[:, ::-1][:, :NUMBERS]).astype(np.float32)
    return View(sized, spread, mean, matrix)


def reach(numbers: Canvas, queries: Canvas, sample: Integers, limit: float) -> Floats:
    """How far to look from each query for about `HITS` rows: float64 [q], at most `limit`.

    Among m rows of the sample the k-th nearest is as far as the (k n / m)-th nearest of all n.
    """
    count = min(
        len(sample), max(2, -(-HITS * len(sample) // len(numbers))) + 1
    )  # its own row may be among them
    some = numbers[sample]
    out = np.empty(len(queries))
    for start in range(0, len(queries), BLOCK):
        part = queries[start : start + BLOCK]
        far = (part**2).sum(1)[:, None] + (some**2).sum(1) - 2 * part @ some.T
        out[start : start + BLOCK] = np.partition(far, count - 1, axis=1)[:, count - 1]
    return np.minimum(np.sqrt(np.maximum(out, 0)), limit)


def within(numbers: Canvas, queries: Canvas, limit: Floats) -> Integers:
    """Pairs (query, row of `numbers`) no further apart than the query's limit: int64 [p, 2], none of itself.

    Exact: `|q - g|^2 = |q|^2 + |g|^2 - 2 q g` is one matrix product, over tiles that stay in the cache.
    """
    left = np.hstack(
        [-2 * queries, np.ones_like(queries[:, :1]), (queries**2).sum(1, keepdims=True) - (limit**2)[:, None]]
    )
    left = left.astype(np.float32)
    right = np.ascontiguousarray(
        np.hstack([numbers, (numbers**2).sum(1, keepdims=True), np.ones_like(numbers[:, :1])]).T
    )

    def strip(row: int) -> Integers:
        found = []
        for col in range(0, len(numbers), TILE):
            tile = left[row : row + ROWS] @ right[:, col : col + TILE]
            hit = np.flatnonzero(tile <= 0)
            found.append(np.column_stack([hit // tile.shape[1] + row, hit % tile.shape[1] + col]))
        hits = np.concatenate(found)
        return np.asarray(hits[hits[:, 0] != hits[:, 1]])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(strip, range(0, len(queries), ROWS))))


def foremost(pairs: Integers, distance: Floats) -> tuple[Integers, Floats]:
    """Of each query's pairs the `NEIGHBOURS` nearest: the pairs, and their rank from 0 with ties broken by
    distance, float64 [p]."""
    order = np.lexsort((distance, pairs[:, 0]))
    pairs, distance = pairs[order], distance[order]
    starts = (
        np.flatnonzero(np.r_[True, pairs[1:, 0] != pairs[:-1, 0]]) if len(pairs) else np.zeros(0, np.int64)
    )
    lengths = np.diff(np.r_[starts, len(pairs)])
    rank = np.arange(len(pairs)) - np.repeat(starts, lengths)
    keep = rank < NEIGHBOURS
    return pairs[keep], rank[keep] + distance[keep] / (distance.max(initial=0.0) + 1)


def distances(numbers: Canvas, queries: Canvas, pairs: Integers) -> Floats:
    """Distance of each (query, row) pair, float64 [p]."""
    out = np.empty(len(pairs))
    for start in range(0, len(pairs), 16 * BLOCK):
        part = pairs[start : start + 16 * BLOCK]
        apart = queries[part[:, 0]] - numbers[part[:, 1]]
        out[start : start + 16 * BLOCK] = np.sqrt(np.einsum("pd,pd->p", apart, apart))
    return out


def merge(n: int, found: list[tuple[Integers, Floats]]) -> tuple[Integers, Floats]:
    """Pairs out of several searches: int64 [p, 2] with the smaller number first, sorted, and each one's least
    rank, float64 [p]."""
    pairs = np.sort(np.concatenate([pairs for pairs, _ in found]), axis=1)
    distance = np.concatenate([distance for _, distance in found])
    key = pairs[:, 0] * n + pairs[:, 1]
    order = np.lexsort((distance, key))
    _, first = np.unique(key[order], return_index=True)
    return pairs[order[first]], distance[order[first]]
