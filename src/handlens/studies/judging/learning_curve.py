"""A study's recipes on more and more of its training images: what would further images bring?

Every size is a study of its own, of a data set that says in its name, notes and digest which images it holds,
so
its runs are ordinary ones: stored as soon as they are finished, and never trained twice. The test images stay
closed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray

from handlens.data import Dataset, ImageSet, split
from handlens.data.split import Indices
from handlens.errors import SpecError
from handlens.pages import parts
from handlens.records import Run
from handlens.records import Split as SplitRecord
from handlens.seeds import generator
from handlens.studies.planning.plan import Planned, Study, plan
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import at_work
from handlens.studies.training.jobs import Event, Job, OnEvent, ignore_event
from handlens.studies.training.run import Train, in_turn
from handlens.studies.training.trial import training

HALVINGS = 4  # so the smallest size is a sixteenth
LEAST = 2  # images of a class, on average, in the smallest size
Watched = Callable[[int], AbstractContextManager[OnEvent]]


@dataclasses.dataclass(frozen=True, eq=False)
class Learned:
    """A configuration's runs by size; sizes at which a replicate failed are left out.

    Attributes:
        sizes: int64 [sizes], training images, rising.
        right: bool [sizes, replicates, n], of the validation images, the same in every size.
        runs: for every size those of the replicates, in the order of their seeds.
    """

    name: str
    sizes: NDArray[np.int64]
    right: NDArray[np.bool_]
    runs: tuple[tuple[Run, ...], ...]


@dataclasses.dataclass(frozen=True, eq=False)
class LearningCurves:
    """What training on more and more images gave.

    Attributes:
        total: training images that there are besides the validation images; `validation`: of these.
        failures: the trials that could not be trained, a line each.
    """

    study: str
    title: str
    dataset: str
    total: int
    validation: int
    replicates: int
    curves: tuple[Learned, ...]
    failures: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """One size: the study of it, and its images."""

    size: int
    study: Study
    dataset: Dataset


def sizes_of(total: int, classes: int, wanted: Sequence[float | int] = ()) -> tuple[int, ...]:
    """How many training images each size has, rising.

    Args:
        total: training images that there are.
        wanted: counts (whole numbers) and shares (above 0, up to 1.0); by default 1/16, 1/8, 1/4, 1/2 and
            all, without those that would have fewer than two images a class.

    Raises:
        SpecError: a share or count that is not of these images.
    """
    if not wanted:
        halves = [round(total / 2**i) for i in range(HALVINGS, -1, -1)]
        return tuple(n for n in halves if n >= LEAST * classes) or (total,)
    found = set()
    for size in wanted:
        n = round(size * total) if isinstance(size, float) else size
        if not classes <= n <= total or (isinstance(size, float) and not 0 < size <= 1):
            raise SpecError(
                f"{size:g} as a number of training images",
                expected=f"{classes:,} (an image a class) to {total:,}, or a share above 0 and up to 1",
            )
        found.add(n)
    return tuple(sorted(found))


def nested_order(labels: NDArray[np.int64], indices: Indices, seed: int) -> Indices:
    """The `indices` in an order of which every beginning is stratified and holds every shorter one.

    The images of each class are shuffled and take the places 0, 1/n, 2/n, ... of their class's n; all
    together are sorted by place, ties by lot. So the first n hold an image of every class, once there are as
    many as classes, and of each class its share within one image.
    """
    rng = generator(seed, "learning curve")
    shuffled = rng.permutation(indices)
    own = labels[shuffled]
    place = np.empty(len(shuffled))
    for label in np.unique(own):
        members = np.flatnonzero(own == label)
        place[members] = np.arange(len(members)) / len(members)
    return shuffled[np.argsort(place, kind="stable")]


def part_of(study: Study, dataset: Dataset, size: int) -> Part:
    """The study on `size` of its training images, validated by the same images as the whole.

    All of them: the study and its data set as they are, so runs that are there already count. Fewer: a data
    set of those images, in their order, with the validation images behind them.
    """
    cut = split(dataset.train.labels, study.split.validation, study.split.seed)
    total = len(cut.train)
    if size == total:
        return Part(size, study, dataset)
    chosen = np.sort(nested_order(dataset.train.labels, cut.train, study.split.seed)[:size])
    held = len(cut.validation)
    note = (
        f"trained on {size:,} of the {total:,} training images, stratified by class, each size within the "
        f"next larger one; the last {held:,} are the validation images of the whole data set (validation "
        f"{study.split.validation}, seed {study.split.seed})"
    )
    some = dataclasses.replace(
        dataset,
        name=f"{dataset.name}:{size}-of-{total}",
        title=f"{dataset.title or dataset.name}, {size:,} of {total:,} training images",
        train=_joined(dataset.train.take(chosen), dataset.train.take(cut.validation)),
        notes=(*dataset.notes, note),
    )
    last = SplitRecord(validation=f"last {held}", seed=study.split.seed)
    return Part(size, dataclasses.replace(study, split=last), some)


def _joined(first: ImageSet, second: ImageSet) -> ImageSet:
    images = np.concatenate([*parts(first.images), *parts(second.images)])
    return ImageSet(images, np.concatenate([first.labels, second.labels]), first.classes)


def learning_curves(
    study: Study,
    dataset: Dataset,
    store: Store,
    sizes: Sequence[float | int] = (),
    *,
    command: str = "",
    train: Train = in_turn,
    watched: Watched = lambda size: nullcontext(ignore_event),
) -> LearningCurves:
    """Train every configuration of a study on nested parts of its training images, the smallest first.

    Every size has the same seeds and the same validation images. What is in the store is not trained again.

    Args:
        sizes: see `sizes_of`.
        train: how the missing trials are trained; see `handlens.studies.training.run.run_study`.
        watched: gives, for the trials of a size, who is told of their events.

    Raises:
        SpecError: a size that cannot be, a recipe that cannot be built; nothing is trained then.
        HandlensError: no trial at all could be trained, or a run cannot be stored.
    """
    cut = split(dataset.train.labels, study.split.validation, study.split.seed)
    wanted = sizes_of(len(cut.train), len(np.unique(dataset.train.labels[cut.train])), sizes)
    plan(study, dataset)  # refuses what cannot be built before anything is trained
    found: dict[str, dict[int, tuple[Run, ...]]] = {}
    failures: list[str] = []
    with at_work(store, clear=True):
        for size in wanted:
            part = part_of(study, dataset, size)
            planned, failed = _trained(part, store, command, train, watched)
            failures += failed
            for name, runs in _complete(planned, study.replicates, store).items():
                found.setdefault(name, {})[size] = runs
    curves = tuple(_learned(name, by_size, store) for name, by_size in found.items())
    return LearningCurves(
        study.name,
        study.title or study.name,
        dataset.name,
        len(cut.train),
        len(cut.validation),
        study.replicates,
        curves,
        tuple(failures),
    )


def _trained(
    part: Part, store: Store, command: str, train: Train, watched: Watched
) -> tuple[list[Planned], list[str]]:
    """A size's trials that have runs now, and why the others have none."""
    planned = plan(part.study, part.dataset)
    with watched(part.size) as on_event:
        missing = []
        for number, item in enumerate(planned, 1):
            job = Job(item, number, len(planned))
            there = store.has(item.trial.hash)
            on_event(Event("kept", job, run=store.read(item.trial.hash)) if there else Event("missing", job))
            missing += [] if there else [job]
        failed = train(missing, training(part.dataset), store, command=command, on_event=on_event)
    if len(failed) == len(planned):
        raise failed[1]
    said = []
    for number, error in failed.items():
        item = planned[number - 1]
        error.where = f"recipe {item.name!r}, {part.size:,} images, replicate {item.replicate + 1}"
        said.append(str(error))
    return [item for number, item in enumerate(planned, 1) if number not in failed], said


def _complete(planned: Sequence[Planned], replicates: int, store: Store) -> dict[str, tuple[Run, ...]]:
    """The runs of the configurations all of whose replicates there are."""
    hashes: dict[str, list[str]] = {}
    for item in planned:
        hashes.setdefault(item.name, []).append(item.trial.hash)
    whole = {name: found for name, found in hashes.items() if len(found) == replicates}
    return {name: tuple(store.read(hash) for hash in found) for name, found in whole.items()}


def _learned(name: str, by_size: dict[int, tuple[Run, ...]], store: Store) -> Learned:
    sizes = sorted(by_size)
    right = [[store.right(run.trial.hash) for run in by_size[size]] for size in sizes]
    return Learned(name, np.array(sizes), np.array(right), tuple(by_size[size] for size in sizes))
