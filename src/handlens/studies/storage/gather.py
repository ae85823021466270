"""Runs of whatever study, gathered into results: replicates of one recipe together, one result a data set.

A table of thousands of runs asks little of each: its record, and which images it was right about. The
probabilities stay on the disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.errors import StoreError
from handlens.records import Look, Run
from handlens.studies.planning.plan import configuration_of
from handlens.studies.storage.result import Looks, Member, Row, StudyResult, by_validation, row
from handlens.studies.storage.store import Store


@dataclass(frozen=True, eq=False)
class Brief:
    """What a table needs of a run.

    Attributes:
        right: bool [v], of validation images.
        look: None where the test images were not opened.
        right_test: bool [m], of test images; None likewise.
    """

    run: Run
    right: NDArray[np.bool_]
    look: Look | None
    right_test: NDArray[np.bool_] | None


def _raise(error: StoreError) -> None:
    raise error


def by_dataset(
    store: Store, hashes: Sequence[str], *, on_damage: Callable[[StoreError], None] = _raise
) -> tuple[StudyResult, ...]:
    """One result for each data set and split among the runs, in order of name.

    Runs belong together when only their seeds differ. Two recipes that their studies called the same get
    their description behind the name, or the first digits of their hash where that is long. The results'
    members come without predictions.

    Args:
        on_damage: told of every run that cannot be read, which is then left out; raises unless given.

    Raises:
        StoreError: a run is missing or damaged.
    """
    groups: dict[tuple[str, str], dict[str, list[Brief]]] = {}
    for hash in dict.fromkeys(hashes):
        try:
            brief = read(store, hash)
        except StoreError as error:
            on_damage(error)
            continue
        run = brief.run
        images = (run.dataset, f"{run.trial.data} {run.trial.split} {run.validation.images}")
        groups.setdefault(images, {}).setdefault(configuration_of(run.trial), []).append(brief)
    ordered = sorted(groups.items(), key=lambda group: group[0])
    return tuple(_result(dataset, recipes, store) for (dataset, _), recipes in ordered)


def read(store: Store, hash: str) -> Brief:
    """A run as a table needs it.

    Raises:
        StoreError: missing or damaged.
    """
    listed = store.listed(hash)
    run, right = store.read(hash, listed), store.right(hash, listed)
    if len(right) != run.validation.images:
        raise StoreError("scores and predictions are of other images", where=store.folder(hash))
    if not store.opened(hash):
        return Brief(run, right, None, None)
    listed = store.listed(hash, test=True)
    return Brief(run, right, store.look(hash, listed), store.right(hash, listed, test=True))


def _result(dataset: str, recipes: dict[str, list[Brief]], store: Store) -> StudyResult:
    first = next(iter(recipes.values()))[0].run
    title = f"{dataset}: {first.train_images:,} training, {first.validation.images:,} validation images"
    calls = Counter(briefs[0].run.name for briefs in recipes.values())
    rows = {}
    for recipe, briefs in recipes.items():
        briefs.sort(key=lambda brief: brief.run.trial.seed)
        run = briefs[0].run
        name = run.name if calls[run.name] == 1 else f"{run.name} ({_mark(run, recipe)})"
        member = Member(name, tuple(brief.run for brief in briefs), ())
        rows[member] = _row(name, briefs)
    members = by_validation(tuple(rows))
    return StudyResult(
        dataset, title, "", members, tuple(rows[m] for m in members), looks=_looks(recipes, store)
    )


def _looks(recipes: dict[str, list[Brief]], store: Store) -> Looks | None:
    digests = {brief.look.test for briefs in recipes.values() for brief in briefs if brief.look}
    return store.looks(digests.pop()) if len(digests) == 1 else None


def _mark(run: Run, recipe: str) -> str:
    """What tells a recipe from another one of the same name: its description where that is short."""
    return run.model if len(run.model) <= 40 else recipe[:4]


def _row(name: str, briefs: Sequence[Brief]) -> Row:
    """The configuration's line, from what was right and wrong alone."""
    runs, right = [brief.run for brief in briefs], np.stack([brief.right for brief in briefs])
    tests = [brief.right_test for brief in briefs if brief.right_test is not None]
    if len(tests) < len(runs) or len({len(test) for test in tests}) > 1:
        return row(name, runs, right)
    return row(name, runs, right, [brief.look for brief in briefs if brief.look], np.stack(tests))
