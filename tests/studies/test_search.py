import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.data import Dataset, ImageSet
from handlens.errors import HandlensError, MissingExtra, SpecError, StoreError
from handlens.spec import from_dict
from handlens.studies.planning.plan import plan, study
from handlens.studies.search import attempts
from handlens.studies.search.search import read_search, search
from handlens.studies.search.space import Range, named, read_space, size, with_values
from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study

pytest.importorskip("optuna")

RATE = {"optimizer.learning_rate": {"low": 1e-3, "high": 1.0, "log": True}}
SPACE = RATE | {"layers.1.units": {"low": 8, "high": 32, "step": 8}, "batch_size": [16, 32, 64]}
NET = {
    "name": "net",
    "layers": ["Flatten()", "Dense(16, activation='relu')"],
    "epochs": 3,
    "optimizer": "SGD(0.3)",
    "batch_size": 32,
}


def of(recipe=NET, **fields):
    return study(name="small", dataset="digits-test", recipes=[from_dict(recipe)], **fields)


def said(found):
    """What a search tried, without its times."""
    plain = [dataclasses.asdict(tried) | {"seconds": 0} for tried in found.tried]
    return sorted(plain, key=lambda tried: tried["number"])


def searched(digits, store, space=SPACE, recipe=NET, **table):
    asked = of(recipe)
    table = {"trials": 8, "pruner": "median(n_startup_trials=2)", "space": space} | table
    on_tried = table.pop("on_tried", lambda tried: None)
    on_event = table.pop("on_event", lambda event: None)
    return search(asked, read_search(table, asked), digits, store, on_tried=on_tried, on_event=on_event)


@pytest.fixture(scope="session")
def whole(digits, tmp_path_factory):
    """A search that nothing disturbs."""
    return said(searched(digits, Store(tmp_path_factory.mktemp("whole"))))


@pytest.mark.parametrize("sampler", ["tpe(n_startup_trials=3)", "random", "qmc", "nsga2(population_size=4)"])
def test_the_same_seed_gives_the_same_trials(digits, tmp_path, sampler):
    how = {"sampler": sampler, "trials": 5, "recipe": NET | {"epochs": 2}}
    first, second = (searched(digits, Store(tmp_path / n), **how) for n in ("a", "b"))
    assert said(first) == said(second)
    assert len(first.tried) == 5
    other = searched(digits, Store(tmp_path / "a"), seed=7, **how | {"trials": 2})
    assert [t["values"] for t in said(other)] != [t["values"] for t in said(first)][:2]


def test_the_best_is_what_its_run_says_and_can_be_pasted_into_a_study(digits, store):
    found = searched(digits, store)
    best = found.tried[0]
    done = [t for t in found.tried if t.state == "done"]
    assert best.score == max(t.score for t in done) > 0.5
    assert best.score == store.read(best.run).validation.accuracy
    assert store.read(best.run).name == best.name
    assert {t.run for t in done} == set(store.hashes())
    table = tomllib.loads(found.toml(of()))
    (recipe,) = table["recipe"]
    pasted = study(name="again", dataset="digits-test", recipes=[from_dict(recipe)])
    assert pasted.recipes[0].name == "net-tuned"
    assert plan(pasted, digits)[0].trial.hash == best.run


def test_a_pruned_trial_leaves_no_run_and_stopped_early(digits, store):
    found = searched(digits, store, trials=12, pruner="percentile(percentile=80.0, n_startup_trials=2)")
    pruned = [t for t in found.tried if t.state == "pruned"]
    assert pruned
    assert all(t.run == "" and 0 < t.epochs <= 3 for t in pruned)
    assert min(t.epochs for t in pruned) < 3
    assert len(store.hashes()) == len({t.run for t in found.tried if t.run})
    assert [t.state for t in found.tried] == sorted(t.state for t in found.tried)


def test_without_a_pruner_all_are_finished(digits, store):
    found = searched(digits, store, trials=5, pruner="none")
    assert {t.state for t in found.tried} == {"done"}
    assert {t.epochs for t in found.tried} == {3}


@pytest.mark.parametrize(
    "pruner", ["hyperband", "halving(min_resource=1, reduction_factor=2)", "threshold(lower=0.2)"]
)
def test_other_pruners(digits, store, pruner):
    assert len(searched(digits, store, trials=5, pruner=pruner, sampler="random").tried) == 5


