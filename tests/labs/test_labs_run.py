import json
import os
import re
from pathlib import Path

import pytest

from handlens.data import load
from handlens.labs import variants
from handlens.labs.answers import answers
from handlens.labs.lines import ABSENT, LEFT_OUT, NO_KERAS, lines
from handlens.labs.markdown import markdown
from handlens.labs.output import summary, write
from handlens.labs.past import past
from handlens.labs.published import published
from handlens.labs.variants import Quick, fitted, missing, read


def test_every_row_has_its_lines_and_says_that_the_run_was_quick(lab_e):
    made = lines(lab_e[0])
    rows = [row for row in published().rows if row.study in lab_e[0].lab.studies]
    assert {(line.study, line.row.recipe) for line in made} == {(row.study, row.recipe) for row in rows}
    assert all("quick: 1 of" in line.notes[-1] for line in made)
    assert {line.said for line in made} == {"quick run: not judged", LEFT_OUT}
    scratch = [line for line in made if line.engine == "from scratch"]
    assert all(line.obtained is not None and line.replicates == 2 for line in scratch)


def test_continued_and_fresh_weights_stand_side_by_side(lab_e):
    made = [line for line in lines(lab_e[0]) if line.row.recipe == "300-adadelta" and line.engine != "Keras"]
    on, fresh = made
    assert (on.start, fresh.start) == ("continued", "fresh")
    assert on.obtained.mean < fresh.obtained.mean  # the error: Adadelta at 0.001 hardly moves fresh weights
    said = {a.question: a.words for a in answers(lab_e[0])}
    assert "300-adadelta" in said["What did compiling again do?"]


def test_a_second_run_trains_nothing_and_finds_the_same(lab_e, run_tiny):
    found, how = lab_e
    before = {path: path.stat().st_mtime_ns for path in how.store.root.glob("*/run.json")}
    again, _ = run_tiny("E", how.store)
    assert {path: path.stat().st_mtime_ns for path in how.store.root.glob("*/run.json")} == before
    assert markdown([again], "x") == markdown([found], "x")


def test_the_reports_hold_all_of_it(lab_e, tmp_path):
    found, _ = lab_e
    folder = write([found], tmp_path / "labs", "handlens labs E --quick")
    text, page = (folder / "labs.md").read_text(), (folder / "report.html").read_text()
    assert "**A quick run" in text
    members = [m for part in found.parts for m in (*part.result.members, *part.continued)]
    trained = {run.trial.hash for member in members for run in member.runs}
    assert f"{len(trained)} trainings: " in text
    assert f"{len(trained)} trainings: " in page
    for line in lines(found):
        assert f"`{line.row.recipe}`" in text
        assert line.row.recipe in page
    for name in (
        "e-scratch-confusion-normalised",
        "e-scratch-roc",
        "e-scratch-curve-loss",
        "e-scratch-class-counts",
    ):
        assert f'data-chart="{name.replace("confusion", "0-confusion")}"' in page
    specs = json.loads(page.partition('id="specs">')[2].partition("</script>")[0])
    places = {part.partition('"')[0] for part in page.split('data-chart="')[1:]}
    assert places == set(specs["charts"])
    assert past(found)[0].said == "quick run: not judged"
    json.dumps(summary([found]), allow_nan=False)


def test_data_that_is_absent_is_said_and_the_rest_goes_on(run_tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("HANDLENS_DATA", str(tmp_path))
    monkeypatch.setenv("HANDLENS_CACHE", str(tmp_path))
    found, _ = run_tiny("D")
    assert {line.said for line in lines(found)} == {ABSENT}
    assert all(line.obtained is None for line in lines(found))
    text = markdown([found], "x")
    assert "sign_mnist_train.csv and sign_mnist_test.csv" in text
    assert "Written by `x`.\n" in text  # nothing was trained, so nothing took any time
    assert all(not answer.words for answer in answers(found))


def test_keras_that_is_not_installed_is_said(run_tiny, monkeypatch):
    for room in ("variants", "run"):
        monkeypatch.setattr(f"handlens.labs.{room}.has_keras", lambda: False)
    found, _ = run_tiny("C", quick=Quick(training=100, test=50, epochs=1, replicates=1))
    said = {line.said for line in lines(found) if line.engine == "Keras"}
    assert said == {NO_KERAS}


@pytest.mark.usefixtures("sign_sample")
def test_a_sample_of_the_data_is_said_and_not_judged(run_tiny):
    found, _ = run_tiny("D", studies=None)
    assert all(part.sample.startswith("sample: ") for part in found.parts)
    made = lines(found)
    assert all(line.obtained is not None and line.verdict is None for line in made)
    assert all(
        "of 27,455" in line.notes[0] or "of 31,041" in line.notes[0] for line in made if not line.row.note
    )


@pytest.mark.usefixtures("sign_sample")
def test_lab_a_on_the_sample(run_tiny):
    found, _ = run_tiny("A", studies=None, quick=Quick(200, 100, epochs=1, replicates=1, keras=0))
    first = lines(found)[0]
    assert first.parameters == 539_416
    assert "539,416; published 539,673 with 25 outputs" in markdown([found], "x")


def test_a_study_fits_a_sample():
    images = load("digits")
    study = read("d")
    assert missing("d", images).startswith("sample: 1,438 of 31,041")
    assert fitted(study, images).split.validation == f"last {len(images.test) // 2}"
    assert fitted(read("c"), images).split.validation == 0.1


def test_twins_are_called_after_their_recipe():
    assert variants.twin_name("dense-500-300 l2=1e-06", read("b-sweep")) == "dense-500-300 (Keras) l2=1e-06"


@pytest.fixture
def sign_sample(monkeypatch):
    folders = [
        Path(f) / "sign-mnist-sample" for f in os.environ.get("HANDLENS_DATA", "").split(os.pathsep) if f
    ]
    there = [folder for folder in folders if folder.is_dir()]
    if not there:
        pytest.skip("HANDLENS_DATA has no sign-mnist-sample")
    monkeypatch.setenv("HANDLENS_DATA", str(there[0]))


def test_a_run_that_is_not_quick_is_judged(run_tiny, small_studies, tmp_path, monkeypatch):
    """Lab B in one epoch on 4,000 images, which are said to be all of them, is worse than lab B."""
    for room in ("variants", "run"):
        monkeypatch.setattr(f"handlens.labs.{room}.has_keras", lambda: False)
    for name in ("b", "b-sweep"):
        text = (small_studies / f"{name}.toml").read_text(encoding="utf-8")
        text = re.sub(r"epochs = \d+", "epochs = 1", text).replace(
            'use = "lenet5"', 'use = "lenet5"\nepochs = 1'
        )
        text = text.replace("replicates = 3", "replicates = 2")
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        monkeypatch.setitem(published().images, name, (4000, 1000))
    found, _ = run_tiny("B", studies=tmp_path, quick=None)
    ours = {line.row.metric: line for line in lines(found) if line.name == "dense-64-64"}
    assert (ours["accuracy"].said, ours["loss"].said) == ("worse", "a loss: not judged")
    assert ours["accuracy"].verdict.margin > 0
    assert past(found)[0].said == "does not beat the best one"
    said = {a.question: a.words for a in answers(found)}
    assert "does not reach the reference of 98.47 %" in said["What does weight decay do?"]
    assert said["Do the two engines agree?"] == ""
    assert "**worse**" in markdown([found], "handlens labs B")
