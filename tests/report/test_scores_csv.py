"""What a study's folder holds for programs: the same runs, the same bytes; files whole or not there."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from handlens import cli
from handlens.cli.results import plain, save
from handlens.data import load
from handlens.data.images import Dataset
from handlens.report import scores_csv
from handlens.report.files import put
from handlens.studies.planning.plan import plan
from handlens.studies.planning.plan import study as study_of
from handlens.studies.storage.result import StudyResult, result
from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study


def test_scores_are_those_of_the_rows(sweep: StudyResult) -> None:
    lines = list(csv.DictReader(io.StringIO(scores_csv(sweep))))
    assert [line["model"] for line in lines] == [row.model for row in sweep.rows]
    for line, row, member in zip(lines, sweep.rows, sweep.members, strict=True):
        assert float(line["validation_mean"]) == pytest.approx(row.validation.mean, abs=1e-6)
        assert float(line["validation_high"]) == pytest.approx(row.validation.high, abs=1e-6)
        assert line["family"] == member.family
        assert line["runs"].split() == [run.trial.hash for run in member.runs]
        assert line["parameters"] == ("" if row.parameters is None else str(row.parameters))
        if row.test is None:
            assert not any(line[key] for key in ("test_mean", "test_low", "test_high", "macro_f1", "error"))
        else:
            assert float(line["test_low"]) == pytest.approx(row.test.low, abs=1e-6)
            assert float(line["error"]) == pytest.approx(1 - row.test.mean, abs=1e-6)


def test_neither_times_nor_machine_nor_order_make_a_difference(sweep: StudyResult) -> None:
    def elsewhere(run, i):
        times = replace(
            run.timings, fit_wall_s=1e3 - i, fit_cpu_s=2.5, predict_us_per_image=9.0, device="GPU"
        )
        made = replace(run.environment, platform="another", cores=64, command="another")
        return replace(
            run, timings=times, environment=made, created="2031-01-01T00:00:00+00:00", model_bytes=i
        )

    members = [
        replace(member, runs=tuple(elsewhere(run, i) for run in member.runs))
        for i, member in enumerate(reversed(sweep.members))
    ]
    again = result("other", "Other", "other", members)
    assert scores_csv(again) == scores_csv(sweep)
    fewer = result("other", "Other", "other", members[1:])
    assert scores_csv(fewer) != scores_csv(sweep)


def test_names_with_commas_stay_in_their_column(study: StudyResult) -> None:
    odd = (replace(study.rows[0], model='a, "b"\nc'), *study.rows[1:])
    first = next(csv.DictReader(io.StringIO(scores_csv(replace(study, rows=odd)))))
    assert first["model"] == 'a, "b"\nc'


def test_the_folder_of_a_study(sweep: StudyResult, dataset: Dataset, tmp_path: Path) -> None:
    made = study_of(name="sweep", dataset="digits", recipes=["dummy"])
    folder = save(made, sweep, dataset, Store(tmp_path / "runs"), tmp_path, None).folder
    assert {path.name for path in folder.iterdir()} == {
        "report.html",
        "scores.csv",
        "study.toml",
        "table.json",
    }
    assert (folder / "scores.csv").read_bytes() == scores_csv(sweep).encode()
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    assert table["looks"] == {"runs": 9, "configurations": 3}
    assert [model["chosen"] for model in table["models"]].count(True) == 3
    assert {model["family"] for model in table["models"]} == {"mlp", "logistic", "guess"}
    assert [model["test_accuracy"] is None for model in table["models"]].count(True) == 37
    assert plain(replace(sweep, looks=None))["looks"] is None


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    put(path, "old\n")
    with pytest.raises(UnicodeEncodeError):
        put(path, "x" * 100_000 + "\udc80")
    assert path.read_bytes() == b"old\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A small study that is really run, in the folder where the commands work."""
    monkeypatch.chdir(tmp_path)
    for name in ("HANDLENS_RUNS", "HANDLENS_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    made = study_of(name="small", dataset="digits", recipes=["dummy", "knn"], replicates=2)
    images, store = load("digits"), Store(tmp_path / "runs")
    return made, images, store, run_study(made, images, store)


def report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["handlens", "report", "small", "--quiet"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code


def test_the_command_gives_the_same_scores_and_opens_nothing(
    trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, images, store, first = trained
    folder = save(made, first, images, store, tmp_path / "reports", None).folder
    before = (folder / "scores.csv").read_bytes()
    report(monkeypatch)
    assert (folder / "scores.csv").read_bytes() == before == scores_csv(first).encode()
    for hash in store.hashes():
        shutil.rmtree(store.folder(hash) / "test")
    report(monkeypatch)
    assert not any(store.opened(hash) for hash in store.hashes())
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    assert [model["test_accuracy"] for model in table["models"]] == [None, None]
    assert "The test images were not opened" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_damaged_run_is_left_out_and_named(
    trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made, images, store, first = trained
    save(made, first, images, store, tmp_path / "reports", None)
    one, two, *_ = (item.trial.hash for item in plan(made, images))
    (store.folder(one) / "predictions.npz").write_bytes(b"PK")
    shutil.rmtree(store.folder(two))
    report(monkeypatch)
    said = capsys.readouterr().err
    assert one in said
    assert "replicate 1: its run is not in runs" in said
    table = json.loads((tmp_path / "reports" / "small" / "table.json").read_text(encoding="utf-8"))
    assert [len(model["runs"]) for model in table["models"]] == [1, 1]
