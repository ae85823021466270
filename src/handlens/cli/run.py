"""`handlens run`: train a study's trials, show the table, leave a report."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from handlens.cli import asked, common

if TYPE_CHECKING:
    from handlens.data import Dataset
    from handlens.studies.planning.plan import Study
    from handlens.studies.storage.store import Store
    from handlens.studies.training.run import Event, OnEvent


def run(
    file: asked.File = None,
    dataset: asked.DataSet = None,
    models: asked.Models = None,
    keras: asked.Keras = None,
    replicates: asked.Replicates = None,
    seed: asked.Seed = None,
    validation: asked.Validation = None,
    size: common.Size = None,
    shape: common.Shape = None,
    label: common.Label = None,
    skip_bad: common.SkipBad = False,
    classes: common.Classes = None,
    workers: asked.Workers = None,
    device: asked.Device = None,
    on: asked.On = None,
    address: asked.Address = None,
    results: asked.Results = None,
    mlflow: asked.MLflow = None,
    charts: common.Charts = None,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    events: asked.Events = False,
    quiet: common.Quiet = False,
) -> None:
    """Train every trial of a study that is not stored yet; print the table and leave a report.

    Stop it at any time: what is finished stays, and the same command goes on.

    Example: handlens run --dataset mnist-5k --models forest,mlp
    """
    from handlens.cli import results as output
    from handlens.cli.progress import json_line
    from handlens.studies.training.run import run_study

    said = {"split": validation, "reading": common.options(size, shape, label, skip_bad), "classes": classes}
    study = asked.asked_study(file, dataset, models, keras, replicates=replicates, seed=seed, **said)
    images = common.load(study.dataset, study.reading, study.classes)
    train, store = asked.asked_train(workers, on, address, results, device), common.store(runs)
    command = shlex.join(["handlens", *sys.argv[1:]])
    with common.stoppable(runs):
        how = {"quiet": quiet or as_json, "events": events}
        with _watched(study, images, store, mlflow, **how) as on_event:
            found = run_study(study, images, store, command=command, on_event=on_event, train=train)
        saved = output.save(study, found, images, store, reports, charts)
    if events:
        page = str(saved.folder / "report.html")
        json_line({"event": "result", **output.plain(found, saved.topics), "report": page})
    else:
        output.show(found, saved, as_json=as_json, quiet=quiet)
    for failure in found.failures:
        sys.stderr.write(f"handlens: {failure}\n")
    if found.failures:
        raise typer.Exit(2)


@contextlib.contextmanager
def _watched(
    study: Study, images: Dataset, store: Store, mlflow: str | None, *, quiet: bool, events: bool
) -> Iterator[OnEvent]:
    """What tells the screen, or a program, and a tracking server of a study's events."""
    from handlens.cli.progress import shown
    from handlens.data.split import count_of

    labels = images.train.labels
    trained_on = len(labels) - count_of(labels, study.split.validation, "validation")
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(shown(trained_on, quiet=quiet, events=events))]
        if mlflow:
            from handlens.studies.training.track import mlflow_events

            listeners.append(stack.enter_context(mlflow_events(mlflow, study, store)))

        def tell(event: Event) -> None:
            for listener in listeners:
                listener(event)

        yield tell
