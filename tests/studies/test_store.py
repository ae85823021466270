import dataclasses
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

from handlens.errors import StoreError
from handlens.studies.planning.plan import plan
from handlens.studies.storage import disk, manifest
from handlens.studies.training.run import run_study
from handlens.studies.training.trial import load_model, open_test, train_trial, training


def train(planned, digits, store):
    return train_trial(planned, training(digits), store)


@pytest.fixture
def stored(small, digits, store):
    planned = plan(small, digits)[1]
    return train(planned, digits, store), planned.trial.hash


def relist(folder):
    """Make the list of files anew, as somebody would who changes a run on purpose."""
    (folder / "files.json").unlink()
    manifest.write(folder)


def test_a_run_comes_back_equal(stored, store):
    run, name = stored
    assert store.hashes() == store.names() == (name,)
    assert store.read(name) == run
    assert run.trial.hash == name


def test_a_run_folder_holds_what_the_design_says(stored, store, digits):
    name = stored[1]
    files = {"run.json", "history.csv", "predictions.npz", "correct.npy", "files.json"}
    assert {p.name for p in store.folder(name).iterdir()} == files | {"model"}
    open_test(name, digits.test, store)
    assert {p.name for p in store.folder(name).iterdir()} == files | {"model", "test"}
    assert {p.name for p in (store.folder(name) / "test").iterdir()} == {
        "look.json",
        "predictions.npz",
        "correct.npy",
        "files.json",
    }


def test_the_list_of_files_says_what_sha256sum_says(stored, store):
    folder = store.folder(stored[1])
    listed = json.loads((folder / "files.json").read_text())["files"]
    assert set(listed) == {p.relative_to(folder).as_posix() for p in disk.files(folder)} - {"files.json"}
    for name, facts in listed.items():
        assert facts["bytes"] == (folder / name).stat().st_size
        if shutil.which("sha256sum"):
            said = subprocess.run(["sha256sum", folder / name], capture_output=True, text=True, check=True)
            assert said.stdout.split()[0] == facts["sha256"]


def test_nothing_unfinished_is_left(stored, store, digits):
    open_test(stored[1], digits.test, store)
    assert not list(store.root.glob(".*"))
    assert store.names() == (stored[1],)


def test_predictions_come_back(stored, store, digits):
    run, name = stored
    found = store.predictions(name)
    assert (found.probabilities.argmax(1) == found.labels).mean() == pytest.approx(run.validation.accuracy)
    np.testing.assert_array_equal(digits.train.labels[found.indices], found.labels)
    np.testing.assert_array_equal(store.right(name), found.probabilities.argmax(1) == found.labels)


def test_a_look_comes_back(stored, store, digits):
    name = stored[1]
    assert not store.opened(name)
    with pytest.raises(StoreError, match="missing"):
        store.tested(name)
    open_test(name, digits.test, store)
    tested = store.tested(name)
    assert store.opened(name)
    assert tested.look == store.look(name)
    np.testing.assert_array_equal(tested.labels, digits.test.labels)
    right = tested.probabilities.argmax(1) == tested.labels
    np.testing.assert_array_equal(store.right(name, test=True), right)
    assert right.mean() == pytest.approx(tested.look.scores.accuracy)


def test_looks_are_counted_by_test_set_and_configuration(small, digits, store):
    planned = plan(small, digits)
    for item in planned:
        train(item, digits, store)
        open_test(item.trial.hash, digits.test, store)
        open_test(item.trial.hash, digits.test, store)  # once is enough
    looks = store.looks(digits.test.digest())
    assert (looks.runs, looks.configurations) == (6, 3)
    assert store.looks("0" * 64).runs == 0


def test_a_run_is_found_by_the_beginning_of_its_name(stored, store):
    name = stored[1]
    assert store.find(name[:6]) == name
    assert store.find(str(store.folder(name))) == name
    with pytest.raises(StoreError, match="no run begins with 'zz'"):
        store.find("zz")


def test_a_run_elsewhere_is_found_by_its_path(stored, store, tmp_path):
    shutil.copytree(store.folder(stored[1]), tmp_path / "my favourite")
    assert store.read(store.find(str(tmp_path / "my favourite"))) == stored[0]


def test_several_runs_that_begin_alike(small, digits, store):
    run_study(small, digits, store)
    with pytest.raises(StoreError, match="6 runs begin with ''"):
        store.find("")


def test_a_run_that_is_not_there(store):
    with pytest.raises(StoreError, match="no such run"):
        store.read("0" * 20)


def test_a_run_under_another_name_is_not_taken_for_it(stored, store):
    other = "0" * 20
    store.folder(stored[1]).rename(store.folder(other))
    with pytest.raises(StoreError, match=f"is the record of run {stored[1]}"):
        store.read(other)


@pytest.mark.parametrize("forged", [False, True])
@pytest.mark.parametrize("damage", ["", "{", '{"format": 1}', "[1]"])
def test_a_damaged_record_is_said(stored, store, damage, forged):
    path = store.folder(stored[1]) / "run.json"
    path.write_text(damage)
    if forged:
        relist(path.parent)
    with pytest.raises(StoreError) as caught:
        store.read(stored[1])
    assert str(path) in str(caught.value)
    assert f"handlens runs verify {stored[1][:8]} --remove" in str(caught.value)


