"""Against a real tracking server with SQLite, in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from pathlib import Path

import pytest

from handlens.errors import MissingExtra, StoreError
from handlens.spec import from_dict
from handlens.studies.planning.plan import study
from handlens.studies.search.search import read_search, search
from handlens.studies.training.run import run_study
from handlens.studies.training.track import mlflow_events

pytest.importorskip("mlflow")

pytestmark = pytest.mark.slow


def start(folder):
    """A server on a free loopback port; its process and address."""
    pytest.importorskip("mlflow.server", reason="needs the whole of mlflow, which has the server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    words += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    words += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = (folder / "server.log").open("wb")
    # A session of its own: the server has children.
    process = subprocess.Popen(
        words, stdout=log, stderr=log, env=os.environ | quiet, cwd=folder, start_new_session=True
    )
    log.close()
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return process, address
        except OSError:
            assert process.poll() is None, (folder / "server.log").read_text()
            time.sleep(0.2)
    raise AssertionError("the server does not start")


def stop(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    process, address = start(tmp_path_factory.mktemp("mlflow"))
    yield address
    stop(process)


@pytest.fixture
def client(server):
    from mlflow import MlflowClient

    return MlflowClient(server, server)


def runs_of(client, name):
    experiment = client.get_experiment_by_name(name)
    return {run.data.tags["handlens.trial"]: run for run in client.search_runs([experiment.experiment_id])}


def of(name, *recipes):
    net = {"name": "net", "layers": ["Flatten()", "Dense(8, activation='relu')"], "epochs": 2}
    recipes = recipes or (
        net | {"optimizer": "SGD(0.3)"},
        {"name": "trees", "estimator": "forest(n_estimators=3)"},
    )
    return study(name=name, dataset="digits-test", recipes=[from_dict(r) for r in recipes], replicates=2)


def test_a_study_is_on_the_server(server, client, digits, store):
    asked = of("whole")
    with mlflow_events(server, asked, store) as on_event:
        result = run_study(asked, digits, store, on_event=on_event)
    found = runs_of(client, "whole")
    assert set(found) == set(store.hashes())
    for member in result.members:
        for replicate, run in enumerate(member.runs, 1):
            seen = found[run.trial.hash]
            assert seen.info.status == "FINISHED"
            assert seen.info.run_name == f"{member.name} replicate {replicate}"
            assert seen.data.params["seed"] == str(run.trial.seed)
            assert seen.data.metrics["final_validation_accuracy"] == pytest.approx(run.validation.accuracy)
            history = client.get_metric_history(seen.info.run_id, "validation_accuracy")
            assert [(m.step, m.value) for m in history] == [
                (e.epoch, pytest.approx(e.validation_accuracy)) for e in run.history
            ]
            names = {file.path for file in client.list_artifacts(seen.info.run_id)}
            assert names == {"run.json", "history.csv", "model"}
            folder = client.download_artifacts(seen.info.run_id, "run.json")
            assert Path(folder).read_text() == (store.folder(run.trial.hash) / "run.json").read_text()
            assert len(client.list_artifacts(seen.info.run_id, "model")) >= 2
    net = next(run for run in found.values() if run.data.tags["handlens.recipe"] == "net")
    assert net.data.params["optimizer.learning_rate"] == "0.3"
    assert net.data.params["epochs"] == "2"

    with mlflow_events(server, asked, store) as on_event:
        run_study(asked, digits, store, on_event=on_event)
    assert {h: r.info.run_id for h, r in runs_of(client, "whole").items()} == {
        h: r.info.run_id for h, r in found.items()
    }


def test_runs_from_before_are_sent_later(server, client, digits, store):
    asked = of("late")
    run_study(asked, digits, store)
    with mlflow_events(server, asked, store) as on_event:
        run_study(asked, digits, store, on_event=on_event)
    found = runs_of(client, "late")
    assert set(found) == set(store.hashes())
    assert {run.info.status for run in found.values()} == {"FINISHED"}


def test_events_of_several_workers_at_once(server, client, digits, store):
    asked, recorded = of("mixed"), {}
    run_study(asked, digits, store, on_event=lambda e: recorded.setdefault(e.job.number, []).append(e))
    streams = [list(events) for events in recorded.values()]
    with mlflow_events(server, asked, store) as on_event:
        while any(streams):
            for stream in streams:
                if stream:
                    on_event(stream.pop(0))
    found = runs_of(client, "mixed")
    assert set(found) == set(store.hashes())
    for hash, run in found.items():
        assert run.info.status == "FINISHED"
        assert len(client.get_metric_history(run.info.run_id, "loss")) == len(store.read(hash).history)


def test_failed_and_broken_off(server, client, digits, store):
    asked = of(
        "bad",
        {"name": "wild", "layers": ["Flatten()", "Dense(8)"], "optimizer": "SGD(1e30)"},
        {"name": "d", "estimator": "dummy"},
    )
    with mlflow_events(server, asked, store) as on_event:
        run_study(asked, digits, store, on_event=on_event)
    states = sorted(
        (run.data.tags["handlens.recipe"], run.info.status) for run in runs_of(client, "bad").values()
    )
    assert states == [("d", "FINISHED")] * 2 + [("wild", "FAILED")] * 2

    asked = of("broken")

    def interrupted(event):
        on_event(event)
        if event.kind == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), mlflow_events(server, asked, store) as on_event:
        run_study(asked, digits, store, on_event=interrupted)
    assert {run.info.status for run in runs_of(client, "broken").values()} == {"KILLED"}
    with mlflow_events(server, asked, store) as on_event:
        run_study(asked, digits, store, on_event=on_event)
    experiment = client.get_experiment_by_name("broken")
    found = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in found] == ["FINISHED"] * 4


def test_a_search(server, client, digits, store):
    pytest.importorskip("optuna")
    asked = of("searched", {"name": "net", "layers": ["Flatten()", "Dense(8)"], "epochs": 2})
    table = {
        "space": {"optimizer.learning_rate": [1e-6, 0.1, 0.3]},
        "sampler": "grid",
        "pruner": "threshold(lower=0.3)",
    }
    with mlflow_events(server, asked, store) as on_event:
        found = search(asked, read_search(table, asked), digits, store, on_event=on_event)
    states = sorted(run.info.status for run in runs_of(client, "searched").values())
    words = {"done": "FINISHED", "pruned": "KILLED"}
    assert states == sorted(words[tried.state] for tried in found.tried)
    assert "KILLED" in states


def test_a_server_that_goes_away(digits, store, tmp_path):
    """Killed in the middle: one warning, the study is whole, and no event waits for the server."""
    process, address = start(tmp_path)
    asked, waited = of("away"), []
    try:
        with warnings.catch_warnings(record=True) as seen, mlflow_events(address, asked, store) as on_event:
            warnings.simplefilter("always")

            def timed(event):
                if event.kind == "epoch" and process.poll() is None:
                    stop(process)
                begin = time.perf_counter()
                on_event(event)
                waited.append(time.perf_counter() - begin)

            result = run_study(asked, digits, store, on_event=timed)
    finally:
        if process.poll() is None:
            stop(process)
    assert ["the study goes on" in str(w.message) for w in seen] == [True]
    assert len(store.hashes()) == 4
    assert len(result.members) == 2
    assert max(waited) < 1  # seconds


def test_no_server_is_one_line_before_anything(store):
    begin = time.perf_counter()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, and not listening: whoever connects is refused
        address = f"http://user:secret@127.0.0.1:{free.getsockname()[1]}"
        with (
            pytest.raises(StoreError, match="MLflow cannot be reached") as caught,
            mlflow_events(address, of("none"), store),
        ):
            raise AssertionError("never entered")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert time.perf_counter() - begin < 30
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


def test_something_else_answers(store):
    import http.server

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        do_POST = do_GET

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with (
            pytest.raises(StoreError, match="MLflow cannot be reached"),
            mlflow_events(f"http://127.0.0.1:{server.server_port}", of("none"), store),
        ):
            pass
        server.shutdown()


def test_without_mlflow(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with (
        pytest.raises(MissingExtra, match=r"handlens\[mlflow\]"),
        mlflow_events("http://x", of("none"), store),
    ):
        pass
