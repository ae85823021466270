"""Is one picture the other, moved, turned, scaled, lit and blurred? Least squares, many pairs at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from handlens.evaluate.leaks.canvas import Canvas, inner, laplacian, offsets, slopes, warp
from handlens.evaluate.leaks.duplicates import Floats, Integers

BLOCK = 512
LIGHT = 3  # columns of the model that are light and blur: gain, offset, Laplacian
FAINT = (80 / 255) ** 2
SATURATED = 0.05
SHARPENED = -0.05  # a blur below this is a sharpening


@dataclass(frozen=True, eq=False)
class Fits:
    """How p pairs of pictures fit.

    Attributes:
        motion: float64 [p, 4], as in `warp`: where the second picture's pixels lie in the first.
        light: float64 [p, 3]: gain, offset (in 0..1) and blur (pixels^2 / 2) from the first to the second.
        misfit: float64 [p]: mean square difference after alignment over (variance of the second picture +
            `FAINT`), so that in faint pictures it is a matter of grey levels and not of their own contrast.
        explained: float64 [p]: the share of the second picture's variation that the first one explains.
    """

    motion: Floats
    light: Floats
    misfit: Floats
    explained: Floats

    def take(self, chosen: Integers) -> Fits:
        return Fits(self.motion[chosen], self.light[chosen], self.misfit[chosen], self.explained[chosen])

    def put(self, chosen: Integers, other: Fits) -> Fits:
        """These fits, with `other` in the chosen places."""
        new = Fits(self.motion.copy(), self.light.copy(), self.misfit.copy(), self.explained.copy())
        new.motion[chosen], new.light[chosen] = other.motion, other.light
        new.misfit[chosen], new.explained[chosen] = other.misfit, other.explained
        return new


def align(first: Canvas, second: Canvas, i: Integers, j: Integers, motion: Floats, iterations: int) -> Fits:
    """Bring picture `i[k]` of `first` onto picture `j[k]` of `second`, for every k.

    Args:
        first, second: float32 [n, height, width] in 0..1.
        i, j: int64 [p].
        motion: float64 [p, 4], where to begin.
        iterations: Gauss-Newton steps; a few suffice to tell most strangers.

    The second picture is modelled as `gain * W + offset + blur * laplacian(W)` of the first one warped, W;
    the warp's four numbers are improved by the linearisation of the same least squares (Lucas & Kanade 1981;
    with light as in Baker & Matthews 2004, *Lucas-Kanade 20 Years On*, IJCV 56). Pixels that the warp reads
    outside or at the rim are left out, and so are those that black or white could not follow: what is darker
    than black becomes black.
    """
    blocks = [slice(start, start + BLOCK) for start in range(0, len(i), BLOCK)]
    if not blocks:
        return Fits(np.zeros((0, 4)), np.zeros((0, LIGHT)), np.zeros(0), np.zeros(0))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        fits = list(pool.map(lambda s: _align(first, second, i[s], j[s], motion[s], iterations), blocks))
    return Fits(
        np.concatenate([fit.motion for fit in fits]),
        np.concatenate([fit.light for fit in fits]),
        np.concatenate([fit.misfit for fit in fits]),
        np.concatenate([fit.explained for fit in fits]),
    )


def both_ways(pictures: Canvas, pairs: Integers, fits: Fits, iterations: int) -> tuple[Integers, Fits]:
    """Pairs, int64 [p, 2], and their fits, turned over where they fit better that way round.

    A blur can be modelled, the undoing of one hardly. Where the first picture had to be sharpened (one of
    them is a scaled copy, mostly), the second one is brought onto the first as well.
    """
    over = np.flatnonzero((fits.light[:, 2] < SHARPENED) & np.isfinite(fits.misfit))
    i, j = pairs[over, 1], pairs[over, 0]
    again = align(pictures, pictures, i, j, inverse(fits.motion[over]), iterations)
    won = np.flatnonzero(again.misfit < fits.misfit[over])
    pairs = pairs.copy()
    pairs[over[won]] = pairs[over[won], ::-1]
    return pairs, fits.put(over[won], again.take(won))


def inverse(motion: Floats) -> Floats:
    """Motions the other way round: float64 [p, 4], as in `warp`.

    With complex numbers (right + i down), `x = z u + t` is where the pixel u lies, and `u = x / z - t / z`.
    """
    z, t = 1 + motion[:, 2] + 1j * motion[:, 3], motion[:, 1] + 1j * motion[:, 0]
    turn, shift = 1 / z, -t / z
    return np.column_stack([shift.imag, shift.real, turn.real - 1, turn.imag])


def _align(first: Canvas, second: Canvas, i: Integers, j: Integers, motion: Floats, iterations: int) -> Fits:
    _, height, width = first.shape
    rim = min(height, width) / 28
    down, right = offsets(first.shape)
    middle = inner(first.shape, rim)
    target = second[j].reshape(len(j), -1)
    free = np.ones_like(target)
    for iteration in range(iterations + 1):
        seen, inside = warp(first, i, motion, 2 * rim)
        usable = (inside & middle).astype(np.float32)
        picture = seen.reshape(-1, height, width)
        columns = [seen, np.ones_like(seen), laplacian(picture).reshape(seen.shape)]
        if iteration < iterations:
            fall, rise = (slope.reshape(seen.shape) for slope in slopes(picture))
            columns += [fall, rise, rise * right + fall * down, fall * right - rise * down]
        model = np.stack([*columns, target], axis=1)  # [p, columns + 1, pixels]
        weights = solve(model, usable * free)
        difference = target - (weights[:, None, :LIGHT].astype(np.float32) @ model[:, :LIGHT])[:, 0]
        free = 1 - _beyond(seen, target, difference).astype(np.float32)
        if iteration < iterations:
            gain = weights[:, :1]
            gain = np.where(np.abs(gain) < 0.2, 0.2, gain)
            motion = motion + np.clip(weights[:, LIGHT:] / gain, [-2, -2, -0.15, -0.15], [2, 2, 0.15, 0.15])
    return _judge(target, difference * free, usable, motion, weights)


def solve(model: Canvas, mask: Canvas) -> Floats:
    """Least-squares weights of all columns but the last for the last: float64 [p, columns]."""
    gram = ((model * mask[:, None]) @ model.transpose(0, 2, 1)).astype(np.float64)
    left, right = gram[:, :-1, :-1], gram[:, :-1, -1]
    k = np.arange(left.shape[1])
    left[:, k, k] = left[:, k, k] * (1 + 1e-5) + 1e-6  # a blank or straight picture leaves some undecided
    return np.asarray(np.linalg.solve(left, right[..., None])[..., 0])


def _beyond(seen: Canvas, target: Canvas, difference: Canvas) -> Canvas:
    """Where black or white hides what the model says: bool [p, pixels]."""
    low, high = SATURATED, 1 - SATURATED
    too_dark = ((target <= low) & (difference > 0)) | ((seen >= high) & (difference > 0))
    too_light = ((target >= high) & (difference < 0)) | ((seen <= low) & (difference < 0))
    return np.asarray(too_dark | too_light)


def _judge(target: Canvas, difference: Canvas, usable: Canvas, motion: Floats, weights: Floats) -> Fits:
    pixels = usable.sum(1)
    count = np.maximum(pixels, 1)
    error = (difference**2 * usable).sum(1)
    mean = (target * usable).sum(1) / count
    variation = ((target - mean[:, None]) ** 2 * usable).sum(1)
    misfit = error / count / (target.var(1) + FAINT)
    misfit[pixels < 0.2 * target.shape[1]] = np.inf  # too little left in common to tell
    explained = 1 - error / np.maximum(variation, 1e-9)
    return Fits(
        motion, weights[:, :LIGHT], misfit.astype(np.float64), np.clip(explained, 0, 1).astype(np.float64)
    )
