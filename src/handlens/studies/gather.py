"""Runs of whatever study, gathered into results: replicates of one recipe together, one result a data set."""

from __future__ import annotations

from collections.abc import Sequence

from handlens.records import Run
from handlens.spec import digest
from handlens.studies.result import Member, StudyResult, result
from handlens.studies.store import Store


def by_dataset(store: Store, hashes: Sequence[str]) -> tuple[StudyResult, ...]:
    """One result for each data set and split among the runs, in order of name.

    Runs belong together when only their seeds differ. Two recipes that their studies called the same get the
    first digits of their recipe's hash behind the name.
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


def _members(store: Store, recipes: dict[str, list[tuple[str, Run]]]) -> list[Member]:
    names = [found[0][1].name for found in recipes.values()]
    members = []
    for recipe, found in recipes.items():
        found.sort(key=lambda pair: pair[1].trial.seed)
        name = found[0][1].name
        members.append(
            Member(
                name if names.count(name) == 1 else f"{name} ({recipe[:4]})",
                tuple(run for _, run in found),
                tuple(store.predictions(hash) for hash, _ in found),
            )
        )
    return members
