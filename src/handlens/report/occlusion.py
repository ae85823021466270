"""Which part of a picture a prediction hangs on: cover it, piece by piece, and see what is lost.

Zeiler & Fergus 2014, *Visualizing and Understanding Convolutional Networks*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images

PLACES = 16  # of the patch in each direction, about


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What covering parts of a picture did to one class's probability.

    Attributes:
        patch: height and width of the cover, pixels; `stride`: pixels between two of its places; `grey`: its
            grey level, 0-255.
        drops: float64 [rows, columns], what the class's probability lost with the patch at each place;
            negative where it won.
        places: int64 [rows, columns, 2], top and left pixel of the patch at each place.
        map: float64 [height, width], the mean drop over the patches that covered each pixel.
    """

    patch: tuple[int, int]
    stride: tuple[int, int]
    grey: int
    drops: NDArray[np.float64]
    places: NDArray[np.int64]
    map: NDArray[np.float64]

    @property
    def worst(self) -> tuple[int, int]:
        """Top and left pixel of the place where the cover cost most."""
        row, column = np.unravel_index(int(self.drops.argmax()), self.drops.shape)
        return int(self.places[row, column, 0]), int(self.places[row, column, 1])


def occlusion(
    predict_proba: Callable[[Images], NDArray[np.floating[Any]]], image: Images, label: int, grey: int
) -> Occlusion:
    """Move a patch a quarter of each side long over a uint8 image [height, width, channels].

    Args:
        predict_proba: float [n, k] of uint8 images [n, height, width, channels].
        label: column of the class whose probability is followed.
        grey: level 0-255 of the patch in every channel.
    """
    height, width = image.shape[:2]
    patch = max(1, round(height / 4)), max(1, round(width / 4))
    stride = max(1, round((height - patch[0]) / PLACES)), max(1, round((width - patch[1]) / PLACES))
    tops, lefts = (_starts(*sizes) for sizes in zip((height, width), patch, stride, strict=True))
    places = np.stack(np.meshgrid(tops, lefts, indexing="ij"), axis=2)  # [rows, columns, 2]
    covered = np.repeat(image[None], places.size // 2, axis=0)
    for one, (top, left) in zip(covered, places.reshape(-1, 2), strict=True):
        one[top : top + patch[0], left : left + patch[1]] = grey
    before = float(predict_proba(image[None])[0, label])
    drops = before - predict_proba(covered)[:, label].astype(np.float64)
    total, times = np.zeros((height, width)), np.zeros((height, width))
    for drop, (top, left) in zip(drops, places.reshape(-1, 2), strict=True):
        total[top : top + patch[0], left : left + patch[1]] += drop
        times[top : top + patch[0], left : left + patch[1]] += 1
    return Occlusion(patch, stride, grey, drops.reshape(len(tops), len(lefts)), places, total / times)


def _starts(side: int, patch: int, stride: int) -> NDArray[np.int64]:
    """Where the patch begins along one side; the last place touches the edge, so every pixel is covered."""
    return np.unique(np.append(np.arange(0, side - patch, stride), side - patch))
