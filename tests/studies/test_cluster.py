"""Studies on a real Ray cluster of several nodes on this machine, one of which is killed on the way."""

import contextlib
import dataclasses
import importlib.util
import os
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from handlens.data import ImageSet
from handlens.errors import HandlensError, MissingExtra, StoreError
from handlens.spec import from_dict
from handlens.studies.cluster import ray_link
from handlens.studies.cluster.cluster import _Parent, on_ray
from handlens.studies.cluster.ray_task import shareable
from handlens.studies.planning.plan import plan, study
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import claim, claimed
from handlens.studies.training.failures import read as read_failure
from handlens.studies.training.run import Job, in_turn, run_study
from handlens.studies.training.trial import Training, training

ray = pytest.importorskip("ray", reason="Ray is not installed (extra ray)")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "HANDLENS_SOAK" not in os.environ, reason="a cluster of several nodes takes minutes: make soak"
    ),
]

MEMORY = 80 * 2**20  # bytes of each node's object store: about the least that Ray takes
# A node that is silent for one to two seconds is taken for dead.
HEALTH = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}


def net(name, epochs, **changes):
    table = {"name": name, "layers": ["Flatten()", "Dense(64, activation='relu')"], "epochs": epochs}
    return from_dict(table | {"optimizer": "SGD(0.1)", "batch_size": 16} | changes)


def jobs_of(digits, *recipes, replicates=1):
    planned = plan(study(name="s", dataset="d", recipes=recipes, replicates=replicates), digits)
    return [Job(item, number, len(planned)) for number, item in enumerate(planned, 1)]


def assert_same_runs(found, expected):
    """Predictions and weights are the same, byte by byte, and there is nothing else."""
    assert found.hashes() == found.names() == expected.hashes()
    assert not list(found.root.glob(".*"))
    for hash in expected.hashes():
        found.model(hash)
        for name in ("predictions.npz", "model/weights.safetensors", "model/network.json"):
            assert (found.folder(hash) / name).read_bytes() == (expected.folder(hash) / name).read_bytes()


@pytest.fixture(scope="module")
def bucket():
    """The address of a bucket of a real S3 server on this machine; None where there is none to be had."""
    if any(importlib.util.find_spec(name) is None for name in ("moto", "flask", "s3fs")):
        yield None
        return
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        # Of the nodes as well: they are started by this process.
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs

        s3fs.S3FileSystem().mkdir("studies")
        yield "s3://studies/runs"
    server.stop()


