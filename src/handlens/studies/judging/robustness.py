"""How a stored run's accuracy falls as images get worse, within a time that the user gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.data import Dataset, ImageSet
from handlens.data.split import stratified
from handlens.errors import DataError
from handlens.evaluate.robustness import CORRUPTIONS, Curve, curves
from handlens.records import Run
from handlens.seeds import generator
from handlens.studies.storage.result import Member
from handlens.studies.storage.store import Store
from handlens.studies.training.trial import load_model, ready, training

LEAST = 200  # images: an accuracy near 90 % is then known to within 4 points
WAYS = 1 + sum(len(made.strengths) for made in CORRUPTIONS.values())
CORRUPT_NS = 12.0  # nanoseconds to change a value of an image, mean over all ways; 8 on two quiet cores


@dataclass(frozen=True)
class Robustness:
    """What became of a model's accuracy.

    Attributes:
        model: the member's name, or the run's.
        dataset: its name.
        part: "test" or "validation": the images that were made worse.
        images, of: how many of how many there were.
        replicates: runs whose accuracy was averaged.
        side: longer side of an image in pixels, which a shift is a share of.
        curves: one a corruption.
    """

    model: str
    dataset: str
    part: str
    images: int
    of: int
    replicates: int
    side: int
    curves: tuple[Curve, ...]


def images_of(store: Store, run: Run, dataset: Dataset) -> tuple[str, ImageSet]:
    """The images that a run may be judged on: "test" and these where they were opened, else "validation"."""
    if store.opened(run.trial.hash):
        return "test", dataset.test
    return "validation", ready(run.trial, training(dataset)).validation


def robustness(
    store: Store, which: Member | str, dataset: Dataset, *, seconds: float = 5.0, seed: int = 0
) -> Robustness:
    """A member's or a run's accuracy under six corruptions at five strengths.

    As many images are used, stratified and the same every time, as take about `seconds` by the record's
    microseconds an image, at least `LEAST` where there are so many. Test images only where every run has seen
    them.

    Raises:
        DataError: the data set is not the one that the run was trained on.
        StoreError: a run is missing or damaged.
    """
    hashes = [which] if isinstance(which, str) else [run.trial.hash for run in which.runs]
    loaded = [load_model(store, hash) for hash in hashes]
    runs = [run for run, _ in loaded]
    if dataset.digest != runs[0].trial.data:
        raise DataError(
            f"{dataset.name} is not what {runs[0].name} was trained on", expected=f"{runs[0].dataset}"
        )
    closed = [run for run in runs if not store.opened(run.trial.hash)]
    part, images = images_of(store, (closed or runs)[0], dataset)
    chosen = images.take(_chosen(images.labels, affordable(runs, images, seconds), seed))
    truth = np.asarray(chosen.labels)

    def right(changed: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return np.stack([model.predict_proba(changed).argmax(axis=1) == truth for _, model in loaded])

    found = curves(right, np.asarray(chosen.images), float(chosen.counts().max() / len(chosen)), seed)
    name = which.name if isinstance(which, Member) else runs[0].name
    return Robustness(
        name, dataset.name, part, len(chosen), len(images), len(runs), max(images.shape[:2]), found
    )


def affordable(runs: Sequence[Run], images: ImageSet, seconds: float) -> int:
    """How many images can be predicted in all ways by all runs in so many seconds; `LEAST` to all."""
    predicting = sum(run.timings.predict_us_per_image for run in runs) * 1e-6
    changing = CORRUPT_NS * 1e-9 * float(np.prod(images.shape))
    return min(len(images), max(LEAST, int(seconds / (WAYS * (predicting + changing)))))


def _chosen(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """`count` positions, ascending, each class in proportion; all where hardly one could be left out."""
    if count > len(labels) - len(np.unique(labels)):
        return np.arange(len(labels))
    return stratified(np.asarray(labels), count, generator(seed, "robustness"))
