import json

import pytest

from handlens.cli.plan import about

STUDY = """
title = "How wide?"
dataset = "digits"
replicates = 2

[sweep]
layers.1.units = [4, 8]
optimizer.learning_rate = [0.1, 0.3]

[[recipe]]
name = "net"
layers = ["Flatten()", "Dense(4, activation='relu')"]
optimizer = "SGD(0.1)"
epochs = 1

[[recipe]]
use = "dummy"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "wide.toml"
    path.write_text(STUDY)
    return path


def test_help_has_an_example(handlens):
    assert "Example: handlens plan study.toml" in " ".join(handlens("plan", "--help").out.split())


def test_the_plan_of_a_study_with_nothing_done(handlens, file):
    done = handlens("plan", file)
    assert done.status == 0
    assert "How wide?" in done.out
    assert "10 trials: 0 done, 10 to train" in done.out
    assert "measured: net units=4 learning_rate=0.1:" in done.out
    lines = [line.split() for line in done.out.splitlines()]
    assert ["recipe", "units", "learning_rate", "done"] in lines
    assert ["net", "4", "0.1", "0/2"] in lines
    assert ["net", "8", "0.3", "0/2"] in lines
    assert ["dummy", "–", "–", "0/2"] in lines


def test_as_data_with_what_is_done(handlens, file, tmp_path):
    found = handlens("plan", file, "--json", "--workers", "1").json
    assert (found["study"], found["dataset"], found["replicates"], found["test"]) == (
        "wide",
        "digits",
        2,
        "final",
    )
    assert (found["trials"], found["done"]) == (10, 0)
    assert found["time"]["seconds"] > 0
    assert found["time"]["workers"] == 1
    assert [m["family"] for m in found["time"]["measurements"]] == ["net", "dummy", "net"]
    first = found["configurations"][0]
    assert first["name"] == "net units=4 learning_rate=0.1"
    assert first["recipe"] == "net"
    assert first["values"] == {"layers.1.units": 4, "optimizer.learning_rate": 0.1}
    hashes = {hash for c in found["configurations"] for hash in c["runs"]}
    assert len(hashes) == 10

    assert handlens("run", file, "--quiet").status == 0
    after = handlens("plan", file, "--json").json
    assert (after["done"], after["time"]) == (10, None)
    assert {p.name for p in (tmp_path / "runs").iterdir()} >= hashes
    text = handlens("plan", file)
    assert "10 trials: 10 done, 0 to train" in text.out
    assert "measured" not in text.out
    assert "2/2" in text.out
    assert "0 done" in handlens("plan", file, "--runs", tmp_path / "elsewhere", "--no-time").out


def test_quiet_and_without_the_time(handlens, file):
    done = handlens("plan", file, "--quiet", "--no-time")
    assert "How wide?" not in done.out
    assert "measured" not in done.out
    assert done.out.rstrip().endswith("10 trials: 0 done, 10 to train")
    assert handlens("plan", file, "--no-time", "--json").json["time"] is None


def test_a_wrong_study_is_one_line(handlens, file):
    file.write_text(STUDY.replace("layers.1.units", "layers.1.unit"))
    done = handlens("plan", file)
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "wide.toml: [sweep]: no recipe has 'layers.1.unit'. Did you mean 'layers.1.units'?" in done.err


def test_nothing_is_written(handlens, file, tmp_path):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert json.dumps(handlens("plan", file, "--json").json)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "under a second"),
        (1.4, "about 1 s"),
        (89, "about 89 s"),
        (90, "about 2 min"),
        (3500, "about 58 min"),
        (3600, "about 1 h"),
        (3599, "about 1 h"),
        (4800, "about 1 h 20 min"),
        (7190, "about 2 h"),
        (100_000, "about 28 h"),
    ],
)
def test_durations_have_no_more_digits_than_they_are_worth(seconds, text):
    assert about(seconds) == text
