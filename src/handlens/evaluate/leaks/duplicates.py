"""What a search for duplicates leaves behind: pairs, families and who is leaked into whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

KINDS = ("exact", "altered", "relit", "moved", "turned", "resized", "combined")
MEANING = {
    "exact": "the same pixels",
    "altered": "the same place and light: noise, recompression or blur",
    "relit": "another brightness or contrast",
    "moved": "shifted",
    "turned": "rotated",
    "resized": "scaled",
    "combined": "several changes at once",
}


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Exact and near duplicates among n images.

    A group of m identical images is m - 1 exact pairs with its first image, and stands as its first image in
    near pairs; so p grows with n, never with its square. `families` joins all of them.

    Attributes:
        pairs: int64 [p, 2], `pairs[k, 0] < pairs[k, 1]`, sorted; no pair twice.
        kinds: p words out of `KINDS`: how the second image differs from the first.
        scores: float64 [p], similarity: the share of the picture's variation that the aligned other picture
            explains, 1 for exact pairs.
        alignments: float64 [p, 4]: pixels down, pixels to the right, degrees anticlockwise and scale that
            bring the first image onto the second.
        families: int64 [n] in `0..f-1`, numbered by first image: connected groups; an image without
            duplicates is a family of its own.
        parts: int64 [n], which part (training, validation, test ...) each image belongs to.
        labels: int64 [n], or None when they were not given.
        threshold: the greatest misfit (see `align.Fits`) at which a pair of this data was called a near
            duplicate; nan where near duplicates were not searched.
    """

    pairs: Integers
    kinds: tuple[str, ...]
    scores: Floats
    alignments: Floats
    families: Integers
    parts: Integers
    labels: Integers | None = None
    threshold: float = float("nan")

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def counts(self) -> dict[str, int]:
        """Pairs of each kind, in the order of `KINDS`; kinds without a pair are left out."""
        return {kind: found for kind in KINDS if (found := self.kinds.count(kind))}

    @property
    def sizes(self) -> Integers:
        """Images of each family: int64 [f]."""
        return np.bincount(self.families)

    @property
    def has_duplicate(self) -> Mask:
        """bool [n]: images that have a duplicate in any part."""
        return self.sizes[self.families] > 1 if len(self.families) else np.zeros(0, bool)

    @property
    def contradictions(self) -> Mask:
        """bool [p]: pairs whose images have different labels, one of which must be doubted."""
        if self.labels is None:
            return np.zeros(len(self), bool)
        return np.asarray(self.labels[self.pairs[:, 0]] != self.labels[self.pairs[:, 1]])

    def between(self, part: int, other: int) -> Mask:
        """bool [p]: pairs of an image of `part` with one of `other` (the same part: pairs within it)."""
        first, second = self.parts[self.pairs[:, 0]], self.parts[self.pairs[:, 1]]
        return np.asarray(((first == part) & (second == other)) | ((first == other) & (second == part)))

    def leaked(self, part: int, into: int) -> Mask:
        """bool [n]: images of `part` with a family member in part `into`.

        `leaked(part=2, into=0)` are the test images (part 2) that training (part 0) has seen.
        """
        seen = np.zeros(len(self.families) + 1, bool)
        seen[self.families[self.parts == into]] = True
        return np.asarray((self.parts == part) & seen[self.families])
