"""Worker processes: the same numbers as in turn, and whatever dies costs its own trial alone."""

import pytest
import trouble

from handlens.engines.scratch import ScratchEngine
from handlens.errors import StoreError
from handlens.spec import from_dict
from handlens.studies.planning.plan import plan, study
from handlens.studies.storage.store import Store
from handlens.studies.training import failures, jobs, process, workers
from handlens.studies.training.claims import claim, claimed
from handlens.studies.training.run import in_turn, run_study
from handlens.studies.training.trial import training
from handlens.studies.training.workers import as_fits, in_processes

NET = {"name": "net", "layers": ["Flatten()", "Dense(8, activation='relu')", "Dropout(0.2)"], "epochs": 2}


def nets(replicates=4, **fields):
    return study(name="s", dataset="d", recipes=[from_dict(NET | fields)], replicates=replicates)


def troubled(*names):
    """A study of recipes in trouble, see `trouble`, between good ones."""
    order = enumerate(("good", *names, "fine"))
    made = [from_dict(NET | {"name": name, "batch_size": 16 + i}) for i, name in order]
    return study(name="s", dataset="d", recipes=made, replicates=1)


@pytest.fixture
def trouble_in_workers(tmp_path, monkeypatch):
    monkeypatch.setenv("TROUBLE", str(tmp_path))
    monkeypatch.setattr(process, "_live", trouble.live)


@pytest.fixture
def trouble_here(tmp_path, monkeypatch):
    monkeypatch.setenv("TROUBLE", str(tmp_path))
    monkeypatch.setattr(ScratchEngine, "fit", trouble.fit)


def contents(store):
    """All that must not depend on who trained a run."""
    found = {}
    for hash in store.hashes():
        folder = store.folder(hash)
        paths = [path for path in folder.rglob("*") if path.suffix in (".npz", ".npy", ".safetensors")]
        found |= {path.relative_to(store.root): path.read_bytes() for path in paths}
        found[hash] = store.read(hash).validation
    return found


@pytest.fixture(scope="module")
def reference(digits, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("reference"))
    run_study(nets(), digits, store)
    return contents(store)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_as_many_workers_as_you_like_give_the_same_bytes(digits, store, reference, count):
    events = []
    found = run_study(nets(), digits, store, train=in_processes(count), on_event=events.append)
    assert contents(store) == reference
    assert found.failures == ()
    kinds = [event.kind for event in events]
    assert kinds.count("begun") == kinds.count("done") == 4
    assert kinds.count("epoch") == 8
    assert {run.timings.device for member in found.members for run in member.runs} == {"CPU, 1 core"}
    assert not list(store.root.glob(".unfinished-*"))
    again = []
    run_study(nets(), digits, store, train=in_processes(count), on_event=again.append)
    assert {event.kind for event in again} == {"kept"}


@pytest.mark.usefixtures("trouble_in_workers")
def test_what_goes_wrong_once_is_tried_again(digits, store):
    found = run_study(troubled("raise-1", "kill-1"), digits, store, train=in_processes(2))
    assert found.failures == ()
    assert len(store.hashes()) == 4
    assert trouble.attempts("raise-1") == trouble.attempts("kill-1") == 2
    assert not (store.root / "failed").exists()


SAID = {
    "raise-2": "ZeroDivisionError: nothing comes of it",
    "memory-2": "MemoryError",
    "exit-2": "SystemExit: 3",
    "leave-2": "the worker ended with status 3",
    "kill-2": "the worker was killed by signal 9 (SIGKILL; often: out of memory)",
}


@pytest.mark.usefixtures("trouble_in_workers")
def test_what_goes_wrong_twice_is_a_failure_of_its_own(digits, store):
    events, made = [], troubled(*SAID)
    found = run_study(made, digits, store, train=in_processes(2), on_event=events.append)
    assert sorted(row.model for row in found.rows) == ["fine", "good"]
    assert [e.job.planned.name for e in events if e.kind == "done"] == ["good", "fine"]
    assert {e.job.planned.name for e in events if e.kind == "failed"} == set(SAID)
    bad = [item for item in plan(made, digits) if item.name in SAID]
    for item, said in zip(bad, found.failures, strict=True):
        assert said.startswith(f"recipe '{item.name}', replicate 1: {SAID[item.name]}")
        assert trouble.attempts(item.name) == 2
        record = failures.read(store, item.trial.hash)
        assert (record.name, record.replicate) == (item.name, 1)
        assert SAID[item.name] in record.error
        how = item.name.removesuffix("-2")
        assert (f"in do_{how}" in record.traceback) is (how in ("raise", "memory", "exit"))
        assert not claimed(store.root, item.trial.hash)
    # The next time they are tried again, and are failures no more.
    assert run_study(made, digits, store, train=in_processes(2)).failures == ()
    assert not list((store.root / "failed").iterdir())


