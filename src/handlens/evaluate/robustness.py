"""How accuracy falls as images get worse: six corruptions, five strengths each, and the curves.

After Hendrycks & Dietterich 2019, *Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations* (ICLR): fixed corruptions at five strengths, accuracy at each. Theirs are named 1 to 5;
ours have physical units, so that a curve can be read without the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.intervals import Interval, accuracy_interval
from handlens.seeds import generator

Images = NDArray[np.uint8]
PART = 2000  # images at a time: 6 MB of 28 x 28 float32


@dataclass(frozen=True)
class Corruption:
    """One way in which images get worse.

    Attributes:
        name: its key in `CORRUPTIONS`.
        unit: of a strength, as it stands behind the number; empty for a factor.
        neutral: the strength that changes nothing.
        strengths: the five that are tried, from mild to severe.
    """

    name: str
    unit: str
    neutral: float
    strengths: tuple[float, ...]


CORRUPTIONS = {
    made.name: made
    for made in (
        Corruption("shift", "of the side", 0.0, (0.04, 0.08, 0.12, 0.16, 0.24)),
        Corruption("rotation", "degrees", 0.0, (10.0, 20.0, 30.0, 45.0, 60.0)),
        Corruption("noise", "grey levels", 0.0, (16.0, 32.0, 48.0, 64.0, 96.0)),
        Corruption("blur", "pixels", 0.0, (0.5, 1.0, 1.5, 2.0, 3.0)),
        Corruption("contrast", "", 1.0, (0.8, 0.6, 0.4, 0.2, 0.1)),
        Corruption("inversion", "of the way", 0.0, (0.2, 0.4, 0.6, 0.8, 1.0)),
    )
}


@dataclass(frozen=True)
class Point:
    """Accuracy (shares, with a 95 % interval over images and, of several replicates, seeds) at a strength."""

    strength: float
    accuracy: Interval


@dataclass(frozen=True)
class Curve:
    """How accuracy falls with the strength of one corruption.

    Attributes:
        points: from the strength that changes nothing to the severest.
        chance: accuracy of whoever always names the most frequent class.
        half: the strength at which half of the accuracy above chance is lost; None where it never is.
        half_low, half_high: where the lower and upper ends of the intervals reach the same accuracy;
            None where they do not.
    """

    corruption: Corruption
    points: tuple[Point, ...]
    chance: float
    half: float | None
    half_low: float | None
    half_high: float | None

    @property
    def kept(self) -> float:
        """The share of the accuracy above chance that is left at the severest strength, 0 to about 1."""
        first, last = self.points[0].accuracy.mean - self.chance, self.points[-1].accuracy.mean - self.chance
        return max(0.0, last / first) if first > 0 else 0.0


def corrupt(images: Images, name: str, strength: float, seed: int = 0) -> Images:
    """uint8 [n, height, width, channels] images made worse, as uint8 of the same shape.

    The same seed gives the same images.

    - shift: by `strength` of the side up, down, left or right, drawn for each image; whole pixels, drawn so
      that their mean is exact.
    - rotation: by `strength` degrees, one way or the other, drawn for each image; linear interpolation.
    - noise: `x + normal(0, strength)`, in grey levels.
    - blur: Gaussian of deviation `strength` pixels.
    - contrast: `mean + strength (x - mean)`, the mean that of the image.
    - inversion: `(1 - strength) x + strength (255 - x)`.

    What comes in from outside the image is the median of its border.

    Raises:
        KeyError: no such corruption.
    """
    change = _CHANGES[name]
    if strength == CORRUPTIONS[name].neutral:
        return images.copy()
    rng = generator(seed, "corrupt", name)
    parts = [change(images[i : i + PART], strength, rng) for i in range(0, len(images), PART)]
    return np.concatenate(parts) if parts else images.copy()


def variants(images: Images, name: str, seed: int = 0) -> list[Images]:
    """Images as they are and at each strength of a corruption: uint8 [n, height, width, channels] each."""
    made = CORRUPTIONS[name]
    return [corrupt(images, name, strength, seed) for strength in (made.neutral, *made.strengths)]


def curves(
    right: Callable[[Images], NDArray[np.bool_]], images: Images, chance: float, seed: int = 0
) -> tuple[Curve, ...]:
    """One curve a corruption.

    Args:
        right: bool [replicates, n] for uint8 [n, height, width, channels]: which each replicate gets right.
        images: uint8 [n, height, width, channels].
        chance: accuracy without looking, 0-1.
    """
    clean = right(images)
    return tuple(
        curve(made, [clean] + [right(corrupt(images, name, s, seed)) for s in made.strengths], chance)
        for name, made in CORRUPTIONS.items()
    )


def curve(corruption: Corruption, right: Sequence[NDArray[np.bool_]], chance: float) -> Curve:
    """The curve of one corruption.

    Args:
        right: bool [replicates, n], unchanged and at each strength.
        chance: accuracy without looking, 0-1.
    """
    strengths = (corruption.neutral, *corruption.strengths)
    points = tuple(Point(s, accuracy_interval(r)) for s, r in zip(strengths, right, strict=True))
    goal = chance + (points[0].accuracy.mean - chance) / 2
    found = {
        end: crossing(strengths, [getattr(point.accuracy, end) for point in points], goal)
        for end in ("mean", "low", "high")
    }
    if points[0].accuracy.low <= chance:  # nothing to lose
        found = dict.fromkeys(found)
    return Curve(corruption, points, chance, found["mean"], found["low"], found["high"])


def crossing(strengths: Sequence[float], values: Sequence[float], goal: float) -> float | None:
    """The strength at which values first fall to `goal`, on straight lines between them; None if never."""
    for i in range(1, len(values)):
        before, after = values[i - 1], values[i]
        if after <= goal:
            way = (before - goal) / (before - after) if before > after else 0.0
            return float(strengths[i - 1] + max(way, 0.0) * (strengths[i] - strengths[i - 1]))
    return None


def _fill(images: Images) -> NDArray[np.float32]:
    """Median of each image's border, a channel each: float32 [n, 1, 1, channels]."""
    sides = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
    middle = np.median(np.concatenate(sides, axis=1), axis=1)
    return np.asarray(middle, np.float32)[:, None, None]


