"""Near duplicates among different images: candidates, alignment, and a threshold out of the data itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens import seeds
from handlens.evaluate.leaks.align import Fits, align, both_ways
from handlens.evaluate.leaks.candidates import (
    FEW,
    POSES,
    Pose,
    Shape,
    View,
    distances,
    foremost,
    learn_view,
    merge,
    reach,
    shape_of,
    within,
)
from handlens.evaluate.leaks.canvas import BLOCK, Canvas, blurred, canvas, halved, sharp, slopes
from handlens.evaluate.leaks.clipped import relight
from handlens.evaluate.leaks.duplicates import Floats, Integers
from handlens.evaluate.leaks.simulate import simulate
from handlens.evaluate.leaks.threshold import LEAST, MOST, decide

SAMPLE = 2000
STEPS = (5, 3, 6)  # Gauss-Newton steps: at half the resolution, in full, and to the last digit
WIDE = 2.0  # times the misfit of copies: strangers beyond it do not matter
PAIRS = 7  # most pairs an image that are aligned
EXPLAINED = 0.93
TINT = 20.0


@dataclass(frozen=True, eq=False)
class Near:
    """Near duplicates among u different pictures.

    Attributes:
        pairs: int64 [p, 2], the sharper picture first.
        fits: how each pair fits.
        threshold: the greatest misfit that was taken for a copy's.
    """

    pairs: Integers
    fits: Fits
    threshold: float


def find_near(images: NDArray[np.uint8]) -> Near:
    """Near duplicates among images of which no two are the same.

    Args:
        images: uint8 [u, height, width, channels], in an order that depends on what they show alone: then so
            does the result.
    """
    from threadpoolctl import threadpool_limits

    pictures = canvas(images)
    varied = pictures.std((1, 2)) > 1 / 255 if pictures.size else np.zeros(0, bool)
    busy = np.flatnonzero(varied)
    if len(busy) < 2:
        return Near(np.zeros((0, 2), np.int64), align(pictures, pictures, *_none()), float("nan"))
    pictures = pictures[busy]
    sample = np.linspace(0, len(busy) - 1, min(SAMPLE, max(SAMPLE // 4, len(busy)))).astype(np.int64)
    originals = images[busy[sample]]
    copies = simulate(originals, seeds.generator(0, "leaks"))
    with threadpool_limits(1, user_api="blas"):  # threads of ours share the cores: BLAS's would wait on them
        limits = learn_limits(originals, copies)
        pairs = search(pictures, sample, canvas(copies))
        pairs, fits = verify(pictures, pairs, limits)
        left, places = np.unique(pairs, return_inverse=True)
        fits = relight(sharp(images[busy[left]]), pictures[left], places.reshape(-1, 2), fits)
    threshold = decide(pairs, fits, len(pictures), limits.final)
    good = (fits.misfit <= threshold) & plausible(fits, pictures.shape[1:])
    chosen = np.flatnonzero(good & same_tint(images, busy[pairs]))
    return Near(busy[pairs[chosen]], fits.take(chosen), threshold)


def _none() -> tuple[Integers, Integers, Floats, int]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)), 0


@dataclass(frozen=True, eq=False)
class Limits:
    """The misfits that simulated copies reach after each round of steps: 99.5 % of them, at last 98.5 %."""

    quick: float
    middle: float
    final: float


def search(pictures: Canvas, sample: Integers, copies: Canvas) -> Integers:
    """Pairs worth aligning: int64 [p, 2]. `copies` are of the pictures in `sample`."""
    shape, other = shape_of(pictures), shape_of(copies)
    found = []
    for sized, poses in POSES.items():
        view = learn_view(pictures, shape, sample, copies, sized)
        numbers = view.numbers(pictures, shape)
        few = _stray(view, numbers[sample], copies, other, poses)
        for pose in poses:
            queries = view.numbers(pictures, shape, pose) if any(pose) else numbers
            limit = reach(numbers[:, :FEW], queries[:, :FEW], np.unique(sample), few)
            hits = within(numbers[:, :FEW], queries[:, :FEW], limit)
            found.append(foremost(hits, distances(numbers, queries, hits)))
    pairs, rank = merge(len(pictures), found)
    if len(pairs) > PAIRS * len(pictures):
        pairs = pairs[np.sort(np.argsort(rank, kind="stable")[: PAIRS * len(pictures)])]
    return pairs


def _stray(view: View, originals: Canvas, copies: Canvas, shape: Shape, poses: tuple[Pose, ...]) -> float:
    """The distance within which 99 % of copies stay from their originals, in the best of the poses."""
    both = sorted({(sign * turn, sign * down) for turn, down in poses for sign in (-1.0, 1.0)})
    apart = [
        np.linalg.norm((view.numbers(copies, shape, pose) - originals)[:, :FEW], axis=1) for pose in both
    ]
    return max(float(np.quantile(np.min(apart, axis=0), 0.99)), 1e-6)


def learn_limits(originals: NDArray[np.uint8], copies: NDArray[np.uint8]) -> Limits:
    """What copies reach: `originals` and `copies` uint8 [m, height, width, channels], of any channels."""
    m = len(originals)
    clear = np.concatenate([sharp(originals), sharp(copies)])
    pictures = blurred(clear)
    pairs = oriented(pictures, np.column_stack([np.arange(m), m + np.arange(m)]))
    fits = _quick(pictures, pairs)
    quick = _reached(fits, 0.995)
    fits = align(pictures, pictures, pairs[:, 0], pairs[:, 1], fits.motion, STEPS[1])
    middle = _reached(fits, 0.995)
    fits = align(pictures, pictures, pairs[:, 0], pairs[:, 1], fits.motion, STEPS[2])
    pairs, fits = both_ways(pictures, pairs, fits, STEPS[1])
    final = _reached(relight(clear, pictures, pairs, fits), 0.985)
    return Limits(quick, middle, min(max(final, LEAST), MOST))


def _reached(fits: Fits, share: float) -> float:
    """The misfit that a share of the pairs that could be aligned at all reaches."""
    misfits = fits.misfit[np.isfinite(fits.misfit)]
    return float(np.quantile(misfits, share)) if len(misfits) else LEAST


def oriented(pictures: Canvas, pairs: Integers) -> Integers:
    """Each pair with its sharper picture first: see `both_ways`."""
    sharpness = np.empty(len(pictures))
    for start in range(0, len(pictures), BLOCK):
        part = pictures[start : start + BLOCK]
        down, right = slopes(part)
        sharpness[start : start + BLOCK] = (down**2 + right**2).mean((1, 2)) / (part.var((1, 2)) + 1e-9)
    swap = sharpness[pairs[:, 1]] > sharpness[pairs[:, 0]]
    return np.where(swap[:, None], pairs[:, ::-1], pairs)


def _quick(pictures: Canvas, pairs: Integers) -> Fits:
    """A rough alignment at half the resolution, begun with one picture's ink laid over the other's."""
    step = 2 if min(pictures.shape[1:]) >= 20 else 1
    centre = shape_of(pictures).centre
    between = (centre[pairs[:, 0]] - centre[pairs[:, 1]]) / step
    start = np.column_stack([between, np.zeros_like(between)])
    small = halved(pictures) if step == 2 else pictures
    fits = align(small, small, pairs[:, 0], pairs[:, 1], start, STEPS[0])
    fits.motion[:, :2] *= step
    return fits


def verify(pictures: Canvas, pairs: Integers, limits: Limits) -> tuple[Integers, Fits]:
    """Align pairs in rounds, each with those that may still be copies: the pairs left, int64 [p, 2], fits."""
    pairs = oriented(pictures, pairs)
    fits = _quick(pictures, pairs)
    for limit, steps in ((limits.quick, STEPS[1]), (max(limits.middle, WIDE * limits.final), STEPS[2])):
        left = np.flatnonzero(fits.misfit <= limit)
        pairs = pairs[left]
        fits = align(pictures, pictures, pairs[:, 0], pairs[:, 1], fits.motion[left], steps)
    return both_ways(pictures, pairs, fits, STEPS[1])


def plausible(fits: Fits, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether an alignment is one that copying makes: bool [p]."""
    motion, gain = fits.motion, fits.light[:, 0]
    scale, angle = np.hypot(1 + motion[:, 2], motion[:, 3]), np.arctan2(motion[:, 3], 1 + motion[:, 2])
    near = np.abs(motion[:, :2]).max(1) <= 0.25 * min(shape)
    small = (np.abs(np.log(scale)) < 0.25) & (np.abs(angle) < np.deg2rad(25))
    return np.asarray(near & small & (gain > 0.4) & (gain < 2.5) & (fits.explained >= EXPLAINED))


def same_tint(images: NDArray[np.uint8], pairs: Integers) -> NDArray[np.bool_]:
    """Whether the mean colours of two images stand apart from grey alike, to `TINT` of 255: bool [p].

    Alignment sees brightness alone, to which a red and a green picture may be the same.
    """
    blocks = range(0, len(images), BLOCK)
    colours = np.concatenate([images[start : start + BLOCK].mean((1, 2)) for start in blocks])
    colours -= colours.mean(1, keepdims=True)
    return np.asarray((np.abs(colours[pairs[:, 0]] - colours[pairs[:, 1]]) <= TINT).all(1))
