"""The two words that every other room uses for images: `ImageSet` and `Dataset`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from handlens.data.picked import Picked
from handlens.errors import DataError
from handlens.pages import parts

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
COPIED = 128 * 2**20


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Small images with their labels.

    Attributes:
        images: uint8 [n, height, width, channels], channels 1 (grey) or 3 (RGB); may be memory-mapped, or
            `Picked` out of another set where that is large.
        labels: int64 [n], contiguous, in `0..k-1`.
        classes: k names; `classes[labels[i]]` is what image i shows.

    Raises:
        DataError: shapes, types or label values that do not fit together.
    """

    images: Images
    labels: Labels
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise DataError(
                f"images are {self.images.dtype} {list(self.images.shape)}",
                expected="uint8 [n, height, width, channels]",
            )
        if self.images.shape[3] not in (1, 3):
            raise DataError(f"images have {self.images.shape[3]} channels", expected="1 (grey) or 3 (RGB)")
        if self.labels.shape != (len(self.images),):
            raise DataError(
                f"{len(self.images)} images but labels of shape {list(self.labels.shape)}",
                expected="one label an image",
            )
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes):
            raise DataError(
                f"labels run from {self.labels.min()} to {self.labels.max()}",
                expected=f"0 to {len(self.classes) - 1}, one for each class name",
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image, in pixels."""
        return self.images.shape[1:]

    def take(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> ImageSet:
        """The images at `indices`, in that order: copied up to `COPIED` bytes, `Picked` above."""
        labels = self.labels[indices]
        if self.images.nbytes <= COPIED:
            return ImageSet(self.images[indices], labels, self.classes)
        picked = Picked(self.images, indices)
        images = cast(Images, picked)
        if picked.nbytes <= COPIED:
            images = np.concatenate([images[:0], *parts(images)])
        return ImageSet(images, labels, self.classes)

    def counts(self) -> NDArray[np.int64]:
        """Images of each class: int64 [k]."""
        return np.bincount(self.labels, minlength=len(self.classes))

    def digest(self) -> str:
        """sha256 (hex) of shape, pixels, labels and class names: equal content, equal digest."""
        digest = hashlib.sha256(repr((self.images.shape, self.classes)).encode())
        for part in parts(self.images):
            digest.update(np.ascontiguousarray(part).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test `ImageSet` of the same classes and shape, and where they come from.

    `notes` are sentences that a reader of any result should know, such as how the test images were chosen.
    """

    name: str
    train: ImageSet
    test: ImageSet
    title: str = ""
    source: str = ""
    licence: str = ""
    citation: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.train.classes != self.test.classes or self.train.shape != self.test.shape:
            raise DataError(
                f"training images are {list(self.train.shape)} of {len(self.train.classes)} classes, "
                f"test images {list(self.test.shape)} of {len(self.test.classes)}",
                where=self.name,
                expected="the same shape and classes",
            )

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image, in pixels."""
        return self.train.shape

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) over the digests of both parts: what a trial is named after."""
        return hashlib.sha256((self.train.digest() + self.test.digest()).encode()).hexdigest()
