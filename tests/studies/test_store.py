import dataclasses
import json
import os
import stat

import numpy as np
import pytest

from handlens.errors import StoreError
from handlens.studies.plan import plan
from handlens.studies.run import load_model, run_study, run_trial


@pytest.fixture
def stored(small, digits, store):
    planned = plan(small, digits)[1]
    return run_trial(planned, digits, store), planned.trial.hash


def test_a_run_comes_back_equal(stored, store):
    run, name = stored
    assert store.hashes() == (name,)
    assert store.read(name) == run
    assert run.trial.hash == name


def test_a_run_folder_holds_what_the_design_says(stored, store):
    _, name = stored
    assert {p.name for p in store.folder(name).iterdir()} == {
        "run.json",
        "history.csv",
        "predictions.npz",
        "model",
    }


def test_nothing_unfinished_is_left(stored, store):
    assert [p.name for p in store.root.iterdir()] == [stored[1]]


def test_predictions_come_back(stored, store, digits):
    run, name = stored
    found = store.predictions(name)
    assert (found.test.argmax(1) == digits.test.labels).mean() == pytest.approx(run.test.accuracy)
    np.testing.assert_array_equal(digits.train.labels[found.validation_indices], found.validation_labels)


def test_a_run_is_found_by_the_beginning_of_its_name(stored, store):
    name = stored[1]
    assert store.find(name[:6]) == name
    assert store.read(store.find(str(store.folder(name)))).trial.hash == name
    with pytest.raises(StoreError, match="no run begins with 'zz'"):
        store.find("zz")


def test_several_runs_that_begin_alike(small, digits, store):
    run_study(small, digits, store)
    with pytest.raises(StoreError, match="6 runs begin with ''"):
        store.find("")


@pytest.mark.parametrize("damage", ["", "{", '{"format": 1}', "[1]"])
def test_a_damaged_record_is_said(stored, store, damage):
    path = store.folder(stored[1]) / "run.json"
    path.write_text(damage)
    with pytest.raises(StoreError) as caught:
        store.read(stored[1])
    assert str(path) in str(caught.value)
    assert "Remove the folder and run again" in str(caught.value)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", None, "short"])
def test_damaged_predictions_are_said(stored, store, damage):
    path = store.folder(stored[1]) / "predictions.npz"
    if damage is None:
        path.unlink()
    elif damage == "short":
        arrays = dict(np.load(path))
        np.savez(path, **(arrays | {"test": arrays["test"][:3]}))
    else:
        path.write_bytes(damage)
    with pytest.raises(StoreError, match="damaged"):
        store.predictions(stored[1])


def test_predictions_that_need_pickle_are_refused(stored, store):
    path = store.folder(stored[1]) / "predictions.npz"
    arrays = dict(np.load(path))
    np.savez(path, **(arrays | {"test": np.array([{"a": 1}], dtype=object)}))
    with pytest.raises(StoreError, match="damaged"):
        store.predictions(stored[1])


def test_a_model_of_foreign_types_is_refused(stored, store):
    from skops import io

    class_of_ours = dataclasses.make_dataclass("Foreign", [("x", int)])
    class_of_ours.__module__ = __name__
    globals()["Foreign"] = class_of_ours
    io.dump(class_of_ours(3), store.folder(stored[1]) / "model" / "estimator.skops")
    with pytest.raises(StoreError, match="types that are not scikit-learn's"):
        load_model(store, stored[1])


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("damage", ["empty", "gone", "cut"])
def test_a_damaged_model_is_said(small, digits, store, index, damage):
    planned = plan(small, digits)[index]
    run_trial(planned, digits, store)
    files = sorted((store.folder(planned.trial.hash) / "model").iterdir())
    largest = max(files, key=lambda p: p.stat().st_size)
    if damage == "gone":
        largest.unlink()
    else:
        data = largest.read_bytes()
        largest.write_bytes(b"" if damage == "empty" else data[: len(data) // 2])
    with pytest.raises(StoreError) as caught:
        load_model(store, planned.trial.hash)
    assert "\n" not in str(caught.value)


def test_the_same_run_twice_keeps_the_first(small, digits, store):
    planned = plan(small, digits)[0]
    first = run_trial(planned, digits, store)
    run_trial(planned, digits, store)
    assert store.read(planned.trial.hash) == first
    assert len(list(store.root.iterdir())) == 1


def test_a_folder_without_a_record_makes_way(small, digits, store):
    planned = plan(small, digits)[0]
    store.folder(planned.trial.hash).mkdir(parents=True)
    assert not store.has(planned.trial.hash)
    run_trial(planned, digits, store)
    assert store.has(planned.trial.hash)


def test_a_failure_while_saving_leaves_nothing(small, digits, store, monkeypatch):
    from handlens.engines.classic import ClassicModel

    def fail(_, folder):
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ClassicModel, "save", fail)
    with pytest.raises(StoreError, match="No space left on device"):
        run_trial(plan(small, digits)[0], digits, store)
    assert store.hashes() == ()
    assert list(store.root.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(small, digits, store):
    store.root.mkdir()
    store.root.chmod(stat.S_IREAD | stat.S_IEXEC)
    with pytest.raises(StoreError, match="cannot store the run"):
        run_trial(plan(small, digits)[0], digits, store)


def test_records_are_plain_json(stored, store):
    plain = json.loads((store.folder(stored[1]) / "run.json").read_text())
    assert plain["trial"]["recipe"]["estimator"] == "forest(n_estimators=5)"
