"""What the search looks at: grey, slightly blurred copies of the images, and ways to move them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.leaks.duplicates import Floats, Integers, Mask

Canvas = NDArray[np.float32]
SIDE = 32
BLOCK = 4096
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def canvas(images: NDArray[np.uint8]) -> Canvas:
    """Grey, slightly blurred pictures in 0..1: float32 [n, height, width], at most `SIDE` pixels a side.

    Args:
        images: uint8 [n, height, width, channels]; larger ones are averaged over squares of whole pixels.
    """
    return blurred(sharp(images))


def sharp(images: NDArray[np.uint8]) -> Canvas:
    """The `canvas` of images before it is blurred."""
    n, height, width, _ = images.shape
    step = step_of(images.shape)
    out = np.empty((n, height // step, width // step), np.float32)
    for start in range(0, n, BLOCK):
        part = grey(images[start : start + BLOCK])[:, : out.shape[1] * step, : out.shape[2] * step]
        part = part.reshape(len(part), out.shape[1], step, out.shape[2], step).mean((2, 4))
        out[start : start + BLOCK] = part / 255
    return out


def blurred(pictures: Canvas) -> Canvas:
    """Pictures, float32 [n, height, width], after a Gaussian blur of one pixel (less below 28 pixels).

    It takes most of what noise, recompression and the manner of interpolation change, and lets an alignment
    see further than a pixel.
    """
    from scipy.ndimage import gaussian_filter

    sigma = min(1.0, max(0.6, min(pictures.shape[1:]) / 28))
    out = np.empty_like(pictures)
    for start in range(0, len(pictures), BLOCK):
        part = pictures[start : start + BLOCK]
        gaussian_filter(part, (0, sigma, sigma), output=out[start : start + BLOCK], mode="nearest")
    return out


def step_of(shape: tuple[int, ...]) -> int:
    """Pixels of images of `shape` [n, height, width, channels] to one pixel of their canvas."""
    return max(1, -(-max(shape[1:3]) // SIDE))


def grey(images: NDArray[np.uint8]) -> Canvas:
    """The brightness of each pixel: float32 [n, height, width] in 0..255."""
    if images.shape[3] == 3:
        return np.asarray(images.astype(np.float32) @ GREY)
    return np.asarray(images.astype(np.float32).mean(3))


def halved(pictures: Canvas) -> Canvas:
    """Pictures at half the resolution, blurred first: float32 [n, height // 2, width // 2].

    An odd last row or column is left out.
    """
    from scipy.ndimage import gaussian_filter

    n, height, width = pictures.shape
    high, wide = height // 2, width // 2
    out = np.empty((n, high, wide), np.float32)
    for start in range(0, n, BLOCK):
        part = gaussian_filter(pictures[start : start + BLOCK], (0, 1.2, 1.2), mode="nearest")
        part = part[:, : 2 * high, : 2 * wide]
        out[start : start + BLOCK] = part.reshape(len(part), high, 2, wide, 2).mean((2, 4))
    return out


def offsets(shape: tuple[int, ...]) -> tuple[Canvas, Canvas]:
    """Pixels down and to the right of the middle, float32 [height * width] each."""
    height, width = shape[-2:]
    down, right = np.mgrid[:height, :width].astype(np.float32)
    return (down - np.float32((height - 1) / 2)).ravel(), (right - np.float32((width - 1) / 2)).ravel()


def inner(shape: tuple[int, ...], rim: float) -> Mask:
    """Pixels at least `rim` away from the rim: bool [height * width]."""
    height, width = shape[-2:]
    down, right = offsets(shape)
    return np.asarray((np.abs(down) <= (height - 1) / 2 - rim) & (np.abs(right) <= (width - 1) / 2 - rim))


def warp(pictures: Canvas, which: Integers, motion: Floats, margin: float = 0.0) -> tuple[Canvas, Mask]:
    """Pictures moved, turned and scaled, by bilinear interpolation.

    Args:
        pictures: float32 [n, height, width].
        which: int64 [p], the picture of each row.
        motion: float64 [p, 4]: (down, right, a, b): the pixel at offset u from the middle is read at
            `(1 + a, -b; b, 1 + a) u + (down, right)`, so that all four are zero for no change.
        margin: pixels at the pictures' rim that are not trusted.

    Returns:
        float32 [p, height * width], and bool of the same shape: whether the pixel was read inside.
    """
    _, height, width = pictures.shape
    down, right = offsets(pictures.shape)
    ty, tx, a, b = (motion[:, k, None].astype(np.float32) for k in range(4))
    x = (1 + a) * right - b * down + (tx + np.float32((width - 1) / 2))
    y = b * right + (1 + a) * down + (ty + np.float32((height - 1) / 2))
    inside = (x >= margin) & (x <= width - 1 - margin) & (y >= margin) & (y <= height - 1 - margin)
    np.clip(x, 0, max(0.0, width - 1.001), out=x)
    np.clip(y, 0, max(0.0, height - 1.001), out=y)
    left, top = x.astype(np.int64), y.astype(np.int64)
    x -= left
    y -= top
    corner = top * width + left + (which * (height * width))[:, None]
    flat = pictures.reshape(-1)
    last = np.int64(flat.size - 1)
    one, line = (1 if width > 1 else 0), (width if height > 1 else 0)
    upper = flat.take(corner)
    upper += x * (flat.take(np.minimum(corner + one, last)) - upper)
    lower = flat.take(np.minimum(corner + line, last))
    lower += x * (flat.take(np.minimum(corner + (line + one), last)) - lower)
    return upper + y * (lower - upper), inside


def slopes(pictures: Canvas) -> tuple[Canvas, Canvas]:
    """Central differences down and to the right; zero at the rim."""
    down, right = np.zeros_like(pictures), np.zeros_like(pictures)
    down[:, 1:-1] = (pictures[:, 2:] - pictures[:, :-2]) / 2
    right[:, :, 1:-1] = (pictures[:, :, 2:] - pictures[:, :, :-2]) / 2
    return down, right


def laplacian(pictures: Canvas) -> Canvas:
    """The sum of second differences; what a slight blur adds is a multiple of it."""
    out = np.zeros_like(pictures)
    out[:, 1:-1] += pictures[:, 2:] + pictures[:, :-2] - 2 * pictures[:, 1:-1]
    out[:, :, 1:-1] += pictures[:, :, 2:] + pictures[:, :, :-2] - 2 * pictures[:, :, 1:-1]
    return out
