"""Runs of whatever study, gathered into results: replicates of one recipe together, one result a data set."""

from __future__ import annotations

from collections.abc import Sequence

from handlens.errors import StoreError
from handlens.records import Run
from handlens.spec import digest
from handlens.studies.result import Member, StudyResult, result
from handlens.studies.store import Store


def readable(store: Store, hashes: Sequence[str]) -> tuple[tuple[str, ...], tuple[StoreError, ...]]:
    """The runs that can be read, and what is wrong with the others."""
    good, wrong = [], []
    for hash in hashes:
        try:
            store.read(hash), store.predictions(hash)
            good.append(hash)
        except StoreError as error:
            wrong.append(error)
    return tuple(good), tuple(wrong)


def by_dataset(store: Store, hashes: Sequence[str]) -> tuple[StudyResult, ...]:
    """One result for each data set and split among the runs, in order of name.

    Runs belong together when only their seeds differ. Two recipes that their studies called the same get
    their description behind the name, or the first digits of their hash where that is long.
    """
    groups: dict[tuple[str, str], dict[str, list[tuple[str, Run]]]] = {}
    for hash in dict.fromkeys(hashes):
        run = store.read(hash)
        images = (run.dataset, f"{run.trial.data} {run.trial.split}")
        recipe = digest({"recipe": run.trial.recipe, "numerics": run.trial.numerics})
        groups.setdefault(images, {}).setdefault(recipe, []).append((hash, run))
    return tuple(
        result(name, _title(recipes), "", _members(store, recipes))
        for (name, _), recipes in sorted(groups.items())
    )


def _title(recipes: dict[str, list[tuple[str, Run]]]) -> str:
    run = next(iter(recipes.values()))[0][1]
    counts = (run.train_images, run.validation.images, run.test.images)
    return "{}: {:,} training, {:,} validation, {:,} test images".format(run.dataset, *counts)


def _mark(run: Run, recipe: str) -> str:
    """What tells a recipe from another one of the same name: its description where that is short."""
    return run.model if len(run.model) <= 40 else recipe[:4]


def _members(store: Store, recipes: dict[str, list[tuple[str, Run]]]) -> list[Member]:
    names = [found[0][1].name for found in recipes.values()]
    members = []
    for recipe, found in recipes.items():
        found.sort(key=lambda pair: pair[1].trial.seed)
        name = found[0][1].name
        members.append(
            Member(
                name if names.count(name) == 1 else f"{name} ({_mark(found[0][1], recipe)})",
                tuple(run for _, run in found),
                tuple(store.predictions(hash) for hash, _ in found),
            )
        )
    return members
