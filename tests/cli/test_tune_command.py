import tomllib

import pytest

pytest.importorskip("optuna")

STUDY = """
dataset = "digits"
replicates = 1

[[recipe]]
name = "net"
layers = ["Flatten()", "Dense(16, activation='relu')"]
optimizer = "SGD(0.1)"
epochs = 2

[search]
trials = 4
sampler = "tpe(n_startup_trials=2)"
pruner = "none"

[search.space]
"optimizer.learning_rate" = { low = 1e-2, high = 1.0, log = true }
layers.1.units = { low = 8, high = 32, step = 8 }
batch_size = [32, 64]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(STUDY)
    return path


def test_search_paste_and_run(handlens, file, tmp_path):
    done = handlens("tune", file, "--top", 2)
    assert done.status == 0
    assert "[4/4] net learning_rate=" in done.err
    assert "4 trials: 4 finished, 0 given up early, 0 failed" in done.out
    assert "the test images stayed closed" in done.out
    assert "runs/search/mine.db" in done.out
    assert (tmp_path / "runs" / "search" / "mine.db").is_file()
    assert not (tmp_path / "runs" / "looks").exists()
    runs = {path.parent.name for path in (tmp_path / "runs").glob("*/run.json")}
    assert len(runs) == 4

    quiet = handlens("tune", file, "-q")
    assert quiet.err == ""
    assert done.out.endswith(quiet.out)
    (recipe,) = tomllib.loads(quiet.out)["recipe"]
    assert recipe["name"] == "net-tuned"

    plain = handlens("tune", file, "--json").json
    assert plain["best"] == quiet.out
    assert [trial["state"] for trial in plain["trials"]] == ["done"] * 4
    best = plain["trials"][0]
    assert best["score"] == max(trial["score"] for trial in plain["trials"])
    assert plain["test_images_opened"] is False

    (tmp_path / "again.toml").write_text(f'dataset = "digits"\nreplicates = 1\n{quiet.out}')
    again = handlens("run", "again.toml", "--json")
    assert again.json["models"][0]["runs"] == [best["run"]]
    assert {path.parent.name for path in (tmp_path / "runs").glob("*/run.json")} == runs


def test_the_budget_can_be_raised(handlens, file):
    assert len(handlens("tune", file, "--trials", 2, "--json").json["trials"]) == 2
    raised = handlens("tune", file, "--trials", 3, "--json").json
    assert len(raised["trials"]) == 3
    assert raised["stopped"] == "the budget of 3 trials is spent"
    assert "minutes is spent" in handlens("tune", file, "--minutes", 0.0001, "--json").json["stopped"]


def test_ctrl_c_keeps_what_is_finished(handlens, file, monkeypatch):
    from handlens.engines.scratch import ScratchEngine

    fit, calls = ScratchEngine.fit, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit(*args, **kwargs)

    monkeypatch.setattr(ScratchEngine, "fit", interrupted)
    stopped = handlens("tune", file)
    assert stopped.status == 130
    assert "the same command goes on" in stopped.err
    assert len(handlens("tune", file, "--json").json["trials"]) == 4
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[search]\n", "[serach]\n", "did you mean 'search'"),
        ('sampler = "tpe(', 'sampler = "tpee(', "did you mean 'tpe'"),
        (
            '"optimizer.learning_rate" =',
            '"optimizer.learning_rat" =',
            "did you mean 'optimizer.learning_rate'",
        ),
        ("layers.1.units", "layers.0.units", "layers.0.units"),
        ("[32, 64]", "[0, 64]", "batch_size is 0"),
        ("trials = 4", "trials = 0", "trials is 0"),
        ("trials = 4", 'storage = "nosuch://a:secret@b/c"', "storage"),
        (STUDY[STUDY.index("[search]") :], "", "no [search]"),
        (STUDY[STUDY.index("[search.space]") :], "", "nothing to choose from"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(handlens, file, old, new, message):
    assert old in STUDY
    file.write_text(STUDY.replace(old, new))
    done = handlens("tune", file)
    assert done.status == 2
    assert message.lower() in done.err.lower()
    assert done.err.startswith("handlens: ")
    assert done.err.count("\n") == 1
    assert "secret" not in done.err
    assert done.out == ""


def test_help_has_an_example(handlens):
    assert "Example: handlens tune" in " ".join(handlens("tune", "--help").out.split())
