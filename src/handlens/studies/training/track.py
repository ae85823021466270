"""A study's events on an MLflow tracking server, sent in the background; one that goes away stops nothing."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from handlens.errors import MissingExtra, StoreError
from handlens.records import Epoch, Run
from handlens.spec import Recipe, to_dict
from handlens.spec.recipe import PARTS
from handlens.studies.planning.plan import Planned, Study
from handlens.studies.storage.store import Store
from handlens.studies.training.jobs import Event, OnEvent

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Where the user has not said otherwise: a server that is gone is noticed soon, and nothing is printed or sent
# anywhere else.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
TAG = "handlens.trial"
BATCH = 1000  # metrics that a server takes at once
STATUS = {"done": "FINISHED", "kept": "FINISHED", "failed": "FAILED", "pruned": "KILLED"}


@contextlib.contextmanager
def mlflow_events(uri: str, study: Study, store: Store) -> Iterator[OnEvent]:
    """An `on_event` that tells the tracking server at `uri`: a study is an experiment, a trial is a run.

    A run is named by configuration and replicate and tagged with its trial's hash (`handlens.trial`). It gets
    the recipe's fields and the seed as parameters, each epoch's scores (step: the epoch), the final scores on
    validation images and times, and `run.json`, `history.csv` and `model/` as artifacts. A trial that the
    server knows already is not sent again. Events only join a queue; a thread sends them. When the block is
    left, what is queued is sent; trials that are not over are marked as killed.

    Raises (on entering):
        MissingExtra: MLflow is not installed.
        StoreError: the server cannot be reached. If it goes away later, there is one warning, and the study
            goes on.
    """
    with _environment():
        sender = _Sender(store, *_connected(uri, study))
        thread = threading.Thread(target=sender.work, name="mlflow", daemon=True)
        thread.start()
        warned = False

        def warn_once() -> None:
            nonlocal warned
            if sender.lost is not None and not warned:
                warned = True
                said = _first_line(sender.lost)
                warnings.warn(f"MLflow at {_public(uri)} failed; the study goes on ({said})", stacklevel=3)

        def on_event(event: Event) -> None:
            warn_once()
            if sender.lost is None:
                sender.events.put((time.time(), event))

        try:
            yield on_event
        finally:
            sender.events.put(None)
            thread.join()
        warn_once()


@dataclass(eq=False)
class _Sender:
    """Sends what is queued, in order; gives up at the first failure, which is then in `lost`.

    `known`: MLflow's run and whether it is finished, by the trial's hash; `open`: trials that are not over.
    """

    store: Store
    client: MlflowClient
    experiment: str
    known: dict[str, tuple[str, bool]]
    events: queue.SimpleQueue[tuple[float, Event] | None] = field(default_factory=queue.SimpleQueue)
    open: set[str] = field(default_factory=set)
    metrics: dict[str, list[Any]] = field(default_factory=dict)
    lost: Exception | None = None

    def work(self) -> None:
        """The thread: ends with the queue's None or with the server."""
        try:
            while (item := self.events.get()) is not None:
                self._send(*item)
                if self.events.empty():
                    self._flush()
            self._flush()
            for hash in self.open:
                self.client.set_terminated(self.known[hash][0], "KILLED")
        except Exception as error:  # whatever a server and its client may do: the study must not notice
            self.lost = error

    def _send(self, when: float, event: Event) -> None:
        planned = event.job.planned
        hash = planned.trial.hash
        if event.kind == "begun":
            self._begin(planned, when)
        elif event.kind == "epoch" and event.epoch is not None and hash in self.open:
            self.metrics.setdefault(hash, []).extend(_of_epoch(event.epoch, when))
        elif event.kind == "kept" and event.run is not None and not self.known.get(hash, ("", False))[1]:
            self._begin(planned, when)
            for epoch in event.run.history:
                self.metrics.setdefault(hash, []).extend(_of_epoch(epoch, when))
            self._end(hash, event.kind, event.run, when)
        elif hash in self.open and event.kind in STATUS:
            self._end(hash, event.kind, event.run, when)

    def _begin(self, planned: Planned, when: float) -> None:
        from mlflow.entities import Param

        hash = planned.trial.hash
        if hash in self.known:  # of a study that was broken off
            self.client.update_run(self.known[hash][0], status="RUNNING")
        else:
            name = f"{planned.name} replicate {planned.replicate + 1}"
            tags = {TAG: hash, "handlens.recipe": planned.family}
            made = self.client.create_run(self.experiment, int(1000 * when), tags, name)
            self.known[hash] = (made.info.run_id, False)
        self.open.add(hash)
        said = {"seed": planned.trial.seed, "replicate": planned.replicate + 1, **_fields(planned.recipe)}
        found = [Param(key, str(value)) for key, value in said.items()]
        self.client.log_batch(self.known[hash][0], params=found)

    def _end(self, hash: str, kind: str, run: Run | None, when: float) -> None:
        id = self.known[hash][0]
        if run is not None:
            self.metrics.setdefault(hash, []).extend(_of_run(run, when))
        self._flush()
        if run is not None:
            folder = self.store.folder(hash)
            for path in (folder / "run.json", folder / "history.csv", *sorted((folder / "model").glob("*"))):
                self.client.log_artifact(id, str(path), None if path.parent == folder else "model")
        self.client.set_terminated(id, STATUS[kind], int(1000 * when))
        self.known[hash] = (id, run is not None)
        self.open.discard(hash)

    def _flush(self) -> None:
        for hash, found in self.metrics.items():
            for begin in range(0, len(found), BATCH):
                self.client.log_batch(self.known[hash][0], metrics=found[begin : begin + BATCH])
        self.metrics.clear()