def test_a_budget_goes_on_over_calls_and_trains_nothing_twice(digits, store, whole):
    trained = []
    note = lambda event: trained.append(event.job.planned.trial.hash) if event.kind == "begun" else None  # noqa: E731
    assert len(searched(digits, store, trials=3, on_event=note).tried) == 3
    found = searched(digits, store, trials=8, on_event=note)
    assert len(found.tried) == 8
    assert all(tried.seconds > 0 for tried in found.tried)
    assert len(trained) == len(set(trained))
    assert said(found) == whole
    before = len(trained)
    assert said(searched(digits, store, on_event=note)) == said(found)
    assert len(trained) == before
    assert "8 trials is spent" in found.stopped


@pytest.mark.parametrize(
    ("sampler", "pruner"),
    [("tpe(n_startup_trials=3)", "median(n_startup_trials=2)"), ("grid", "hyperband"), ("qmc", "none")],
)
def test_broken_off_in_the_middle_of_a_trial(digits, store, tmp_path, sampler, pruner):
    space = SPACE | {"optimizer.learning_rate": [0.01, 0.1, 0.4]} if sampler == "grid" else SPACE
    how = {"space": space, "sampler": sampler, "pruner": pruner}
    whole = searched(digits, Store(tmp_path / "whole"), **how)
    for epochs in (2, 4):

        def stop(event, left=[epochs]):  # noqa: B006
            left[0] -= event.kind == "epoch"
            if left[0] == 0:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            searched(digits, store, on_event=stop, **how)
    assert said(searched(digits, store, **how)) == said(whole)


