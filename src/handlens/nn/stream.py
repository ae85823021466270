"""The order of an epoch, and how it goes through image sets that are larger than memory should hold."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.pages import expect, image_bytes, release

LARGE = 512 * 2**20  # bytes of images above which an epoch goes through them in blocks
BLOCK = 2**20  # bytes of neighbouring images that are read together
MIXED = 64  # blocks whose images are mixed


class Stream:
    """The images of a training, in an order of their own for each epoch.

    Up to `LARGE` bytes every order is as likely as any other. Above it blocks of neighbours come in a drawn
    order, and the images of `MIXED` blocks at a time are mixed: an epoch reads the file in long pieces and
    needs 64 MiB of it at once. Which of the two depends on the size alone, not on where the images lie.
    """

    def __init__(self, images: NDArray[Any]) -> None:
        """`images [n, ...]`; in memory, mapped or picked out of either."""
        self.images = images
        size = image_bytes(images)
        self.block = max(1, BLOCK // max(1, size)) if len(images) * size > LARGE else 0
        self._ahead: deque[tuple[int, NDArray[np.int64]]] = deque()  # where a mixture ends, and its blocks

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """All indices, int64 [n], in an order drawn for one epoch."""
        n = len(self.images)
        if not self.block:
            return rng.permutation(n)
        blocks = rng.permutation(-(-n // self.block))
        order = np.empty(n, np.int64)
        self._ahead.clear()
        end = 0
        for first in range(0, len(blocks), MIXED):
            mixture = blocks[first : first + MIXED]
            places = np.concatenate([np.arange(*self._bounds(block)) for block in mixture])
            rng.shuffle(places)
            start, end = end, end + len(places)
            order[start:end] = places
            self._ahead.append((end, mixture))
        self._expect()
        return order

    def passed(self, count: int) -> None:
        """So many images of the epoch have been used: give back what is over, ask for what comes next."""
        while self._ahead and self._ahead[0][0] <= count:
            self._ahead.popleft()
            release(self.images)
            self._expect()

    def _expect(self) -> None:
        for _, mixture in list(self._ahead)[:2]:
            for block in mixture:
                expect(self.images, *self._bounds(block))

    def _bounds(self, block: int) -> tuple[int, int]:
        return int(block) * self.block, min((int(block) + 1) * self.block, len(self.images))
