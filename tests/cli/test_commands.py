import json
import warnings

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

RUN = ["run", "--dataset", "digits", "--models", "dummy,knn", "--replicates", "1"]


COMMANDS = [
    "run",
    "plan",
    "compare",
    "report",
    "runs",
    "tune",
    "notebook",
    "twin",
    "convert",
    "predict",
    "explain",
    "look",
    "data",
    "models",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(handlens, command):
    done = handlens(command, "--help")
    assert done.status == 0
    assert f"Example: handlens {command}" in " ".join(done.out.split())


def test_without_a_command_there_is_help(handlens):
    assert "look" in handlens().out + handlens().err


def test_a_wrong_command_or_option_has_status_2(handlens):
    assert handlens("trian").status == 2
    assert handlens("run", "--modles", "x").status == 2


def test_run_compare_report_and_predict(handlens, tmp_path):
    done = handlens(*RUN)
    assert done.status == 0
    assert "knn" in done.out
    assert "dummy" in done.out
    report = tmp_path / "reports" / "digits-dummy-knn" / "report.html"
    assert report.is_file()
    assert str(report.relative_to(tmp_path)) in done.out
    assert len(list((tmp_path / "runs").glob("*/run.json"))) == 2

    again = handlens(*RUN, "--json")
    assert [m["model"] for m in again.json["models"]] == ["knn", "dummy"]

    compared = handlens("compare", "--json").json
    assert [m["model"] for m in compared[0]["models"]] == ["knn", "dummy"]
    one = again.json["models"][0]["runs"][0]
    assert handlens("compare", one[:8], "--json").json[0]["models"][0]["runs"] == [one]

    report.unlink()
    figures = tmp_path / "figures"
    assert handlens("report", "digits-dummy-knn", "--charts", figures).status == 0
    assert report.is_file()
    assert list(figures.glob("*.svg"))
    assert list(figures.glob("*.png"))

    pixels, labels = load_digits(return_X_y=True)
    right = 0
    for i in range(1780, 1790):
        image = np.clip(pixels[i] * 16, 0, 255).astype(np.uint8).reshape(8, 8)
        Image.fromarray(image).save(tmp_path / f"{i}.png")
        answer = handlens("predict", "digits-dummy-knn", tmp_path / f"{i}.png", "--json").json["answers"][0]
        right += answer["classes"][0]["class"] == str(labels[i])
    assert right >= 9
    assert "1780.png" in handlens("predict", one[:8], "1780.png", "1781.png").out


def test_a_folder_of_ones_own_pictures(handlens, tmp_path):
    rng = np.random.default_rng(0)
    for name, shade in (("dark", 40), ("light", 200)):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for i in range(20):
            pixels = np.clip(rng.normal(shade, 20, (30, 20, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "mine" / name / f"{i}.png")
    (tmp_path / "mine" / "dark" / "broken.png").write_bytes(b"no")
    words = ["run", "--dataset", "mine", "--models", "dummy,knn", "--replicates", "1", "--size", "8x6"]
    assert "broken.png" in handlens(*words).err
    done = handlens(*words, "--skip-bad", "--json")
    assert done.json["models"][0]["model"] == "knn"
    assert done.json["models"][0]["test_accuracy"] == 1.0
    answer = handlens("predict", "mine-dummy-knn", "mine/light/3.png", "--json").json["answers"][0]
    assert answer["classes"][0]["class"] == "light"
    assert handlens("report", "mine-dummy-knn").status == 0


def test_ctrl_c_keeps_what_is_finished(handlens, tmp_path, monkeypatch):
    from handlens.engines.classic import ClassicEngine

    fit, calls = ClassicEngine.fit, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit(*args, **kwargs)

    monkeypatch.setattr(ClassicEngine, "fit", interrupted)
    stopped = handlens(*RUN)
    assert stopped.status == 130
    assert "goes on from there" in stopped.err
    assert len(list((tmp_path / "runs").glob("*/run.json"))) == 1
    done = handlens(*RUN)
    assert done.status == 0
    assert "(kept)" in done.err
    assert len(calls) == 3


def test_a_study_file(handlens, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'dataset = "digits"\nreplicates = 2\n[[recipe]]\nuse = "dummy"\n'
        '[[recipe]]\nname = "net"\nlayers = ["Flatten()", "Dense(32, activation=\'relu\')"]\nepochs = 3\n'
    )
    done = handlens("run", "mine.toml", "--json")
    assert [m["model"] for m in done.json["models"]] == ["net", "dummy"]
    assert done.json["models"][0]["replicates"] == 2
    assert done.json["models"][0]["epochs"] == 3
    assert (tmp_path / "reports" / "mine" / "study.toml").is_file()
    assert handlens("report", "mine.toml").status == 0


def test_quiet_is_the_answer_alone(handlens):
    done = handlens(*RUN, "-q")
    assert done.err == ""
    assert "report:" not in done.out
    assert "knn" in done.out


def test_progress_goes_to_standard_error(handlens):
    done = handlens(*RUN)
    assert "[2/2] knn replicate 1: validation accuracy" in done.err
    assert "[2/2]" not in done.out


def test_events_are_lines_of_json_and_the_last_is_the_table(handlens):
    done = handlens(*RUN, "--events")
    lines = [json.loads(line) for line in done.out.splitlines()]
    kinds = [line["event"] for line in lines]
    assert kinds == ["missing", "missing", "begun", "done", "begun", "done", "result"]
    assert lines[-1]["models"][0]["model"] == "knn"
    assert lines[-2]["recipe"] == "knn"
    assert lines[-2]["done"] == 2
    assert lines[-2]["validation_accuracy"] > 0.9
    assert done.err == ""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_workers(handlens, workers):
    done = handlens(*RUN, "--workers", workers, "--json")
    assert [m["model"] for m in done.json["models"]] == ["knn", "dummy"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--on", "slurm"], "--on is 'slurm'; expected ray"),
        (["--address", "here:1"], "Add --on ray"),
        (["--on", "ray", "--workers", "2"], "both --workers and --on"),
    ],
)
def test_options_that_do_not_go_together(handlens, words, message):
    done = handlens(*RUN, *words)
    assert done.status == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_look(handlens, tmp_path):
    done = handlens("look", "digits", "--charts", tmp_path / "figures")
    assert done.status == 0
    assert (tmp_path / "reports" / "look-digits" / "report.html").is_file()
    assert list((tmp_path / "figures").glob("*.svg"))
    plain = handlens("look", "digits", "--json").json
    assert sum(plain["train"].values()) + sum(plain["test"].values()) == 1797


def test_data_and_models_list_what_there_is(handlens):
    names = {entry["name"] for entry in handlens("data", "--json").json}
    assert {"mnist-5k", "digits", "mnist", "fashion-mnist", "kmnist", "emnist-letters", "sign-mnist"} <= names
    assert "mnist-5k" in handlens("data").out
    assert handlens("data", "-q").out.split()[0] == "mnist-5k"
    assert "mlp-500-300" in handlens("models", "-q").out.split()
    assert "forest" in {recipe["name"] for recipe in handlens("models", "--json").json}
    assert "mlp-500-300" in handlens("models").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "nothing to run"),
        (["run", "--dataset", "digits"], "nothing to run"),
        (["run", "absent.toml"], "absent.toml: No such file"),
        (["run", "--dataset", "digts", "--models", "dummy"], "did you mean 'digits'?"),
        (["run", "--dataset", "digits", "--models", "forst"], "did you mean 'forest'?"),
        (["run", "--dataset", "digits", "--models", "dummy", "--validation", "1.5"], "1.5"),
        (["run", "--dataset", "digits", "--models", "dummy", "--validation", "99999"], "99,999"),
        (["compare"], "no runs"),
        (["compare", "abc"], "no run begins with 'abc'"),
        (["report", "absent"], "no study is called 'absent'"),
        (["report", "absent.toml"], "no study is called 'absent.toml'"),
        (["predict", "absent", "x.png"], "no run begins with 'absent'"),
        (["look", "absent.csv"], "absent.csv"),
        (["look", "digits", "--size", "28"], "--size is '28'; expected height x width"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(handlens, tmp_path, words, message):
    done = handlens(*words)
    assert done.status == 2
    assert message.lower() in done.err.lower()
    assert done.err.startswith("handlens: ")
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert not (tmp_path / "reports").exists()


def test_a_file_and_a_data_set_together_are_refused(handlens, tmp_path):
    (tmp_path / "a.toml").write_text('dataset = "digits"\n[[recipe]]\nuse = "dummy"\n')
    assert "give one of them" in handlens("run", "a.toml", "--dataset", "digits").err.lower()


def test_a_picture_that_is_none(handlens, tmp_path):
    handlens(*RUN)
    (tmp_path / "no.png").write_bytes(b"not a picture")
    done = handlens("predict", "digits-dummy-knn", "no.png")
    assert done.status == 2
    assert "no.png" in done.err
    assert done.err.count("\n") == 1


def test_a_recipe_that_diverges_does_not_stop_the_others(handlens, tmp_path):
    (tmp_path / "div.toml").write_text(
        'dataset = "digits"\nreplicates = 1\n[[recipe]]\nuse = "mlp-64-64"\noptimizer = "SGD(1e6)"\n'
        '[[recipe]]\nuse = "dummy"\n'
    )
    done = handlens("run", "div.toml")
    assert done.status == 2
    assert "handlens: recipe 'mlp-64-64', replicate 1: the loss is" in done.err
    assert "dummy" in done.out
    report = tmp_path / "reports" / "div" / "report.html"
    report.unlink()
    again = handlens("report", "div")
    assert again.status == 0
    assert "left out: recipe 'mlp-64-64', replicate 1" in again.err
    assert "mlp-64-64" in report.read_text()
    assert "none of its 2 runs" in handlens("report", "div", "--runs", "elsewhere").err


def test_damaged_runs_do_not_hide_the_others(handlens, tmp_path):
    hashes = {m["model"]: m["runs"][0] for m in handlens(*RUN, "--json").json["models"]}
    (tmp_path / "runs" / hashes["knn"] / "run.json").write_text("{")
    done = handlens("compare", "--json")
    assert [m["model"] for m in done.json[0]["models"]] == ["dummy"]
    assert done.err.startswith("handlens: left out: ")
    assert hashes["knn"] in done.err
    (tmp_path / "runs" / hashes["dummy"] / "predictions.npz").write_bytes(b"junk")
    assert "pickle" not in handlens("compare").err


def test_a_cache_that_cannot_be_written_is_a_note(handlens, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file in the way")
    monkeypatch.setenv("HANDLENS_CACHE", str(tmp_path / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = handlens("look", "digits", "-q")
    assert done.status == 0
    assert done.err.startswith("handlens: note: the cache")
    assert done.err.count("\n") == 1


def test_a_damaged_table_is_said(handlens, tmp_path):
    handlens(*RUN)
    table = tmp_path / "reports" / "digits-dummy-knn" / "table.json"
    assert json.loads(table.read_text())["models"][0]["model"] == "knn"
    table.write_text("[]")
    assert "not a study's table" in handlens("predict", "digits-dummy-knn", "x.png").err


def test_reports_that_cannot_be_written(handlens, tmp_path):
    (tmp_path / "reports").write_text("a file in the way")
    done = handlens(*RUN)
    assert done.status == 2
    assert "cannot write the report" in done.err