def _connected(uri: str, study: Study) -> tuple[MlflowClient, str, dict[str, tuple[str, bool]]]:
    """A client, the study's experiment, and the trials known there: MLflow's run, and whether it is finished.

    Raises:
        MissingExtra: MLflow is not installed.
        StoreError: no answer, or not one of MLflow's.
    """
    try:
        from mlflow import MlflowClient
    except ImportError:
        raise MissingExtra("mlflow", "mlflow") from None
    try:
        client = MlflowClient(uri, uri)
        found = client.get_experiment_by_name(study.name)
        experiment = client.create_experiment(study.name) if found is None else found.experiment_id
        if found is not None and found.lifecycle_stage == "deleted":
            client.restore_experiment(experiment)
        known: dict[str, tuple[str, bool]] = {}
        token = None
        while token != "":
            page = client.search_runs([experiment], page_token=token)
            for run in page:
                if TAG in run.data.tags:
                    known.setdefault(run.data.tags[TAG], (run.info.run_id, run.info.status == "FINISHED"))
            token = page.token or ""
    except Exception as error:  # of MLflow, its transport, or its database
        remedy = "start the server or leave MLflow out"
        what = f"MLflow cannot be reached ({_first_line(error)})"
        raise StoreError(what, where=_public(uri), remedy=remedy) from error
    return client, experiment, known


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """MLflow's settings, which it reads from the environment, while they are needed."""
    added = {key: value for key, value in DEFAULTS.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


def _fields(recipe: Recipe) -> dict[str, Any]:
    """A recipe's fields as MLflow's parameters: those of its parts one by one (`optimizer.learning_rate`)."""
    found = {key: value for key, value in to_dict(recipe).items() if key != "name" and value is not None}
    for head in PARTS:
        part = getattr(recipe, head, None)
        if part is not None:
            found |= {f"{head}.{f.name}": getattr(part, f.name) for f in fields(part)}
            found[head] = type(part).__name__
    if "layers" in found:
        found["layers"] = ", ".join(found["layers"])
    return found


def _of_epoch(epoch: Epoch, when: float) -> list[Any]:
    values = {f.name: getattr(epoch, f.name) for f in fields(Epoch) if f.name != "epoch"}
    return _metrics(values, when, epoch.epoch)


def _of_run(run: Run, when: float) -> list[Any]:
    scores = {
        f"final_validation_{key}": getattr(run.validation, key)
        for key in ("accuracy", "macro_f1", "log_loss")
    }
    times = {key: getattr(run.timings, key) for key in ("fit_wall_s", "fit_cpu_s", "predict_us_per_image")}
    sizes = {"parameters": run.parameters, "model_bytes": run.model_bytes}
    return _metrics(scores | times | sizes, when, len(run.history))


def _metrics(values: dict[str, float | None], when: float, step: int) -> list[Any]:
    from mlflow.entities import Metric

    return [Metric(k, float(v), int(1000 * when), step) for k, v in values.items() if v is not None]


def _first_line(error: Exception) -> str:
    """What it says, without what is secret in an address."""
    return _public((str(error).splitlines() or [type(error).__name__])[0])[:200]


def _public(uri: str) -> str:
    """The address without what is secret in it."""
    return re.sub(r"//[^/@]*@", "//", uri)
