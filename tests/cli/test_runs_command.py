"""`handlens runs` and `handlens compare` over run folders, whole and damaged."""

import subprocess
import sys

import numpy as np
import pytest

from handlens.data import Dataset, ImageSet
from handlens.spec import from_dict
from handlens.studies.planning.plan import plan, study
from handlens.studies.storage.store import Store
from handlens.studies.training.run import gather, run_study
from handlens.studies.training.trial import open_test, train_trial, training


def images(n, seed):
    draw = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 3
    pixels = np.clip(draw.normal(60 + 40 * labels[:, None, None, None], 50, (n, 6, 6, 1)), 0, 255)
    return ImageSet(pixels.astype(np.uint8), labels, ("a", "b", "c"))


@pytest.fixture
def runs(tmp_path):
    """A store in the command's folder: two recipes twice; the test images opened for one of them."""
    recipes = [
        from_dict({"name": "trees", "estimator": "forest(n_estimators=3)"}),
        from_dict({"name": "trees-5", "estimator": "forest(n_estimators=5)"}),
    ]
    made = study(name="s", dataset="shades", recipes=recipes, replicates=2)
    data = Dataset("shades", images(200, 0), images(100, 1), notes=("made for a test",))
    store = Store(tmp_path / "runs")
    for item in plan(made, data):
        train_trial(item, training(data), store, command="handlens run s.toml")
        if item.name == "trees":
            open_test(item.trial.hash, data.test, store)
    return store, made, data


def test_an_empty_folder(handlens):
    assert handlens("runs", "list").out.strip() == "no runs in runs"
    assert handlens("runs", "list", "--json").json == []
    assert handlens("runs", "verify").status == 0


def test_list(handlens, runs):
    store = runs[0]
    shown = handlens("runs", "list")
    assert shown.status == 0
    for hash in store.hashes():
        assert hash[:8] in shown.out
    assert "4 runs" in shown.out
    lines = handlens("runs", "list", "--json").json
    assert {line["run"] for line in lines} == set(store.hashes())
    assert [line["finished"] for line in lines] == sorted(line["finished"] for line in lines)
    for line in lines:
        run = store.read(line["run"])
        assert line["recipe"] == run.name
        assert line["seed"] == run.trial.seed
        assert line["validation_accuracy"] == run.validation.accuracy
        assert line["test"] == ("opened" if store.opened(line["run"]) else "sealed")
        assert line["bytes"] == sum(
            p.stat().st_size for p in store.folder(line["run"]).rglob("*") if p.is_file()
        )
    assert handlens("runs", "list", "-q").out.split() == [line["run"] for line in lines]


def test_a_damaged_run_is_left_out_of_the_list_and_named(handlens, runs):
    hash = runs[0].hashes()[0]
    (runs[0].folder(hash) / "run.json").write_text("{}")
    done = handlens("runs", "list")
    assert done.status == 0
    assert f"left out: runs/{hash}/run.json" in done.err
    assert "3 runs" in done.out


def test_show(handlens, runs):
    store = runs[0]
    for hash in store.hashes():
        run = store.read(hash)
        shown = handlens("runs", "show", hash[:10])
        assert shown.status == 0
        for word in (
            hash,
            run.name,
            "made for a test",
            "handlens run s.toml",
            "model/estimator.skops",
            "numpy",
        ):
            assert word in shown.out
        assert ("sealed" in shown.out) is not store.opened(hash)
        plain = handlens("runs", "show", hash, "--json").json
        assert plain["trial"]["seed"] == run.trial.seed
        assert plain["notes"] == ["made for a test"]
        assert (plain["look"] is not None) is store.opened(hash)
        assert set(plain["files"]) >= {"run.json", "files.json", "model/model.json"}
    assert "no run begins with 'nope'" in handlens("runs", "show", "nope").err


