"""Light that black and white cut off: what got lighter than white is white, and only then blurred."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from handlens.evaluate.leaks.align import BLOCK, FAINT, Fits, inverse, solve
from handlens.evaluate.leaks.canvas import Canvas, blurred, inner, laplacian, warp
from handlens.evaluate.leaks.duplicates import Floats, Integers

STEPS = 3
LEAST_GAIN = 0.2


def relight(sharp: Canvas, pictures: Canvas, pairs: Integers, fits: Fits) -> Fits:
    """Fits of pairs, int64 [p, 2], bettered where light that was cut off explains what is left.

    Args:
        sharp: float32 [n, height, width], the pictures before they were blurred.
        pictures: float32 [n, height, width], the canvas that `fits` belongs to.

    The motion stays. The first picture is moved, lit, cut off at black and white and only then blurred, which
    least squares over blurred pictures cannot express; gain, offset and blur are found by Gauss-Newton steps
    over the pixels that were not cut off. Either picture may be the one that was lit.
    """
    known = np.flatnonzero(np.isfinite(fits.misfit))
    before = fits.take(known)
    forth = _fit(sharp, pictures, pairs[known, 0], pairs[known, 1], before.motion, before.light)
    gain = np.maximum(before.light[:, :1], LEAST_GAIN)
    light = np.hstack([1 / gain, -before.light[:, 1:2] / gain, np.zeros_like(gain)])
    back = _fit(sharp, pictures, pairs[known, 1], pairs[known, 0], inverse(before.motion), light)
    gain = np.maximum(back.light[:, :1], LEAST_GAIN)
    light = np.hstack([1 / gain, -back.light[:, 1:2] / gain, before.light[:, 2:]])
    for new in (forth, Fits(before.motion, light, back.misfit, back.explained)):
        won = np.flatnonzero(new.misfit < fits.misfit[known])
        fits = fits.put(known[won], new.take(won))
    return fits


def _fit(sharp: Canvas, pictures: Canvas, i: Integers, j: Integers, motion: Floats, light: Floats) -> Fits:
    """Picture `i[k]` moved and lit to look like picture `j[k]`."""
    misfit, explained, found = np.empty(len(i)), np.empty(len(i)), light.copy()

    def fit(start: int) -> None:
        part = slice(start, start + BLOCK)
        found[part], misfit[part], explained[part] = _block(
            sharp, pictures, i[part], j[part], motion[part], light[part]
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fit, range(0, len(i), BLOCK)))
    return Fits(motion, found, misfit, explained)


def _block(
    sharp: Canvas, pictures: Canvas, i: Integers, j: Integers, motion: Floats, light: Floats
) -> tuple[Floats, Floats, Floats]:
    rim = min(sharp.shape[1:]) / 28
    seen, inside = warp(sharp, i, motion, 2 * rim)
    usable = (inside & inner(sharp.shape, rim)).astype(np.float32)
    target = pictures[j].reshape(seen.shape)
    shape = (len(i), *sharp.shape[1:])
    for step in range(STEPS + 1):
        gain, offset, blur = (light[:, k, None].astype(np.float32) for k in range(3))
        lit = gain * seen + offset
        whole = ((lit > 0) & (lit < 1)).astype(np.float32)
        model = blurred(np.clip(lit, 0, 1).reshape(shape))
        edges = laplacian(model).reshape(seen.shape)
        difference = target - model.reshape(seen.shape) - blur * edges
        if step < STEPS:
            columns = [blurred((whole * seen).reshape(shape)), blurred(whole.reshape(shape))]
            flat = [column.reshape(seen.shape) for column in columns]
            light = light + solve(np.stack([*flat, edges, difference], axis=1), usable)
    count = np.maximum(usable.sum(1), 1)
    error = (difference**2 * usable).sum(1)
    mean = (target * usable).sum(1) / count
    variation = np.maximum(((target - mean[:, None]) ** 2 * usable).sum(1), 1e-9)
    return light, error / count / (target.var(1) + FAINT), np.clip(1 - error / variation, 0, 1)