def test_killed_and_taken_up_again(digits, store, whole):
    code = f"""
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from conftest import digits
        from test_search import searched
        from handlens.studies.storage.store import Store
        left = [7]
        def die(event):
            left[0] -= event.kind == "epoch"
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        searched(digits.__wrapped__(), Store({str(store.root)!r}), on_event=die)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert 0 < len(store.hashes()) < 8
    assert said(searched(digits, store)) == whole


def test_another_living_process_keeps_its_trial(digits, store, monkeypatch):
    parent = f"{attempts.process().rpartition(' ')[0]} {os.getppid()}"
    monkeypatch.setattr(attempts, "process", lambda: parent)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched(digits, store, on_event=stop)
    monkeypatch.undo()
    found = searched(digits, store)
    assert sorted(t.number for t in found.tried) == list(range(2, 9))


def test_another_question_is_another_search(digits, store):
    searched(digits, store, trials=2)
    assert len(searched(digits, store, trials=3, space=RATE).tried) == 3
    assert len(searched(digits, store, trials=2).tried) == 2


def test_a_finite_space_is_searched_once(digits, store):
    space = {"optimizer.learning_rate": [0.01, 0.1], "epochs": {"low": 1, "high": 2}}
    found = searched(digits, store, space=space, sampler="grid", trials=50, pruner="none")
    assert len(found.tried) == 4
    assert found.stopped == "every configuration was tried"
    values = {(t.values["optimizer.learning_rate"], t.values["epochs"]) for t in found.tried}
    assert values == {(0.01, 1), (0.01, 2), (0.1, 1), (0.1, 2)}
    assert {t.epochs for t in found.tried} == {1, 2}


def test_minutes(digits, store):
    found = searched(digits, store, trials=None, minutes=1e-9)
    assert len(found.tried) == 1
    assert found.stopped == "the budget of 1e-09 minutes is spent"


def test_repetitions_end_a_search_in_minutes(digits, store, monkeypatch):
    """A key that makes no difference gives equal configurations under different values."""
    monkeypatch.setattr("handlens.studies.search.search.LULL", 4)
    recipe = NET | {"epochs": 1}
    asked = of(recipe)
    space = {
        "optimizer": ["Adam(0.01)", "SGD(0.1)"],
        "optimizer.momentum": {"low": 0.0, "high": 0.5, "step": 0.01},
    }
    table = {"space": space, "minutes": 60, "sampler": "random", "pruner": "none"}
    found = search(asked, read_search(table, asked), digits, store)
    assert found.stopped == "the last 4 trials were all repetitions"
    assert sum(t.repeated for t in found.tried) >= 4
    assert len(store.hashes()) == sum(not t.repeated for t in found.tried)


def test_trainings_that_fail_are_told_and_the_search_goes_on(digits, store):
    space = {"optimizer.learning_rate": [0.1, 1e30, 1e31]}
    found = searched(digits, store, space=space, sampler="grid")
    assert [t.state for t in found.tried] == ["done", "failed", "failed"]
    assert "loss" in found.tried[1].error
    with pytest.raises(HandlensError, match=r"no trial could be trained: .*loss"):
        searched(digits, store, space={"optimizer.learning_rate": [1e30, 1e31]}, sampler="grid")


def test_classical_models_and_other_scores(digits, store):
    forest = {"name": "trees", "estimator": "forest(n_estimators=3)"}
    found = searched(
        digits, store, {"estimator.max_depth": [1, 8], "prepare": ["unit"]}, forest, sampler="grid"
    )
    assert found.tried[0].values["estimator.max_depth"] == 8
    assert found.tried[0].epochs == 0
    found = searched(
        digits, store, {"epochs": [1, 3]}, NET | {"monitor": "loss"}, sampler="grid", pruner="none"
    )
    assert found.monitor == "loss"
    assert found.tried[0].score == -store.read(found.tried[0].run).validation.log_loss < 0
    assert found.tried[0].values == {"epochs": 3}


def test_the_search_never_sees_test_images(digits, store, tmp_path):
    wrong = ImageSet(255 - digits.test.images, (digits.test.labels + 1) % 10, digits.classes)
    honest = searched(digits, store, trials=4)
    spoilt = searched(Dataset("spoilt", digits.train, wrong), Store(tmp_path / "b"), trials=4)
    # Another data set has another name for each run; all else is equal.
    assert [t | {"run": ""} for t in said(spoilt)] == [t | {"run": ""} for t in said(honest)]
    assert not any(store.opened(hash) for hash in store.hashes())
    assert not (store.root / "looks").exists()


def test_the_store_shares_its_runs_with_studies(digits, store):
    space = {"epochs": [1, 2]}
    run_study(
        dataclasses.replace(of(), sweep=(), replicates=1, recipes=of(NET | {"epochs": 1}).recipes),
        digits,
        store,
    )
    kinds = []
    searched(
        digits, store, space, sampler="grid", pruner="none", on_event=lambda event: kinds.append(event.kind)
    )
    assert sorted(set(kinds)) == ["begun", "done", "epoch", "kept"]
    assert kinds.count("begun") == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "nothing to choose from.*write there"),
        ({"space": {}}, "nothing to choose from"),
        ({"space": SPACE, "sampler": "tpee"}, "unknown name 'tpee'. Did you mean 'tpe'"),
        ({"space": SPACE, "sampler": "cmaes"}, "pickle.*expected tpe"),
        ({"space": SPACE, "sampler": "tpe(n_startup=3)"}, "did you mean 'n_startup_trials'"),
        (
            {"space": SPACE, "sampler": "tpe(n_startup_trials='a')"},
            "n_startup_trials is 'a'; expected a whole",
        ),
        ({"space": SPACE, "pruner": "medain"}, "did you mean 'median'"),
        ({"space": SPACE, "sampler": "grid"}, "optimizer.learning_rate: a range without steps has no grid"),
        ({"space": SPACE, "trials": 0}, "trials is 0"),
        ({"space": SPACE, "trials": 1.5}, "trials is 1.5"),
        ({"space": SPACE, "minutes": -1}, "minutes is -1"),
        ({"space": SPACE, "seed": -1}, "seed is -1"),
        ({"space": SPACE, "storage": "here.db"}, "storage is 'here.db'"),
        ({"space": SPACE, "trails": 3}, "did you mean 'trials'"),
        ({"space": SPACE, "recipe": "nett"}, "did you mean 'net'"),
        (
            {"space": {"optimizer.lr": [1]}},
            "optimizer.lr.*did you mean 'optimizer.learning_rate'",
        ),
        (
            {"space": {"optimizer.learning_rat": [1]}},
            "optimizer.learning_rat.*did you mean 'optimizer.learning_rate'",
        ),
        ({"space": {"layers.0.units": [1]}}, "no recipe has 'layers.0.units'"),
        ({"space": {"epochs": [3, 0]}}, "epochs is 0"),
        ({"space": {"epochs": {"low": 0, "high": 3}}}, "epochs is 0"),
        ({"space": {"epochs": {"low": 1, "high": 3.5}}}, "epochs.*3.5.*whole number"),
        ({"space": {"epochs": {"low": 3, "high": 1}}}, "low is 3 and high 1"),
        ({"space": {"epochs": {"low": 1}}}, "high is missing"),
        ({"space": {"epochs": {"low": 1, "high": 3, "stp": 1}}}, "did you mean 'step'"),
        ({"space": {"epochs": {"low": 1, "high": 3, "step": 9}}}, "step is 9"),
        ({"space": {"epochs": {"low": 1, "high": "3"}}}, "high is '3'"),
        ({"space": {"epochs": {"low": 1, "high": float("nan")}}}, "high is nan"),
        ({"space": {"layers.1.l2": {"low": 0.0, "high": 1.0, "log": True}}}, "low above 0"),
        ({"space": {"epochs": 3}}, "got 3; expected a range"),
        ({"space": {"epochs": []}}, "a list without values"),
        ({"space": {"epochs": [1, 1]}}, "1 stands there 2 times"),
    ],
)
def test_mistakes_are_one_line(table, message):
    asked = of()
    with pytest.raises(SpecError, match=f"(?i){message}") as caught:
        read_search(table, asked, "study.toml: [search]")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("study.toml: [search]")


def test_which_recipe():
    two = study(name="two", dataset="d", recipes=["dummy", from_dict(NET)])
    with pytest.raises(SpecError, match=r"2 recipes.*recipe = "):
        read_search({"space": SPACE}, two)
    assert read_search({"space": SPACE, "recipe": "net"}, two).recipe.name == "net"


def test_without_optuna(digits, store, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r"handlens\[search\]"):
        searched(digits, store)
    assert not store.root.exists()


def test_a_storage_that_cannot_be_reached_is_one_line(digits, store, tmp_path):
    with pytest.raises(StoreError) as caught:
        searched(digits, store, storage=f"sqlite:///{tmp_path}/absent/x.db")
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError) as caught:
        searched(digits, store, storage="nosuch://someone:secret@host/base")
    assert "secret" not in str(caught.value)
    (store.root / "search").mkdir(parents=True)
    (store.root / "search" / "small.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="not a database"):
        searched(digits, store)


@given(low=st.floats(1e-9, 1e6), factor=st.floats(1.001, 1e6), share=st.floats(0, 1), step=st.floats(0.01, 1))
def test_numbers_stay_in_their_range(low, factor, share, step):
    axis = Range(low, low * factor)
    value = axis.value(low + share * (axis.high - low))
    assert axis.low <= value <= axis.high
    assert isinstance(value, float)
    stepped = Range(low, low * factor, step=step * (low * factor - low))
    assert stepped.last <= stepped.high * (1 + 1e-9)
    assert len(stepped.all()) == stepped.count >= 2


@given(low=st.integers(1, 50), more=st.integers(1, 50), step=st.integers(1, 50))
def test_whole_numbers_stay_whole(low, more, step):
    axis = Range(low, low + more, step=min(step, more))
    assert axis.all() == list(range(low, low + more + 1, min(step, more)))
    assert all(isinstance(axis.value(x), int) for x in axis.all())
    assert axis.last == axis.all()[-1]


def test_whole_parts_come_first_and_what_has_no_place_is_left_out():
    recipe = from_dict(NET)
    space = read_space(
        {
            "optimizer": {"momentum": [0.5, 0.9]},
            "layers": {"1": {"units": [4]}},
            "epochs": {"linspace": [1, 3, 3]},
        },
        recipe,
        "x",
    )
    assert list(space) == ["optimizer.momentum", "layers.1.units", "epochs"]
    assert size(space) == 6
    values = {"optimizer.momentum": 0.9, "optimizer": "Adam(0.01)", "epochs": 2}
    made, used = with_values(recipe, values)
    assert used == {"optimizer": "Adam(0.01)", "epochs": 2}
    assert made.epochs == 2
    assert named(recipe, used) == "net optimizer=Adam(0.01) epochs=2"


@pytest.fixture
def postgres():
    """A real server on a free port; gives its address."""
    pytest.importorskip("psycopg", reason="needs a driver for PostgreSQL: pip install psycopg[binary]")
    folders = [Path(found).parent for found in (shutil.which("initdb"),) if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("needs the programs of a PostgreSQL server")
    programs = folders[-1]
    who = {"user": "postgres"} if os.geteuid() == 0 else {}  # the server refuses to be root
    with tempfile.TemporaryDirectory(prefix="pg") as base, socket.socket() as free:
        if who:
            shutil.chown(base, "postgres")
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": base, **who}
        words = [f"{programs}/initdb", "-D", f"{base}/data", "-A", "trust", "-U", "handlens"]
        subprocess.run(words, check=True, **quiet)
        words = [
            f"{programs}/postgres",
            "-D",
            f"{base}/data",
            "-k",
            base,
            "-p",
            str(port),
            "-h",
            "127.0.0.1",
        ]
        server = subprocess.Popen(words, **quiet)
        try:
            asked = [f"{programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            for _ in range(300):  # it takes connections before it answers
                if subprocess.run(asked, check=False, **quiet).returncode == 0:
                    break
                time.sleep(0.1)
            yield f"postgresql+psycopg://handlens:secret@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def test_postgresql(digits, store, whole, postgres):
    found = searched(digits, store, trials=3, storage=postgres)
    assert "secret" not in found.storage
    assert "postgres" in found.storage
    assert said(searched(digits, store, storage=postgres)) == whole
    assert not (store.root / "search").exists()