def test_remove_asks(handlens, runs, monkeypatch):
    import io

    store = runs[0]
    first, second, *_ = store.hashes()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    kept = handlens("runs", "remove", first, second)
    assert kept.status == 1
    assert "these 2 runs" in kept.err
    assert len(store.hashes()) == 4
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert handlens("runs", "remove", first).status == 0
    assert first not in store.names()


def test_remove_keeps_the_look(handlens, runs):
    store, _, data = runs
    before = store.looks(data.test.digest())
    assert before.runs == 2
    opened = [hash for hash in store.hashes() if store.opened(hash)]
    assert handlens("runs", "remove", "--yes", *opened, opened[0]).status == 0
    assert not set(opened) & set(store.names())
    assert store.looks(data.test.digest()) == before
    assert handlens("runs", "remove", "--yes", opened[0]).status == 2


def test_verify(handlens, runs):
    store, made, data = runs
    done = handlens("runs", "verify")
    assert (done.status, done.out) == (0, "")
    assert "4 runs" in done.err
    assert handlens("runs", "verify", "--json").json["faults"] == []
    first, second, *_ = store.hashes()
    path = store.folder(first) / "history.csv"
    path.write_bytes(path.read_bytes()[:-1])
    (store.folder(second) / "model" / "model.json").unlink()
    done = handlens("runs", "verify")
    assert done.status == 2
    assert done.out.splitlines() == [
        f"{first}/history.csv is damaged",
        f"{second}/model/model.json is missing",
    ]
    assert "`handlens run` then retrains" in done.err
    assert handlens("runs", "verify", *store.hashes()[2:]).status == 0
    mended = handlens("runs", "verify", "--remove")
    assert mended.status == 0
    assert "2 damaged runs removed" in mended.err
    assert store.hashes() == store.names()
    assert not {first, second} & set(store.names())
    run_study(made, data, store)
    assert handlens("runs", "verify").status == 0


def test_what_was_added_stays(handlens, runs):
    hash = runs[0].hashes()[0]
    (runs[0].folder(hash) / "notes.txt").write_text("mine")
    for words in ((), ("--remove",)):
        done = handlens("runs", "verify", *words)
        assert done.status == 2
        assert done.out == f"{hash}/notes.txt is not one of the run's files\n"
    assert (runs[0].folder(hash) / "notes.txt").is_file()


def test_compare_says_what_the_study_says(handlens, runs):
    """From marks alone the same intervals as from all probabilities."""
    store, made, data = runs
    expected = gather(made, plan(made, data), store)
    (found,) = handlens("compare", "--json").json
    for row, line in zip(expected.rows, found["models"], strict=True):
        assert line["model"] == row.model
        assert line["validation_low"] == row.validation.low
        assert line["validation_high"] == row.validation.high
        assert line["test_accuracy"] == (row.test.mean if row.test else None)
        assert line["test_macro_f1"] == row.macro_f1


def test_compare_leaves_damaged_runs_out(handlens, runs):
    first, second, *_ = runs[0].hashes()
    path = runs[0].folder(first) / "correct.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    (runs[0].folder(second) / "run.json").write_text("{}")
    done = handlens("compare", "--json")
    assert done.status == 0
    assert len(done.err.splitlines()) == 2
    assert f"{first}/correct.npy: is damaged" in done.err
    assert sum(len(model["runs"]) for model in done.json[0]["models"]) == 2


def test_help_loads_nothing_heavy():
    code = "import sys; sys.argv = ['handlens', 'runs', '--help']; from handlens.cli import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass\n"
    code += "print('LOADED', [m for m in ('numpy', 'scipy', 'sklearn', 'PIL', 'altair') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("LOADED []")


@pytest.mark.usefixtures("runs")
def test_a_long_table_says_what_it_leaves_out(handlens, monkeypatch):
    monkeypatch.setattr("handlens.cli.compare.MOST", 1)
    shown = handlens("compare")
    assert "1 more are not shown; --json lists all" in " ".join(shown.out.split())
    assert "looked at" in shown.out
    assert len(handlens("compare", "--json").json[0]["models"]) == 2