@pytest.fixture(scope="module")
def cluster(request):
    request.getfixturevalue("bucket")  # first, so that the nodes know how to reach it
    from ray.cluster_utils import Cluster

    head = {
        "num_cpus": 0,
        "object_store_memory": MEMORY,
        "include_dashboard": False,
        "_system_config": HEALTH,
    }
    made = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(3):
            made.add_node(num_cpus=1, object_store_memory=MEMORY)
        session = made.head_node.get_session_dir_path()
        yield made
    finally:
        ray.shutdown()
        made.shutdown()
    deadline = time.monotonic() + 15
    while (left := processes(session)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def processes(word):
    """Command lines of running processes that have `word` in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found += [line] if word in line else []
    return found


@pytest.fixture(scope="module")
def attached(cluster):
    """The cluster, with this process connected to it: workers then live from test to test."""
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster.address
    ray.shutdown()


def test_a_node_is_killed_and_every_run_is_there(cluster, digits, tmp_path, capfd, monkeypatch):
    made = study(name="s", dataset="d", recipes=[net("a", 300), net("b", 301)], replicates=3)
    expected, store, events, crashes = Store(tmp_path / "expected"), Store(tmp_path / "runs"), [], []
    reference = run_study(made, digits, expected)
    doomed = next(iter(cluster.worker_nodes))
    start = _Parent._start
    monkeypatch.setattr(
        _Parent, "_start", lambda self, sent: (crashes.append(sent.crashes), start(self, sent))
    )

    def note(event):
        events.append(event)
        busy = sum({"begun": 1, "done": -1}.get(e.kind, 0) for e in events)
        # With a trial on each of the three nodes, whichever dies takes one along.
        if event.kind == "epoch" and busy == 3 and doomed in cluster.worker_nodes:
            cluster.remove_node(doomed, allow_graceful=False)

    result = run_study(made, digits, store, on_event=note, train=on_ray(cluster.address))
    assert doomed not in cluster.worker_nodes
    assert not ray.is_initialized()
    assert sorted(crashes) == [0] * 6 + [1]
    assert result.failures == ()
    assert [row.validation for row in result.rows] == [row.validation for row in reference.rows]
    assert [row.test for row in result.rows] == [row.test for row in reference.rows]
    assert_same_runs(store, expected)
    for number in range(1, 7):
        kinds = [event.kind for event in events if event.job.number == number]
        assert (kinds[:2], kinds[-1]) == (["missing", "begun"], "done")
        assert kinds.count("done") == 1
    assert "raylet" not in "".join(capfd.readouterr())


def test_a_trial_that_fails_leaves_the_others_alone(attached, digits, tmp_path):
    bad = from_dict({"name": "bad", "estimator": "forest(n_estimators=-1)"})
    jobs = jobs_of(digits, bad, net("good", 2), replicates=2)
    store, events = Store(tmp_path / "runs"), []
    failures = on_ray(attached)(jobs, training(digits), store, on_event=events.append)
    expected = in_turn(jobs, training(digits), Store(tmp_path / "expected"))
    assert {n: str(e) for n, e in failures.items()} == {n: str(e) for n, e in expected.items()}
    assert sorted(failures) == [1, 3]
    assert sorted((e.kind, e.job.number) for e in events if e.kind in ("done", "failed")) == [
        ("done", 2),
        ("done", 4),
        ("failed", 1),
        ("failed", 3),
    ]
    assert_same_runs(store, Store(tmp_path / "expected"))
    assert ray.is_initialized()  # the connection was not ours to end


def test_an_exception_is_tried_once_more_and_recorded_with_its_traceback(attached, digits, tmp_path):
    jobs = jobs_of(digits, net("bad", 2), net("good", 3))
    jobs[0] = dataclasses.replace(jobs[0], planned=dataclasses.replace(jobs[0].planned, recipe=None))
    store, events = Store(tmp_path / "runs"), []
    failures = on_ray(attached)(jobs, training(digits), store, on_event=events.append)
    assert list(failures) == [1]
    assert str(failures[1]).startswith("AttributeError: ")
    assert "\n" not in str(failures[1])
    noted = read_failure(store, jobs[0].planned.trial.hash)
    assert noted.error == str(failures[1])
    assert "in train_here" in noted.traceback
    assert [e.kind for e in events if e.job.number == 1] == ["begun", "begun", "failed"]
    assert store.hashes() == (jobs[1].planned.trial.hash,)


def test_a_worker_that_always_dies_costs_its_own_trial(attached, digits, tmp_path):
    jobs = jobs_of(digits, net("good", 2), net("deadly", 3))

    class Deadly:
        """Ends whatever process opens it."""

        def __reduce__(self):
            return os._exit, (1,)

    deadly = dataclasses.replace(jobs[1].planned, family=Deadly())
    events, jobs = [], [jobs[0], Job(deadly, 2, 2)]
    failures = on_ray(attached)(jobs, training(digits), Store(tmp_path / "runs"), on_event=events.append)
    assert list(failures) == [2]
    assert str(failures[2]).startswith("WorkerCrashedError: ")
    assert "\n" not in str(failures[2])
    assert sum((e.kind, e.job.number) == ("failed", 2) for e in events) == 1
    assert Store(tmp_path / "runs").hashes() == (jobs[0].planned.trial.hash,)


def test_what_another_process_trains_is_waited_for(attached, digits, tmp_path):
    jobs = jobs_of(digits, net("a", 2), net("b", 3))
    store, expected, events = Store(tmp_path / "runs"), Store(tmp_path / "expected"), []
    in_turn(jobs, training(digits), expected)
    theirs = jobs[0].planned.trial.hash

    def note(event):
        events.append(event)
        if event.kind == "done":  # ours is done: now the other one finishes theirs
            shutil.copytree(expected.folder(theirs), store.folder(theirs))
            other.close()

    with contextlib.ExitStack() as other:
        assert other.enter_context(claim(store.root, theirs))
        assert on_ray(attached)(jobs, training(digits), store, on_event=note) == {}
    assert [(e.kind, e.job.number) for e in events if e.kind != "epoch"] == [
        ("begun", 2),
        ("done", 2),
        ("kept", 1),
    ]
    assert_same_runs(store, expected)


def test_code_of_another_version_is_refused(attached, digits, tmp_path):
    [job] = jobs_of(digits, net("good", 2))
    old = dataclasses.replace(job.planned, trial=dataclasses.replace(job.planned.trial, numerics="scratch-0"))
    failures = on_ray(attached)(
        [dataclasses.replace(job, planned=old)], training(digits), Store(tmp_path / "r")
    )
    assert "scratch-0" in str(failures[1])
    assert "same versions on every machine" in str(failures[1])


@pytest.mark.parametrize("kind", ["folder", "file", "s3"])
def test_results_by_way_of_an_address(attached, bucket, digits, tmp_path, kind):
    address = {"folder": str(tmp_path / "shelf"), "file": f"file://{tmp_path}/shelf", "s3": bucket}[kind]
    if address is None:
        pytest.skip("no S3 server: moto[server] and s3fs are not installed")
    jobs = jobs_of(digits, net("a", 2), net("b", 3))
    expected, first, second = (Store(tmp_path / name) for name in ("expected", "first", "second"))
    assert in_turn(jobs, training(digits), expected) == {}
    train = on_ray(attached, results=address)
    assert train(jobs, training(digits), first) == {}
    assert_same_runs(first, expected)

    # The first parcel is damaged: that trial is trained again. The other one is taken as it lies there.
    import fsspec

    files, root = fsspec.core.url_to_fs(address)
    damaged, whole = (job.planned.trial.hash for job in jobs)
    files.pipe_file(f"{root}/{damaged}.zip", b"PK" + bytes(1000))
    assert train(jobs, training(digits), second) == {}
    assert_same_runs(second, expected)
    assert second.read(whole) == first.read(whole)
    assert second.read(damaged).timings != first.read(damaged).timings


def test_a_store_that_cannot_be_written_stops_all(attached, digits, tmp_path):
    store = Store(tmp_path / "runs")

    def spoil(event):
        if event.kind == "begun" and store.root.is_dir():
            shutil.rmtree(store.root)
            store.root.write_text("a file where the folder should be")

    # The first one may be stored before it is said to have begun; the second one then cannot be.
    jobs = jobs_of(digits, net("a", 2), net("b", 3), net("long", 100_000))
    with pytest.raises(StoreError, match="cannot store the run"):
        on_ray(attached)(jobs, training(digits), store, on_event=spoil)
    assert idle()


def test_control_c_keeps_what_is_finished_and_cancels_the_rest(attached, digits, tmp_path):
    jobs = jobs_of(digits, net("quick", 2), *(net(f"long{n}", 100_000 + n) for n in range(4)))
    store, events = Store(tmp_path / "runs"), []

    def note(event):
        events.append(event)
        if event.kind == "done":
            raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        on_ray(attached)(jobs, training(digits), store, on_event=note)
    assert time.monotonic() - begin < 30
    assert store.names() == (jobs[0].planned.trial.hash,)
    assert not any(claimed(store.root, job.planned.trial.hash) for job in jobs)
    assert idle()


def idle(seconds=15):
    """Whether all processor cores of the cluster come free in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ray.available_resources().get("CPU") == ray.cluster_resources()["CPU"]:
            return True
        time.sleep(0.2)
    return False


@pytest.mark.usefixtures("attached")
def test_images_are_shared_and_not_copied(tmp_path):
    images = np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (20_000, 28, 28, 1))
    data = Training("d", ImageSet(images, np.zeros(20_000, np.int64), ("a", "b")))
    sent = ray.put(shareable(data))

    @ray.remote(num_cpus=1)
    def flags(data):
        return [(a.flags.owndata, a.flags.writeable) for a in (data.images.images, data.images.labels)]

    # Arrays that own no memory and cannot be written: views of the node's object store.
    assert ray.get([flags.remote(sent) for _ in range(4)]) == [[(False, False)] * 2] * 4


