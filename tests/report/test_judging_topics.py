"""What the page says of classes, calibration and fitting, from a real study."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pages import HOSTILE

from handlens.data.images import Dataset
from handlens.evaluate import scores
from handlens.evaluate.calibration import calibration_error
from handlens.report.topic import topic_text, write_topics
from handlens.report.topics.calibration import calibration
from handlens.report.topics.classes import classes
from handlens.report.topics.fitting import fit_of, fitting
from handlens.report.topics.judged import judged
from handlens.studies.storage.result import StudyResult


def text(topic: object) -> str:
    return " ".join(topic.words).replace("\N{NO-BREAK SPACE}", " ")  # type: ignore[attr-defined]


def chosen(study: StudyResult, name: str) -> StudyResult:
    member = next(member for member in study.members if member.name == name)
    return replace(study, members=(member, *(m for m in study.members if m is not member)))


def test_classes_are_scored_on_the_test_images(study: StudyResult, dataset: Dataset) -> None:
    topic = classes(study, dataset)
    assert topic is not None
    plain = topic.plain
    assert json.loads(json.dumps(plain)) == plain
    assert (plain["part"], plain["replicates"]) == ("test", 3)
    matrix = np.sum([t.look.scores.confusion for t in study.chosen.tests], axis=0)
    for k, each in enumerate(plain["classes"]):
        assert each["recall"]["mean"] == pytest.approx(matrix[k, k] / matrix[k].sum())
        assert each["precision"]["mean"] == pytest.approx(matrix[k, k] / matrix[:, k].sum())
        assert each["f1"]["mean"] == pytest.approx(scores.f1(matrix)[k])
        assert each["f1"]["low"] < each["f1"]["mean"] <= each["f1"]["high"]
    assert "the 500 test images, 3 replicates" in text(topic)
    assert len(topic.tables[0].rows) == 10


def test_the_hardest_class_gets_a_verdict(study: StudyResult, dataset: Dataset) -> None:
    topic = classes(study, dataset)
    verdicts = {each["class"]: each["verdict"] for each in topic.plain["classes"]}
    if set(verdicts.values()) == {"noise"}:
        assert "No class is shown to be harder or easier" in text(topic)
    else:
        assert "by more than noise" in text(topic)
    # With every 3 taken for an 8, 3 is hard beyond doubt.
    tests = tuple(
        replace(t, probabilities=_confused(t.probabilities, t.labels, 3, 8)) for t in study.chosen.tests
    )
    spoiled = replace(study, members=(replace(study.chosen, tests=tests), *study.members[1:]))
    topic = classes(spoiled, dataset)
    assert "3 is the hardest class by more than noise" in text(topic)
    assert topic.grids[0].title == "3 taken for 8"
    assert all("shows 3, taken for 8" in tile.alt for tile in topic.grids[0].tiles)


def _confused(probabilities: np.ndarray, labels: np.ndarray, true: int, given: int) -> np.ndarray:
    changed = probabilities.copy()
    changed[labels == true] = np.eye(probabilities.shape[1])[given]
    return changed


def test_pictures_of_a_pair_are_those_images(study: StudyResult, dataset: Dataset) -> None:
    topic = classes(study, dataset)
    for pair, grid in zip(topic.plain["pairs"], topic.grids, strict=True):
        assert grid.title == f"{pair['true']} taken for {pair['given']}"
        for image, tile in zip(grid.images, grid.tiles, strict=True):
            position = int(tile.lines[1].removeprefix("#"))
            assert (dataset.test.images[position] == image).all()
            assert dataset.classes[dataset.test.labels[position]] == pair["true"]


def test_unopened_tests_stay_so(unopened: StudyResult, dataset: Dataset) -> None:
    broken = replace(dataset, test=replace(dataset.test, images=np.zeros_like(dataset.test.images)))
    for topic in (classes(unopened, broken), calibration(unopened, broken)):
        assert topic.plain["part"] == "validation"
        assert "validation images" in text(topic)
        for grid in topic.grids:
            assert grid.images.any()
    assert calibration(unopened, broken).plain["temperature"] == []
    (held,) = [g for g in fitting(unopened).plain["recipes"] if g["name"] == "mlp"]
    assert [(g["first"], g["second"]) for g in held["gaps"]] == [("training", "validation")]


def test_calibration_says_which_way_and_what_a_temperature_does(study: StudyResult, dataset: Dataset) -> None:
    topic = calibration(study, dataset)
    plain = topic.plain
    assert json.loads(json.dumps(plain)) == plain
    expected = [calibration_error(t.probabilities, t.labels) for t in study.chosen.tests]
    assert plain["calibration_error"] == pytest.approx(expected)
    assert plain["answered"]["accuracy_at"]["1"] == pytest.approx(judged(study.chosen).right.mean())
    assert len(plain["temperature"]) == 3
    # Guesses are sure of themselves and mostly wrong.
    guess = calibration(chosen(study, "guess"), dataset)
    assert "points surer than it may be" in text(guess)
    assert guess.plain["temperature"][0]["temperature"] > 5
    assert guess.plain["temperature"][0]["error_after"] < 0.1 < guess.plain["temperature"][0]["error_before"]


def test_fitting_says_the_state_and_the_gaps(study: StudyResult) -> None:
    topic = fitting(chosen(study, "mlp"))
    plain = {each["name"]: each for each in topic.plain["recipes"]}
    assert json.loads(json.dumps(topic.plain)) == topic.plain
    assert len(topic.tables[0].rows) == 3
    mlp = plain["mlp"]
    assert mlp["fitting"]["state"] in ("well fitted", "over-fitted", "not yet fitted", "cannot tell")
    names = [(g["first"], g["second"]) for g in mlp["gaps"]]
    assert names == [("training", "validation"), ("training", "test"), ("validation", "test")]
    for g in mlp["gaps"]:
        assert g["interval"]["mean"] == pytest.approx(mlp[g["first"]]["mean"] - mlp[g["second"]]["mean"])
        assert g["beyond_noise"] == (g["interval"]["low"] > 0 or g["interval"]["high"] < 0)
    assert plain["guess"]["training"] is None
    assert plain["guess"]["fitting"] is None
    assert "while the weights moved" in text(topic)


def _risen(study: StudyResult) -> StudyResult:
    """The same, with a validation loss that falls for three epochs and then rises."""
    member = next(member for member in study.members if member.name == "mlp")
    losses = (1.0, 0.6, 0.5, 0.7, 0.9, 1.1)
    runs = tuple(
        replace(
            r,
            history=tuple(
                replace(e, validation_loss=x, validation_accuracy=0.8)
                for e, x in zip(r.history, losses, strict=True)
            ),
        )
        for r in member.runs
    )
    return replace(study, members=(replace(member, runs=runs),))


def test_over_fitting_is_dated_and_weights_that_were_kept_excuse_it(study: StudyResult) -> None:
    risen = _risen(study)
    assert "mlp is over-fitted since epoch 4: its validation loss is 120.0 % higher" in text(fitting(risen))
    assert fit_of(risen.chosen).kept is None
    keep = {"keep": "best", "monitor": "loss"}
    runs = tuple(replace(r, trial=replace(r.trial, recipe=r.trial.recipe | keep)) for r in risen.chosen.runs)
    kept = replace(risen, members=(replace(risen.chosen, runs=runs),))
    assert fit_of(kept.chosen).kept == 3
    assert "keeps the weights of epoch 3" in text(fitting(kept))


def test_hostile_names_are_words_on_the_page(
    hostile_study: StudyResult, hostile_dataset: Dataset, tmp_path: object
) -> None:
    topics = [classes(hostile_study, hostile_dataset), calibration(hostile_study, hostile_dataset)]
    topics.append(fitting(hostile_study))
    path = tmp_path / "topics.html"  # type: ignore[operator]
    write_topics("handlens <b>", "Topics", topics, path)
    html = path.read_text(encoding="utf-8")
    assert "<img src=x" not in html
    for name in HOSTILE:
        assert f"<td>{name}" not in html or "<" not in name
    for topic in topics:
        assert topic_text(topic) is not None
