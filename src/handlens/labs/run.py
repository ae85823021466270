"""A lab trained: its studies, its chains, and what could not be for want of data or of Keras."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from handlens.data import Dataset, load
from handlens.data.arrange import asked
from handlens.data.catalogue import catalogue, data_folders, find_files
from handlens.data.published import download_folder
from handlens.data.split import count_of
from handlens.errors import DataError
from handlens.labs.chain import Workshop, planned_chains, train_chains
from handlens.labs.published import Lab
from handlens.labs.variants import Quick, fitted, has_keras, missing, read, shortened, with_keras
from handlens.studies.planning.plan import Planned, Study
from handlens.studies.storage.result import Member, StudyResult, by_validation
from handlens.studies.storage.store import Store
from handlens.studies.training.run import OnEvent, Train, gather, open_tests, run_study
from handlens.studies.training.trial import training

Watch = Callable[[Study, int], AbstractContextManager[OnEvent]]


@dataclass(frozen=True)
class Asked:
    """How labs are to be run.

    Attributes:
        train: what trains the missing trials; chains are trained one after the other, here.
        watch: gives, for a study and its number of training images, the listener to its events.
        times: where runs of the same trials from another machine lie, whose times are shown too.
        quick: how far to cut down; None: not at all.
        studies: the folder of the study files, unless they are handlens's own.
    """

    store: Store
    train: Train
    watch: Watch
    command: str = ""
    device: str | None = None
    times: Store | None = None
    quick: Quick | None = None
    studies: Path | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """What became of one study of a lab.

    Attributes:
        name: of the study's file.
        study: as its file says; `used`: as it was trained.
        dataset, result: None where the data is `absent`, which then says what to put where.
        continued: configurations that went on from the weights of others.
        sample: what the data lacks of the lab's; empty where it is whole.
        no_keras: whether networks were to be trained by Keras, which is not installed.
        times: where runs of the same trials from another machine lie.
    """

    name: str
    study: Study
    used: Study
    dataset: Dataset | None = None
    result: StudyResult | None = None
    continued: tuple[Member, ...] = ()
    absent: str = ""
    sample: str = ""
    no_keras: bool = False
    quick: Quick | None = None
    times: Store | None = None

    def member(self, name: str) -> Member | None:
        """The configuration of that name, if it was trained."""
        found = (*self.result.members, *self.continued) if self.result else ()
        return next((member for member in found if member.name == name), None)


@dataclass(frozen=True, eq=False)
class Found:
    """A lab and what became of its studies."""

    lab: Lab
    parts: tuple[Part, ...]

    def part(self, study: str) -> Part:
        return next(part for part in self.parts if part.name == study)


def run_lab(lab: Lab, how: Asked) -> Found:
    """Train what is not stored yet of a lab; what has no data is left out and said to be.

    Raises:
        HandlensError: a study that cannot be; none of a study's trials could be trained.
    """
    return Found(lab, tuple(_part(lab, name, how) for name in lab.studies))


def absent(source: str) -> str:
    """What to put where for a data set that is neither here nor to be downloaded; empty otherwise."""
    base, _ = asked(source)
    entry = catalogue().get(str(base))
    if entry is None or entry.package or entry.mirrors:
        return ""
    if find_files(entry, [*data_folders(), download_folder(entry).parent]):
        return ""
    files = " and ".join(file.name for file in entry.files)
    return f"put {files} ({entry.page}) into a folder {entry.name} of the folder that HANDLENS_DATA names"


def opened(lab: Lab, name: str, how: Asked) -> Part:
    """A study as it will be trained, with its images; nothing is trained.

    Raises:
        HandlensError: a study that cannot be.
    """
    study = read(name, how.studies)
    if lacking := absent(study.dataset):
        return Part(name, study, study, absent=lacking)
    try:
        dataset = load(study.dataset, study.reading, classes=study.classes)
    except DataError as error:
        return Part(name, study, study, absent=str(error))
    sample = missing(name, dataset)
    used = with_keras(study, lab, name, how.quick.keras if how.quick else None)
    if sample:
        used = fitted(used, dataset)
    if how.quick:
        used, dataset = shortened(used, dataset, how.quick)
        used = dataclasses.replace(used, name=f"{used.name}-quick")
    no_keras = lab.by_keras(name) and not has_keras()
    return Part(
        name, study, used, dataset, sample=sample, no_keras=no_keras, quick=how.quick, times=how.times
    )


def _part(lab: Lab, name: str, how: Asked) -> Part:
    part = opened(lab, name, how)
    return part if part.dataset is None else trained(part, part.used, how)


def trained(part: Part, study: Study, how: Asked) -> Part:
    """The part with what `study`, which is of its recipes, found beside what it has already."""
    assert part.dataset is not None
    dataset, name = part.dataset, part.name
    images = len(dataset.train) - count_of(dataset.train.labels, study.split.validation, "validation")
    with how.watch(study, images) as on_event:
        result = run_study(study, dataset, how.store, command=how.command, on_event=on_event, train=how.train)
        chains = planned_chains(name, study, dataset)
        shop = Workshop(training(dataset), how.store, on_event, how.command, how.device)
        stored, broken = train_chains(chains, shop)
        links = tuple(link for link in stored if link.trial.recipe.get("after"))
        continued = _members(study, links, dataset, how.store)
    result = dataclasses.replace(result, failures=(*result.failures, *broken))
    return dataclasses.replace(
        part, result=_joined(result, part.result), continued=_newest(continued, part.continued)
    )


def _joined(new: StudyResult, old: StudyResult | None) -> StudyResult:
    """Both results' members; where both have one, the new one."""
    if old is None:
        return new
    members = by_validation(_newest(new.members, old.members))
    failures = tuple(dict.fromkeys((*old.failures, *new.failures)))
    rows = tuple(member.row() for member in members)
    return dataclasses.replace(new, members=members, rows=rows, failures=failures)


def _newest(new: tuple[Member, ...], old: tuple[Member, ...]) -> tuple[Member, ...]:
    names = {member.name for member in new}
    return (*new, *(member for member in old if member.name not in names))


def _members(study: Study, links: tuple[Planned, ...], dataset: Dataset, store: Store) -> tuple[Member, ...]:
    """The links with their test scores: test images are opened for all, for there is nothing to choose."""
    if not links:
        return ()
    every = dataclasses.replace(study, test="all")
    open_tests(every, links, dataset.test, store)
    return gather(every, links, store).members
