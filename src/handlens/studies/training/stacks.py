"""Trials of the Keras engine, those that differ in numbers alone together in one program."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from handlens.engines import Model
from handlens.errors import HandlensError
from handlens.records import Epoch
from handlens.spec import NetworkRecipe
from handlens.studies.storage.store import Store
from handlens.studies.training import failures
from handlens.studies.training.claims import at_work, claim
from handlens.studies.training.interrupt import uninterrupted
from handlens.studies.training.jobs import Event, Failures, Job, OnEvent, ignore_event
from handlens.studies.training.run import Train, in_turn
from handlens.studies.training.trial import Clock, Done, Ready, Training, finished, ready


def in_stacks(others: Train, device: str | None = None) -> Train:
    """Something to pass to `run_study(train=...)`: Keras's trials here, stacked where they can be.

    A trial that is alone of its kind keeps checkpoints; those of a stack begin anew when they are broken off.

    Args:
        others: what trains the trials of other engines.
        device: for Keras: `cpu`, `gpu`, `tpu`, `gpu:1`; JAX's first choice unless given.
    """

    def train(
        jobs: Sequence[Job],
        data: Training,
        store: Store,
        *,
        command: str = "",
        on_event: OnEvent = ignore_event,
    ) -> Failures:
        stacked, alone, rest = _sorted(jobs)
        failed: Failures = {}
        for stack in stacked:
            left, errors = _train_stack(stack, data, store, device, command, on_event)
            alone, failed = alone + left, failed | errors
        if alone:
            failed |= in_turn(alone, data, store, command=command, on_event=on_event, device=device)
        if rest:
            failed |= others(rest, data, store, command=command, on_event=on_event)
        return failed

    return train


def _sorted(jobs: Sequence[Job]) -> tuple[list[list[Job]], list[Job], list[Job]]:
    """Keras's jobs that can be stacked; those that are alone of their kind; all others."""
    mine = [job for job in jobs if job.planned.recipe.engine == "keras"]
    rest = [job for job in jobs if job.planned.recipe.engine != "keras"]
    if not mine:
        return [], [], rest
    from handlens.engines.keras.libraries import ON_JAX
    from handlens.engines.keras.stack import skeleton

    kinds: dict[object, list[Job]] = {}
    for job in mine:
        recipe = job.planned.recipe
        can = ON_JAX and isinstance(recipe, NetworkRecipe)
        kinds.setdefault(skeleton(recipe) if can else job.number, []).append(job)  # type: ignore[arg-type]
    stacked = [kind for kind in kinds.values() if len(kind) > 1]
    return stacked, [kind[0] for kind in kinds.values() if len(kind) == 1], rest


def _train_stack(
    jobs: Sequence[Job], data: Training, store: Store, device: str | None, command: str, on_event: OnEvent
) -> tuple[list[Job], Failures]:
    """Train the jobs that nobody else is at, and store their runs.

    Gives the jobs that are left to train alone or to wait for, and those that cannot be trained.
    """
    from handlens.engines.keras.devices import find
    from handlens.engines.keras.stack import fit_together

    with contextlib.ExitStack() as claims:
        held = [job for job in jobs if claims.enter_context(claim(store.root, job.planned.trial.hash))]
        mine = [job for job in held if not store.has(job.planned.trial.hash)]
        if not mine:
            return list(jobs), {}
        for job in mine:
            failures.forget(store, job.planned.trial.hash)
            on_event(Event("begun", job))
        images, clock, where = ready(mine[0].planned.trial, data), Clock(), find(device)

        def on_epoch(i: int, epoch: Epoch) -> None:
            on_event(Event("epoch", mine[i], epoch=epoch))

        try:
            models = fit_together(
                [job.planned.recipe for job in mine],  # type: ignore[misc]
                [job.planned.trial.seed for job in mine],
                images.train,
                images.validation,
                where,
                on_epoch,
            )
        except Exception:  # whosever fault it is: alone, it costs that one trial
            return list(jobs), {}
        seconds, failed = clock.seconds(), {}
        for job, model in zip(mine, models, strict=True):
            if isinstance(model, HandlensError):
                failures.note(store, job.planned, model)
                failed[job.number] = model
                on_event(Event("failed", job))
            else:
                _keep(job, model, data, images, store, seconds, command, on_event)
    return [job for job in jobs if job not in mine], failed


def _keep(
    job: Job,
    model: Model,
    data: Training,
    images: Ready,
    store: Store,
    seconds: tuple[float, float],
    command: str,
    on_event: OnEvent,
) -> None:
    count = round(1 / model.phases.share)
    notes = (f"trained as one of {count} in one program; its times are its share",) if count > 1 else ()
    done = Done(model, seconds, None, len(model.history), notes)
    run, said = finished(job.planned, data, images, done, command=command)
    with uninterrupted(), at_work(store):
        run = store.write(run, said, model.save, name=job.planned.trial.hash)
    on_event(Event("done", job, run=run))