def test_nothing_to_train_needs_no_cluster(tmp_path):
    data = Training("d", ImageSet(np.zeros((1, 2, 2, 1), np.uint8), np.zeros(1, np.int64), ("a",)))
    assert on_ray("local")([], data, Store(tmp_path / "runs")) == {}


def test_without_ray_there_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match="ray is not installed") as caught:
        on_ray()
    assert "handlens[ray]" in str(caught.value)


@contextlib.contextmanager
def listening(answer):
    """A server on this machine that sends `answer` to whoever connects; None: it accepts and stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                link, _ = server.accept()
                with link:
                    if answer is None:
                        link.recv(1000)
                        link.recv(1000)
                    else:
                        link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_something_else_at_the_address_is_one_line_soon(monkeypatch, answer):
    monkeypatch.setattr(ray_link, "PATIENCE", 0.5)
    begin = time.monotonic()
    with listening(answer) as address, pytest.raises(HandlensError) as caught:
        on_ray(address)
    assert str(caught.value).startswith(f"{address}: the Ray cluster cannot be reached (")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "no-such-host.invalid:6379"])
def test_nobody_at_the_address_is_one_line_soon(address):
    begin = time.monotonic()
    with pytest.raises(HandlensError, match="the Ray cluster cannot be reached") as caught:
        on_ray(address)
    assert str(caught.value).startswith(address)
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("address", ["", "http://x:1", "host:port", "host:99999", ":6379"])
def test_what_is_no_address_is_one_line(address):
    with pytest.raises(HandlensError, match="no address of a Ray cluster; expected host:port"):
        on_ray(address)


def test_the_environment_names_the_address(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    for address in (None, "auto"):
        with pytest.raises(HandlensError, match=r"127\.0\.0\.1:1: the Ray cluster cannot be reached"):
            on_ray(address)
    on_ray("local")