def _rounded(values: NDArray[np.float32]) -> Images:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _shift(images: Images, strength: float, rng: np.random.Generator) -> Images:
    side, draws = rng.integers(4, size=len(images)), rng.random(len(images))
    result = np.empty_like(images)
    result[:] = _rounded(_fill(images))
    for direction in range(4):
        axis = 1 + direction // 2
        length = images.shape[axis]
        pixels = np.floor(strength * length + draws).astype(int)
        for distance in np.unique(pixels):
            chosen = np.flatnonzero((side == direction) & (pixels == distance))
            to, here = slice(distance, length), slice(0, max(0, length - distance))
            if direction % 2:
                to, here = here, to
            rows = (chosen, to) if axis == 1 else (chosen, slice(None), to)
            source = (chosen, here) if axis == 1 else (chosen, slice(None), here)
            result[rows] = images[source]
    return result


def _rotate(images: Images, degrees: float, rng: np.random.Generator) -> Images:
    from scipy import ndimage

    clockwise, fill = rng.random(len(images)) < 0.5, _fill(images)
    result = images - fill
    for way in (False, True):
        chosen = clockwise == way
        angle = degrees if way else -degrees
        result[chosen] = ndimage.rotate(result[chosen], angle, axes=(1, 2), reshape=False, order=1)
    return _rounded(result + fill)


def _noise(images: Images, sigma: float, rng: np.random.Generator) -> Images:
    return _rounded(images + np.float32(sigma) * rng.standard_normal(images.shape, dtype=np.float32))


def _blur(images: Images, sigma: float) -> Images:
    from scipy import ndimage

    blurred = ndimage.gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="nearest")
    return _rounded(np.asarray(blurred, np.float32))


def _contrast(images: Images, factor: float) -> Images:
    mean = images.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    return _rounded(mean + np.float32(factor) * (images - mean))


def _invert(images: Images, share: float) -> Images:
    return _rounded(np.float32(1 - 2 * share) * images + np.float32(255 * share))


_CHANGES: dict[str, Callable[[Images, float, np.random.Generator], Images]] = {
    "shift": _shift,
    "rotation": _rotate,
    "noise": _noise,
    "blur": lambda images, sigma, _: _blur(images, sigma),
    "contrast": lambda images, factor, _: _contrast(images, factor),
    "inversion": lambda images, share, _: _invert(images, share),
}
