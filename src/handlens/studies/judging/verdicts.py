"""Which recipes of a study are better than which, from what their runs were right about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.compare import MARGIN, Verdict, verdicts
from handlens.studies.storage.result import Member, StudyResult, chosen_of_each, correct
from handlens.studies.storage.store import Store

MOST = 12  # recipes that are compared: 66 pairs
Part = Literal["test", "validation"]
Right = Callable[[Member, Part], NDArray[np.bool_]]


@dataclass(frozen=True)
class Pair:
    """Two recipes by name, which images judged them, and the verdict on the first."""

    first: str
    second: str
    part: Part
    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """The verdicts of a study.

    Attributes:
        names: of what was compared, best validation accuracy first.
        pairs: every two of them, in that order.
        left_out: how many others the study has.
        chosen_only: those compared are the chosen configurations of each recipe, else the best.
        margin: difference of accuracies that does not matter (0-1).
    """

    names: tuple[str, ...]
    pairs: tuple[Pair, ...]
    left_out: int
    chosen_only: bool
    margin: float


def judge(result: StudyResult, margin: float = MARGIN, *, store: Store | None = None) -> Judged:
    """Every two recipes of a study on the same images and seeds, held back together by Holm's method.

    Of a sweep over several recipes the chosen configuration of each is compared, else the best dozen. Test
    images judge a pair if they were opened for both, else validation images do. Replicates with the same
    seed are paired, or in their order where no seed is shared.

    Args:
        store: where the runs are, for members without predictions (`gather.by_dataset`).

    Raises:
        HandlensError: an impossible margin; a run that cannot be read.
    """
    members, chosen_only = compared(result)
    opened = {m for m, row in zip(result.members, result.rows, strict=True) if row.test is not None}
    right = _reader(store)
    asked: list[tuple[Member, Member, Part]] = []
    for i, first in enumerate(members):
        for second in members[i + 1 :]:
            asked.append((first, second, "test" if {first, second} <= opened else "validation"))
    found = verdicts([_sides(first, second, part, right) for first, second, part in asked], margin)
    pairs = [Pair(a.name, b.name, part, one) for (a, b, part), one in zip(asked, found, strict=True)]
    left_out = len(result.members) - len(members)
    return Judged(tuple(m.name for m in members), tuple(pairs), left_out, chosen_only, margin)


def compared(result: StudyResult) -> tuple[tuple[Member, ...], bool]:
    """Which members are compared, best first, and whether they are the chosen ones of a sweep."""
    chosen = chosen_of_each(result.members)
    swept = 1 < len(chosen) < len(result.members)
    return (chosen if swept else result.members)[:MOST], swept


def _reader(store: Store | None) -> Right:
    """What a member's runs were right about, each read once."""

    @cache
    def right(member: Member, part: Part) -> NDArray[np.bool_]:
        said = member.tests if part == "test" else member.predictions
        if said or store is None:
            return correct([one.probabilities for one in said], said[0].labels)
        return np.stack([store.right(run.trial.hash, test=part == "test") for run in member.runs])

    return right


def _sides(
    first: Member, second: Member, part: Part, right: Right
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both members' rows, bool [replicates, images] each, the same seed in the same row."""
    seeds = [{run.trial.seed: row for row, run in enumerate(member.runs)} for member in (first, second)]
    shared = [seed for seed in seeds[0] if seed in seeds[1]]
    if shared:
        rows = [[of[seed] for seed in shared] for of in seeds]
    else:
        rows = [list(range(min(len(first.runs), len(second.runs))))] * 2
    return right(first, part)[rows[0]], right(second, part)[rows[1]]
