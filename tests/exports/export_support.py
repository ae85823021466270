"""Real runs of a few recipes, for the tests of exports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handlens.data import Dataset
from handlens.records import Split
from handlens.spec import from_dict
from handlens.studies.planning.plan import study
from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study
from handlens.studies.training.trial import load_model


@dataclass(frozen=True, eq=False)
class Bench:
    """A store with one run of each recipe, by the recipe's name."""

    store: Store
    hashes: dict[str, str]
    images: np.ndarray

    def model(self, name: str) -> Any:
        return load_model(self.store, self.hashes[name])[1]


def trained(
    folder: Path, dataset: Dataset, recipes: list[dict[str, Any]], *, validation: float = 0.5, **fields: Any
) -> Bench:
    store = Store(folder / "runs")
    wanted = study(
        name="bench", dataset=dataset.name, recipes=[from_dict(r) for r in recipes], replicates=1,
        split=Split(validation), **fields,
    )  # fmt: skip
    result = run_study(wanted, dataset, store)
    assert not result.failures
    hashes = {member.runs[0].name: member.runs[0].trial.hash for member in result.members}
    return Bench(store, hashes, dataset.test.images)
