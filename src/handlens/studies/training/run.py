"""A whole study: train what is not there yet, choose by validation images, then open the test images."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from handlens.data import Dataset, ImageSet
from handlens.studies.planning.plan import Planned, Study, plan
from handlens.studies.storage.result import Looks, Member, StudyResult, by_validation, chosen_of_each, result
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import at_work
from handlens.studies.training.interrupt import heeded, uninterrupted
from handlens.studies.training.jobs import Agenda, Event, Failures, Job, OnEvent, ignore_event, train_job
from handlens.studies.training.progress import told
from handlens.studies.training.trial import Training, load_model, open_test, training

__all__ = [
    "Event",
    "Failures",
    "Job",
    "OnEvent",
    "Train",
    "gather",
    "ignore_event",
    "in_turn",
    "load_model",
    "looks_at",
    "open_tests",
    "run_study",
]

PULSE = 0.25  # seconds between two looks at what other processes do
Train = Callable[..., Failures]  # like `in_turn`


def in_turn(
    jobs: Sequence[Job],
    data: Training,
    store: Store,
    *,
    command: str = "",
    on_event: OnEvent = ignore_event,
    device: str | None = None,
) -> Failures:
    """Train the jobs one after the other in this process; each may use all processors.

    `device` is for an engine that has a choice: `cpu`, `gpu`, `tpu`.

    A trial that cannot be trained (its loss is no number any more, say) is left out; the others go on.

    Raises:
        StoreError: a run cannot be stored.
    """
    agenda = Agenda(jobs, store, on_event)
    while True:
        while job := agenda.take():
            said = train_job(
                job, data, store, command=command, on_event=on_event, device=device, writing=uninterrupted()
            )
            agenda.settle(job, said)
        if not agenda.waiting:
            return agenda.failures
        time.sleep(PULSE)
        agenda.look()


def run_study(
    study: Study,
    dataset: Dataset,
    store: Store,
    *,
    command: str = "",
    on_event: OnEvent | None = None,
    train: Train = in_turn,
) -> StudyResult:
    """Train what is not in the store yet, and gather the result.

    Test images are opened when nothing is left to choose: for the configuration of each recipe that
    validation images prefer, or for all if the study says so.

    Trials that other processes train at the same time in the same store are waited for.

    Args:
        train: how the missing trials are trained: `in_turn`, or something with the same arguments, such as
            `handlens.studies.workers.in_processes(4)`.

    Raises:
        SpecError: a recipe that cannot be built; nothing is trained then.
        HandlensError: no trial at all could be trained, or a run cannot be stored.
    """
    # From the start: planning may load JAX, in whose callbacks a Ctrl-C is lost.
    with heeded(on_event or ignore_event) as on_event:
        planned = plan(study, dataset)
        with at_work(store, clear=True), told(study, len(planned), store, on_event) as tell:
            missing = _missing(planned, store, tell)
            failed = train(missing, training(dataset), store, command=command, on_event=tell)
            for number, error in failed.items():
                item = planned[number - 1]
                error.where = f"recipe {item.name!r}, replicate {item.replicate + 1}"
            if len(failed) == len(planned):
                raise failed[1]
            finished = tuple(item for number, item in enumerate(planned, 1) if number not in failed)
            open_tests(study, finished, dataset.test, store)
    failures = tuple(str(failed[number]) for number in sorted(failed))
    return gather(study, finished, store, command=command, failures=failures)


def _missing(planned: Sequence[Planned], store: Store, on_event: OnEvent) -> tuple[Job, ...]:
    """The trials without a run, after telling of every trial which it is."""
    missing = []
    for number, item in enumerate(planned, 1):
        job = Job(item, number, len(planned))
        if store.has(item.trial.hash):
            on_event(Event("kept", job, run=store.read(item.trial.hash)))
        else:
            on_event(Event("missing", job))
            missing.append(job)
    return tuple(missing)


def open_tests(study: Study, planned: Sequence[Planned], test: ImageSet, store: Store) -> None:
    """Choose by validation images, then open the test images for those that were chosen."""
    members, digest = _members(planned, store, tests=False), ""
    for member in members if study.test == "all" else chosen_of_each(members):
        for run in member.runs:
            if not store.opened(run.trial.hash):
                digest = digest or test.digest()
                open_test(run.trial.hash, test, store, digest=digest)


def gather(
    study: Study,
    planned: Sequence[Planned],
    store: Store,
    *,
    command: str = "",
    failures: tuple[str, ...] = (),
) -> StudyResult:
    """The result of a study whose planned runs are all in the store.

    Raises:
        StoreError: a run is missing or damaged.
    """
    members = _members(planned, store, tests=True)
    return result(study.name, study.title or study.name, command, members, failures, looks_at(members, store))


def looks_at(members: Sequence[Member], store: Store) -> Looks | None:
    """How often the members' test images were looked at; None where no member has seen them."""
    digests = {tested.look.test for member in members for tested in member.tests}
    return store.looks(digests.pop()) if len(digests) == 1 else None


def _members(planned: Sequence[Planned], store: Store, *, tests: bool) -> tuple[Member, ...]:
    """A member for each configuration, in the order of validation accuracy."""
    hashes: dict[str, list[str]] = {}
    families = {item.name: item.family for item in planned}
    for item in planned:
        hashes.setdefault(item.name, []).append(item.trial.hash)
    members = []
    for name, found in hashes.items():
        runs = tuple(store.read(hash) for hash in found)
        said = tuple(store.predictions(hash) for hash in found)
        opened = tests and all(store.opened(hash) for hash in found)
        tested = tuple(store.tested(hash) for hash in found) if opened else ()
        members.append(Member(name, runs, said, tested, families[name]))
    return by_validation(members)
