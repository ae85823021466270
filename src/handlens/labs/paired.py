"""The difference of two configurations that saw the same test images from the same seeds."""

from __future__ import annotations

from dataclasses import dataclass

from handlens.evaluate import compare
from handlens.studies.storage.result import Member, correct


@dataclass(frozen=True)
class Difference:
    """Accuracy of the first minus that of the second (0-1), with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def difference(first: Member, second: Member) -> Difference | None:
    """Over images and seeds; None where a configuration has fewer than two replicates with test scores."""
    replicates = min(len(first.tests), len(second.tests))
    if replicates < 2:
        return None
    sides = [
        correct([t.probabilities for t in m.tests[:replicates]], m.tests[0].labels) for m in (first, second)
    ]
    found = compare.difference(*sides).interval()
    return Difference(found.mean, found.low, found.high)
