"""The images by which a member may be judged: the test images once these were opened, else the validation
images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Dataset, Images
from handlens.studies.storage.result import Member


@dataclass(frozen=True, eq=False)
class Judged:
    """What the replicates of a member said.

    Attributes:
        part: `test` or `validation`.
        probabilities: float32 [replicates, n, k]; `labels`: int64 [n].
        positions: int64 [n], where the images lie in their part of the data set.
    """

    name: str
    part: str
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    positions: NDArray[np.int64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """int64 [replicates, n]."""
        return np.asarray(self.probabilities.argmax(axis=2), dtype=np.int64)

    @property
    def right(self) -> NDArray[np.bool_]:
        """bool [replicates, n]."""
        return np.asarray(self.predicted == self.labels)

    def images(self, dataset: Dataset, chosen: NDArray[np.int64]) -> Images:
        """The pictures at places `chosen` of these arrays: uint8 [m, height, width, channels]."""
        part = dataset.test if self.part == "test" else dataset.train
        return np.asarray(part.images[self.positions[chosen]])


def judged(member: Member) -> Judged:
    """The test images where they were opened for the member, else its validation images."""
    if member.tests:
        said, labels = [t.probabilities for t in member.tests], member.tests[0].labels
        return Judged(member.name, "test", np.stack(said), labels, np.arange(len(labels)))
    first = member.predictions[0]
    said = [p.probabilities for p in member.predictions]
    return Judged(member.name, "validation", np.stack(said), first.labels, first.indices)
