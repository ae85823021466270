"""Augmentation: every epoch sees each image a little differently.

Shift, rotation, zoom, shear and elastic distortion together say from where in the image each new pixel is
taken; the image is then read once, between its pixels. Nothing is drawn where nothing is asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.nn import checks
from handlens.nn.arrays import Array


@dataclass(frozen=True)
class Augmentation:
    """How far images may be changed, each by numbers drawn for it alone. What comes from outside is 0.

    Attributes:
        shift: pixels, at most, up or down and left or right.
        rotate: degrees, at most, either way.
        zoom: the sides grow or shrink by at most this share: 0.1 is between 1 / 1.1 and 1.1 times.
        shear: degrees, at most, by which upright lines lean.
        flip: the probability that left and right change places.
        crop: whole pixels, at most, up or down and left or right: each image is padded and cropped at a place
            drawn for it. Unlike `shift`, which reads between pixels, it blurs nothing.
        elastic: pixels, the standard deviation of a smooth random displacement (Simard et al. 2003).
        elastic_reach: pixels over which neighbours move together.
        erase: the probability that a rectangle is set to 0 (Zhong et al. 2020), whose sides are drawn up to
            half the image's.
        noise: grey levels (of 255, or of what the images hold), the deviation of noise on every pixel.
        mixup: above 0, each image is blended with another one, and so is their loss; the share is drawn from
            a beta distribution with both parameters of that value (Zhang et al. 2018).
    """

    shift: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    flip: float = 0.0
    crop: int = 0
    elastic: float = 0.0
    elastic_reach: float = 4.0
    erase: float = 0.0
    noise: float = 0.0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        for name in ("shift", "zoom", "elastic", "noise", "mixup"):
            checks.number(self, name, getattr(self, name), 0)
        checks.number(self, "rotate", self.rotate, 0, 180)
        checks.number(self, "shear", self.shear, 0, 60)
        checks.number(self, "elastic_reach", self.elastic_reach, 0, open_="low")
        checks.number(self, "erase", self.erase, 0, 1)
        checks.number(self, "flip", self.flip, 0, 1)
        checks.whole(self, "crop", self.crop, 0)

    def images(self, images: NDArray[Any], rng: np.random.Generator) -> Array:
        """New images float32 `[n, height, width, channels]` from uint8 or floating ones."""
        changed = images.astype(np.float32)
        if self.flip:
            mirrored = rng.random(len(images)) < self.flip
            changed[mirrored] = changed[mirrored, :, ::-1]
        whole = None
        if self.crop:
            whole = rng.integers(-self.crop, self.crop, (2, len(images), 1, 1), endpoint=True)
        if self.shift or self.rotate or self.zoom or self.shear or self.elastic:
            rows, columns = self._sources(images.shape, rng)
            if whole is not None:
                rows, columns = rows + whole[0], columns + whole[1]
            changed = sample(changed, rows, columns)
        elif whole is not None:
            changed = cropped(changed, *whole.reshape(2, -1))
        if self.erase:
            self._erase(changed, rng)
        if self.noise:
            changed += np.float32(self.noise) * rng.standard_normal(changed.shape, dtype=np.float32)
        return changed

    def mix(self, n: int, rng: np.random.Generator) -> tuple[Array, NDArray[np.int64]] | None:
        """Each image's share that stays, float64 `[n]` of at least 0.5, and its partner, int64 `[n]`.

        None where nothing is mixed.
        """
        if not self.mixup:
            return None
        share = rng.beta(self.mixup, self.mixup, n)
        return np.maximum(share, 1 - share), rng.permutation(n)

    def _sources(self, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Array, Array]:
        """Row and column, float32 `[n, height, width]`, from where each new pixel is taken.

        `source = centre + rotation @ shear @ (pixel - centre) / zoom + shift + elastic displacement`.
        """
        n, height, width, _ = shape

        def draw(most: float) -> Array:
            return rng.uniform(-most, most, n)

        angle, lean = np.radians(draw(self.rotate)), np.tan(np.radians(draw(self.shear)))
        factor = np.exp(-draw(math.log1p(self.zoom)))
        cosine, sine = factor * np.cos(angle), factor * np.sin(angle)
        moves = draw(self.shift), draw(self.shift)
        r = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None]
        c = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[None, :]
        cosine, sine, lean, down, right = (
            a.astype(np.float32)[:, None, None] for a in (cosine, sine, lean, *moves)
        )
        leaning = c + lean * r  # [n, height, width]
        rows = cosine * r - sine * leaning + (down + np.float32((height - 1) / 2))
        columns = sine * r + cosine * leaning + (right + np.float32((width - 1) / 2))
        if self.elastic:
            rows += self._smooth_noise((n, height, width), rng)
            columns += self._smooth_noise((n, height, width), rng)
        return rows, columns

    def _smooth_noise(self, shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
        """Normal numbers, blurred by a Gaussian along both sides and brought back to deviation `elastic`."""
        field: Array = rng.standard_normal(shape, dtype=np.float32)
        down, across = (_blur(size, self.elastic_reach) for size in shape[1:])
        return np.float32(self.elastic) * (down @ field @ across.T)

    def _erase(self, images: Array, rng: np.random.Generator) -> None:
        n, height, width, _ = images.shape
        for i in np.flatnonzero(rng.random(n) < self.erase):
            tall, wide = rng.integers(1, max(height // 2, 1) + 1), rng.integers(1, max(width // 2, 1) + 1)
            top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
            images[i, top : top + tall, left : left + wide] = 0


def cropped(images: Array, down: NDArray[np.int64], right: NDArray[np.int64]) -> Array:
    """Images `[n, height, width, channels]` read as many pixels further `down`, `right` `[n]`; outside 0."""
    n, height, width, _ = images.shape
    border = int(max(np.abs(down).max(initial=0), np.abs(right).max(initial=0)))
    padded = np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    taken = windows[np.arange(n), border + down, border + right]  # [n, channels, height, width]
    return np.ascontiguousarray(taken.transpose(0, 2, 3, 1))


def sample(images: Array, rows: Array, columns: Array) -> Array:
    """Images float32 `[n, height, width, channels]` read at `rows`, `columns` `[n, height, width]`.

    Between four pixels their mean, weighted by nearness (bilinear); outside the image 0.
    """
    n, height, width, channels = images.shape
    padded = np.zeros((n, height + 2, width + 2, channels), np.float32)
    padded[:, 1:-1, 1:-1] = images
    r, c = np.clip(rows + 1, 0, height + 1), np.clip(columns + 1, 0, width + 1)
    top = np.minimum(r.astype(np.int64), height)
    left = np.minimum(c.astype(np.int64), width)
    below, right = (r - top)[..., None], (c - left)[..., None]  # [n, height, width, 1]
    corner = (np.arange(n)[:, None, None] * (height + 2) + top) * (width + 2) + left
    pixels = padded.reshape(-1, channels)
    upper = pixels[corner] * (1 - right) + pixels[corner + 1] * right
    lower = pixels[corner + width + 2] * (1 - right) + pixels[corner + width + 3] * right
    return np.asarray(upper * (1 - below) + lower * below, np.float32)


def _blur(size: int, reach: float) -> Array:
    """float32 `[size, size]`: each row a Gaussian whose squares sum to one, so that variance 1 stays."""
    place = np.arange(size)
    weights = np.exp(-0.5 * np.square((place[:, None] - place) / reach))
    weights /= np.sqrt(np.square(weights).sum(axis=1, keepdims=True))
    return weights.astype(np.float32)