@pytest.mark.usefixtures("trouble_in_workers", "trouble_here")
@pytest.mark.parametrize("train", [in_turn, in_processes(1)])
def test_what_cannot_be_trained_is_not_tried_again(digits, store, train):
    found = run_study(troubled("refuse-9"), digits, store, train=train)
    assert "not these images" in found.failures[0]
    assert trouble.attempts("refuse-9") == 1
    (path,) = (store.root / "failed").iterdir()
    assert failures.read(store, path.stem).traceback == ""


@pytest.mark.usefixtures("trouble_here")
def test_in_turn_tries_again_too(digits, store):
    (said,) = run_study(troubled("raise-1", "raise-2", "memory-1"), digits, store).failures
    assert "recipe 'raise-2', replicate 1: ZeroDivisionError" in said
    (path,) = (store.root / "failed").iterdir()
    assert "in do_raise" in failures.read(store, path.stem).traceback


@pytest.mark.parametrize("train", [in_turn, in_processes(2)])
def test_who_is_told_may_raise_without_blame_for_the_trial(digits, store, train):
    def listener(event):
        if event.kind == "epoch":
            raise OSError("the listener's own trouble")

    with pytest.raises(OSError, match="listener"):
        run_study(nets(), digits, store, train=train, on_event=listener)
    assert not (store.root / "failed").exists()


@pytest.mark.parametrize("train", [in_turn, in_processes(2)])
def test_a_trial_that_is_claimed_elsewhere_is_waited_for(digits, store, tmp_path, train):
    """Its run, its failure, or the trial itself if the other process gives up."""
    made = nets(3)
    items = plan(made, digits)
    other = Store(tmp_path / "other")
    run_study(made, digits, other)
    events = []

    def listener(event):
        events.append((event.kind, event.job.number))
        if event.kind == "done" and event.job.number == 3:
            other.folder(items[0].trial.hash).rename(store.folder(items[0].trial.hash))
            claims[0].__exit__(None, None, None)
        if event.kind == "kept" and event.job.number == 1:
            claims[1].__exit__(None, None, None)

    store.root.mkdir()
    claims = [claim(store.root, item.trial.hash) for item in items[:2]]
    assert [c.__enter__() for c in claims] == [True, True]
    run_study(made, digits, store, train=train, on_event=listener)
    kinds = [event for event in events if event[0] not in ("epoch", "missing")]
    assert kinds == [("begun", 3), ("done", 3), ("kept", 1), ("begun", 2), ("done", 2)]


def test_a_failure_elsewhere_is_one_here(digits, store):
    made = nets(2)
    first = plan(made, digits)[0]
    store.root.mkdir()
    other = claim(store.root, first.trial.hash)
    assert other.__enter__()

    def listener(event):
        if event.kind == "done":
            failures.note(store, first, StoreError("it had no luck"))
            other.__exit__(None, None, None)

    found = run_study(made, digits, store, on_event=listener)
    assert found.failures == ("recipe 'net', replicate 1: it had no luck",)


def test_when_workers_are_the_default(monkeypatch, digits, store):
    used = []
    monkeypatch.setattr(workers, "cores", lambda: 3)
    monkeypatch.setattr(workers, "in_turn", lambda *args, **kwargs: used.append(1) or {})
    monkeypatch.setattr(workers, "in_processes", lambda n: lambda *args, **kwargs: used.append(n) or {})
    mixed = study(name="s", dataset="d", recipes=["dummy", from_dict(NET)], replicates=3)
    for made in (nets(2), nets(3), mixed):
        planned = plan(made, digits)
        todo = [jobs.Job(item, n, len(planned)) for n, item in enumerate(planned, 1)]
        as_fits(todo, training(digits), store)
    assert used == [1, 3, 1]


def test_a_disk_that_is_full_stops_all_workers(digits, store, monkeypatch):
    """The parent's own writing fails here; a full file system is in test_kill.py."""
    monkeypatch.setattr("handlens.studies.training.shared._write", full)
    with pytest.raises(StoreError, match="share the images") as caught:
        run_study(nets(), digits, store, train=in_processes(2))
    assert "No space left" in str(caught.value)
    assert not list(store.root.glob(".unfinished-*"))


def full(*_):
    raise OSError(28, "No space left on device")


def test_a_worker_that_cannot_be_started_is_one_line(digits, store, monkeypatch):
    monkeypatch.setattr(process, "_environment", full)
    with pytest.raises(Exception, match="cannot start a worker") as caught:
        run_study(nets(), digits, store, train=in_processes(2))
    assert "fewer --workers" in str(caught.value)
