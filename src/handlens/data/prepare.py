"""From bytes to the numbers that a model sees: a fixed affine map of every pixel, fitted on training images.

    y = (x - offset) * scale

with float32 `offset` and `scale`; every engine applies the same one, and it is saved beside the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images
from handlens.errors import DataError, did_you_mean
from handlens.pages import parts

Kind = Literal["unit", "standardize", "standardize-pixels"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_PIXELS_AT_ONCE = 1 << 20
_IMAGES_AT_ONCE = 1 << 16  # the most whose squares, at most 255^2 each, add up within 32 bits


@dataclass(frozen=True, eq=False)
class Preparation:
    """The affine map of a kind.

    Attributes:
        kind: "unit" maps 0..255 to [0, 1]; "standardize" subtracts the training set's one mean and divides
            by its one deviation; "standardize-pixels" does so for every pixel and channel by itself.
        offset, scale: float32, 0-dimensional, or [height, width, channels] for "standardize-pixels".
    """

    kind: Kind
    offset: NDArray[np.float32]
    scale: NDArray[np.float32]

    def apply(self, images: Images) -> NDArray[np.float32]:
        """Prepared images: float32, of the same shape as the uint8 `images` [n, height, width, channels].

        Raises:
            DataError: images of another size than those that the preparation was fitted on.
        """
        if self.offset.ndim and self.offset.shape != images.shape[1:]:
            raise DataError(
                f"images are {list(images.shape[1:])}",
                expected=f"{list(self.offset.shape)}, the size that the preparation was fitted on",
            )
        out = np.empty(images.shape, dtype=np.float32)
        np.subtract(images, self.offset, out=out)
        np.multiply(out, self.scale, out=out)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` gives back the same numbers to the last bit."""
        return {"kind": self.kind, "offset": self.offset.tolist(), "scale": self.scale.tolist()}

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> Preparation:
        """The preparation that `to_dict` wrote.

        Raises:
            DataError: the data is not that of a preparation.
        """
        try:
            kind = _known(plain["kind"])
            offset, scale = (np.asarray(plain[key], dtype=np.float32) for key in ("offset", "scale"))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"a saved preparation is damaged ({error!r})") from error
        if offset.shape != scale.shape or offset.ndim not in (0, 3) or not np.isfinite([offset, scale]).all():
            raise DataError("a saved preparation is damaged", expected="finite offset and scale of one shape")
        return Preparation(kind, offset, scale)


def fit_preparation(kind: str, images: Images) -> Preparation:
    """Fit a preparation on training images uint8 [n, height, width, channels].

    Mean and deviation (of the population) come from whole-number sums over chunks: no float copy of the
    images is made, and the result does not depend on the chunks. A deviation of zero counts as one.

    Raises:
        DataError: an unknown kind, or no images to fit on.
    """
    known = _known(kind)
    if known == "unit":
        return Preparation(known, np.zeros((), np.float32), np.asarray(1 / 255, dtype=np.float32))
    if not images.size:
        raise DataError(f"no images to fit the preparation {kind!r} on")
    total, squares = _sums(images)
    n: int = len(images)
    if known == "standardize":
        total, squares, n = total.sum(), squares.sum(), images.size
    mean = total / n
    variance = (squares - total * mean) / n
    # Equal pixels have a whole-number mean, so that their variance is zero exactly.
    deviation = np.sqrt(np.where(variance > 0, variance, 1.0))
    return Preparation(known, np.asarray(mean, dtype=np.float32), np.asarray(1 / deviation, dtype=np.float32))


def _sums(images: Images) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum and sum of squares of each pixel over the images: int64 [height, width, channels], exact."""
    total = np.zeros(images.shape[1:], dtype=np.int64)
    squares = np.zeros(images.shape[1:], dtype=np.int64)
    for chunk in parts(images, min(_PIXELS_AT_ONCE, total.size * _IMAGES_AT_ONCE)):
        part = chunk.astype(np.uint32)
        total += part.sum(axis=0, dtype=np.uint32)
        squares += np.einsum("nhwc,nhwc->hwc", part, part)
    return total, squares


def _known(kind: object) -> Kind:
    for known in KINDS:
        if kind == known:
            return known
    raise DataError(f"unknown preparation {kind!r}", remedy=did_you_mean(str(kind), KINDS))