@pytest.mark.parametrize("forged", [False, True])
@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", None, "short", "objects", "text"])
def test_damaged_predictions_are_said(stored, store, damage, forged):
    path = store.folder(stored[1]) / "predictions.npz"
    arrays = dict(np.load(path))
    if damage is None:
        path.unlink()
    elif isinstance(damage, bytes):
        path.write_bytes(damage)
    else:
        made = {"short": arrays["probabilities"][:3], "objects": np.array([{}]), "text": arrays["labels"] > 0}
        np.savez(path, **(arrays | {"probabilities": made[damage]}))
    if forged:
        relist(path.parent)
    with pytest.raises(StoreError, match=r"predictions\.npz: .*handlens runs verify"):
        store.predictions(stored[1])


@pytest.mark.parametrize("array", [np.zeros(4), np.zeros((2, 2), bool), None])
def test_marks_that_are_none(stored, store, array):
    path = store.folder(stored[1]) / "correct.npy"
    if array is None:
        path.write_bytes(b"\x93NUMPY\x01\x00")
    else:
        np.save(path, array)
    relist(path.parent)
    with pytest.raises(StoreError, match=r"correct\.npy"):
        store.right(stored[1])


FORGED_LISTS = [
    "{}",
    "[]",
    '{"files": 3}',
    '{"files": {"../x": {"sha256": "%s", "bytes": 1}}}' % ("0" * 64),
    '{"files": {"/etc/x": {"sha256": "%s", "bytes": 1}}}' % ("0" * 64),
    '{"files": {"run.json": {"sha256": "0", "bytes": 1}}}',
    '{"files": {"run.json": {"sha256": "%s", "bytes": -1}}}' % ("0" * 64),
    '{"files": {"run.json": {}}}',
]


@pytest.mark.parametrize("text", FORGED_LISTS)
def test_a_list_that_somebody_made_up(stored, store, text):
    import hashlib

    body = (text[:-1] + (", " if len(text) > 2 else "") + "\n").encode()
    last = manifest.LAST % hashlib.sha256(body).hexdigest()
    (store.folder(stored[1]) / "files.json").write_bytes(body + last.encode())
    with pytest.raises(StoreError, match=r"files\.json"):
        store.read(stored[1])


def test_a_model_of_foreign_types_is_refused(stored, store):
    from skops import io

    class_of_ours = dataclasses.make_dataclass("Foreign", [("x", int)])
    class_of_ours.__module__ = __name__
    globals()["Foreign"] = class_of_ours
    io.dump(class_of_ours(3), store.folder(stored[1]) / "model" / "estimator.skops")
    relist(store.folder(stored[1]))
    with pytest.raises(StoreError, match="types that are not scikit-learn's"):
        load_model(store, stored[1])


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("damage", ["empty", "gone", "cut"])
@pytest.mark.parametrize("forged", [False, True])
def test_a_damaged_model_is_said(small, digits, store, index, damage, forged):
    planned = plan(small, digits)[index]
    train(planned, digits, store)
    files = sorted((store.folder(planned.trial.hash) / "model").iterdir())
    largest = max(files, key=lambda p: p.stat().st_size)
    if damage == "gone":
        largest.unlink()
    else:
        data = largest.read_bytes()
        largest.write_bytes(b"" if damage == "empty" else data[: len(data) // 2])
    if forged:
        relist(store.folder(planned.trial.hash))
    else:
        with pytest.raises(StoreError, match=largest.name):
            store.model(planned.trial.hash)
    with pytest.raises(StoreError) as caught:
        load_model(store, planned.trial.hash)
    assert "\n" not in str(caught.value)


def test_the_same_run_twice_keeps_the_first(small, digits, store):
    planned = plan(small, digits)[0]
    first = train(planned, digits, store)
    train(planned, digits, store)
    assert store.read(planned.trial.hash) == first
    assert not list(store.root.glob(".*"))


@pytest.mark.parametrize("left", [[], ["model/weights"], ["predictions.npz", "notes.txt"]])
def test_a_folder_without_a_record_makes_way(small, digits, store, left):
    planned = plan(small, digits)[0]
    folder = store.folder(planned.trial.hash)
    folder.mkdir(parents=True)
    for name in left:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("left by a crash")
    assert not store.has(planned.trial.hash)
    assert store.names() == (planned.trial.hash,)
    train(planned, digits, store)
    assert store.has(planned.trial.hash)
    assert not any((folder / name).is_file() for name in left if name != "predictions.npz")
    assert store.names() == (planned.trial.hash,)
    assert not list(store.root.glob(".*"))


def test_a_run_that_another_process_finishes_in_between_stays(small, digits, store, monkeypatch):
    """Between the look at a folder without a record and moving it aside, its record comes."""
    planned = plan(small, digits)[0]
    folder = store.folder(planned.trial.hash)
    folder.mkdir(parents=True)
    (folder / "left").write_text("by a crash")
    rename = Path.rename

    def late(self, target):
        if self == folder:
            (folder / "run.json").write_text("of the other process")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    train(planned, digits, store)
    assert (folder / "run.json").read_text() == "of the other process"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(small, digits, store):
    store.root.mkdir()
    store.root.chmod(stat.S_IREAD | stat.S_IEXEC)
    with pytest.raises(StoreError, match="cannot store the run"):
        train(plan(small, digits)[0], digits, store)


def test_records_are_plain_json(stored, store):
    plain = json.loads((store.folder(stored[1]) / "run.json").read_text())
    assert plain["trial"]["recipe"]["estimator"] == "forest(n_estimators=5)"
