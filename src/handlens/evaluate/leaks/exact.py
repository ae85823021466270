"""Identical images: one pass of digests, whatever their number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.leaks.duplicates import Integers


@dataclass(frozen=True, eq=False)
class Copies:
    """Which images are the same.

    Attributes:
        first: int64 [u], of each different image the lowest index that shows it. The order is that of the
            images' digests, so it depends on what the images show and not on how they were arranged.
        which: int64 [n] in `0..u-1`: image i shows the same as image `first[which[i]]`.
    """

    first: Integers
    which: Integers

    @property
    def pairs(self) -> Integers:
        """int64 [n - u, 2]: each further copy with the first one."""
        others = np.setdiff1d(np.arange(len(self.which)), self.first)
        return np.column_stack([self.first[self.which[others]], others])


def copies(images: NDArray[np.uint8]) -> Copies:
    """Groups of identical images.

    Args:
        images: uint8 [n, height, width, channels]; may be memory-mapped.

    Images are the same where the first 128 bits of their BLAKE2b digests (RFC 7693) are: among 10^9 different
    images a wrong pair has a probability below 10^-20.
    """
    digests = np.empty((len(images), 16), np.uint8)
    for i, image in enumerate(images):
        digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        digests[i] = np.frombuffer(digest, np.uint8)
    _, first, which = np.unique(digests.view("V16").ravel(), return_index=True, return_inverse=True)
    return Copies(first.astype(np.int64), which.astype(np.int64).reshape(-1))
