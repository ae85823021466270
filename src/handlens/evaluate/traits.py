"""Numbers that describe images: principal components, random features of them, light, edges and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.seeds import generator

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

SIDE = 32  # pixels of the longer side that principal components are taken of
COMPONENTS = 32
LEARNED_FROM = 4_000  # images that the components are found in
RANDOM = 300
WIDTH = 0.08  # of the random features' kernel, for components of variance 1
AT_ONCE = 2**22  # pixels


def traits(first: Images, of_first: Indices, second: Images, of_second: Indices, *, seed: int = 0) -> Floats:
    """What tells images apart without knowing what they show: float32 [n + m, traits], each of variance 1.

    `COMPONENTS` principal components of the (reduced) pictures, `RANDOM` random Fourier features of these
    (Rahimi & Recht 2007, *Random Features for Large-Scale Kernel Machines*, NIPS), and eight or more plain
    numbers: mean, deviation and extremes of the light, the mean step between neighbours across and down, and
    what of the picture the components leave over, which holds its noise.

    Args:
        first, second: uint8 [., height, width, channels] of the same shape.
        of_first, of_second: int64 [n], [m]: the images to describe, ascending.
    """
    described, plain = [], []
    for images, chosen in ((first, of_first), (second, of_second)):
        step = max(1, AT_ONCE // max(1, int(np.prod(images.shape[1:]))))
        for start in range(0, len(chosen), step):
            part = np.asarray(images[chosen[start : start + step]], dtype=np.float32) / 255
            described.append(reduced(part).reshape(len(part), -1))
            plain.append(_plain(part.astype(np.float32, copy=False)))
    pixels = np.concatenate(described)
    components, left_over = _components(pixels, seed)
    rng = generator(seed, "random features")
    directions = rng.normal(0, WIDTH, (components.shape[1], RANDOM)).astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, RANDOM).astype(np.float32)
    told = np.column_stack([np.concatenate(plain), left_over])
    return np.column_stack([components, _scaled(told), np.cos(components @ directions + phases)])


def reduced(images: NDArray[Any]) -> NDArray[Any]:
    """Images [n, height, width, channels] with their longer side cut below 2 `SIDE` pixels by averaging whole
    blocks, float of the same meaning; smaller ones as they are."""
    n, height, width, channels = images.shape
    block = max(height, width) // SIDE
    if block < 2:
        return images
    down, across = height // min(block, height), width // min(block, width)
    tall, wide = height // down, width // across
    cut = images[:, : down * tall, : across * wide]
    return np.asarray(cut.reshape(n, down, tall, across, wide, channels).mean(axis=(2, 4), dtype=np.float32))


def _plain(images: Floats) -> Floats:
    """float32 [n, 6 + 2 channels]."""
    flat = images.reshape(len(images), -1)
    numbers = [flat.min(axis=1), flat.max(axis=1), (flat > 0).mean(axis=1), (flat == 1).mean(axis=1)]
    numbers += [images[..., c].mean(axis=(1, 2)) for c in range(images.shape[3])]
    numbers += [images[..., c].std(axis=(1, 2)) for c in range(images.shape[3])]
    for axis in (1, 2):
        steps = np.abs(np.diff(images, axis=axis))
        numbers.append(steps.mean(axis=(1, 2, 3)) if steps.size else np.zeros(len(images), np.float32))
    return np.column_stack(numbers).astype(np.float32)


def _components(pixels: Floats, seed: int) -> tuple[Floats, Floats]:
    """Principal components of variance 1, float32 [n, c], and the root mean square of what they leave over.

    They are found in at most `LEARNED_FROM` images, by the eigenvectors of the covariance.
    """
    learned = generator(seed, "components").permutation(len(pixels))[:LEARNED_FROM]
    centre = pixels[learned].mean(axis=0)
    values, vectors = _leading(pixels[learned] - centre, seed)
    whitened = np.empty((len(pixels), len(values)), dtype=np.float32)
    left = np.empty(len(pixels), dtype=np.float32)
    for start in range(0, len(pixels), 4096):
        rows = slice(start, start + 4096)
        centred = pixels[rows] - centre
        found = centred @ vectors
        left[rows] = np.sqrt(((centred - found @ vectors.T) ** 2).mean(axis=1))
        whitened[rows] = found / np.sqrt(values)
    return whitened, left


def _leading(centred: Floats, seed: int) -> tuple[Floats, Floats]:
    """Variances float32 [c] and directions float32 [pixels, c] of the leading principal components."""
    from sklearn.utils.extmath import randomized_svd

    count = min(COMPONENTS, *centred.shape)
    _, singular, directions = randomized_svd(centred, n_components=count, random_state=seed)
    variances = singular**2 / len(centred)
    kept = variances > 1e-9 * max(float(variances.max(initial=0.0)), 1e-12)
    return variances[kept].astype(np.float32), directions[kept].T.astype(np.float32)


def _scaled(numbers: Floats) -> Floats:
    """Each column with mean 0 and variance 1; constant columns are 0."""
    spread = numbers.std(axis=0)
    return np.asarray((numbers - numbers.mean(axis=0)) / np.where(spread > 1e-7, spread, 1), dtype=np.float32)
