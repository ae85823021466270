"""Four numbers that describe an image: mean, variance, deviation and entropy of its grey levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images
from handlens.pages import parts

_LEVELS = np.arange(256, dtype=np.float64)
_PIXELS_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class Features:
    """Of each image, over its N pixels with grey levels x in 0..255: float64 [n] each.

    Attributes:
        mean: sum(x) / N.
        variance: sum((x - mean)^2) / N (of the population, not of a sample).
        deviation: the square root of the variance.
        entropy: -sum(p log2 p) in bits, p the share of pixels at each of the 256 grey levels
            (Shannon 1948, *A Mathematical Theory of Communication*): 0 for a blank image, at most 8.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    deviation: NDArray[np.float64]
    entropy: NDArray[np.float64]


def features(images: Images) -> Features:
    """The features of uint8 images [n, height, width, channels]; colour is turned to grey first.

    All four come from one histogram an image, in whole numbers, so that they are exact to the last rounding.
    """
    n = len(images)
    out = Features(*(np.empty(n) for _ in range(4)))
    pixels = max(1, images.shape[1] * images.shape[2])
    terms = _entropy_terms(pixels)
    end = 0
    for some in parts(images, _PIXELS_AT_ONCE):
        start, end = end, end + len(some)
        part = slice(start, end)
        counts = _histograms(grey(some))  # [m, 256]
        weighted = counts.astype(np.float64)
        total = (weighted @ _LEVELS).astype(np.int64)
        squares = (weighted @ _LEVELS**2).astype(np.int64)
        out.mean[part] = total / pixels
        out.variance[part] = (pixels * squares - total**2) / pixels**2
        out.entropy[part] = terms[counts].sum(axis=1)
    np.sqrt(out.variance, out=out.deviation)
    return out


def grey(images: Images) -> NDArray[np.uint8]:
    """Grey levels uint8 [n, height * width] of grey or RGB images.

    RGB by the luma weights of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded.
    """
    flat = (len(images), images.shape[1] * images.shape[2])
    if images.shape[3] == 1:
        return images.reshape(flat)
    luma = images.astype(np.uint32) @ np.array([299, 587, 114], dtype=np.uint32)
    return ((luma + 500) // 1000).astype(np.uint8).reshape(flat)


def _histograms(levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels at each grey level: int64 [n, 256]."""
    n = len(levels)
    bins = levels + (np.arange(n) * 256)[:, None]
    return np.bincount(bins.ravel(), minlength=n * 256).reshape(n, 256)


def _entropy_terms(pixels: int) -> NDArray[np.float64]:
    """-p log2 p for p = count / pixels, by count: float64 [pixels + 1]."""
    share = np.arange(pixels + 1) / pixels
    share[0] = 1.0  # a level that no pixel has adds nothing: the limit of p log p at 0
    return np.asarray(-share * np.log2(share) + 0.0)
