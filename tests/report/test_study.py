from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pages import HOSTILE, Page, numbers, values
from PIL import Image

from handlens.data.images import Dataset, ImageSet
from handlens.errors import HandlensError, StoreError
from handlens.records import Epoch
from handlens.report import write_study
from handlens.report.mistakes import confusion, surest_mistakes, worst_pairs
from handlens.report.sections import mistake_grid
from handlens.report.study import commands, notes
from handlens.studies.storage.result import Member, Predictions, StudyResult, result

LIMIT = 3_000_000


@pytest.fixture(scope="module")
def html(study: StudyResult, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "deep" / "study.html"
    write_study(study, dataset, path)
    assert path.stat().st_size < LIMIT
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_table_shows_the_rows_in_validation_order(page: Page, study: StudyResult) -> None:
    head, *lines = page.tables[0]
    assert len(lines) == len(study.rows)
    columns = {name.replace("\N{NO-BREAK SPACE}", " ").strip(): i for i, name in enumerate(head)}
    for line, row in zip(lines, study.rows, strict=True):
        assert row.model in line[0].split()
        for column, interval in (("Validation, %", row.validation), ("Test, %", row.test)):
            shown = [round(100 * x, 1) for x in (interval.mean, interval.low, interval.high)]
            assert numbers(line[columns[column]]) == shown
        assert numbers(line[columns["F1, %"]]) == [round(100 * row.macro_f1, 1)]
        assert numbers(line[columns["Error, %"]]) == [round(100 * row.error, 1)]
        assert numbers(line[columns["File, kB"]]) == [round(row.model_bytes / 1000)]
        assert numbers(line[columns["Parameters"]]) == ([row.parameters] if row.parameters else [])
    assert "chosen" in lines[0][0]
    assert "chosen" not in " ".join(line[0] for line in lines[1:])


def test_the_confusion_matrix_sums_the_replicates_of_the_chosen_model(page: Page, study: StudyResult) -> None:
    expected = sum(np.array(tested.look.scores.confusion) for tested in study.chosen.tests)
    shown = np.zeros((10, 10), dtype=int)
    for cell in values(page.specs["confusion"]):
        shown[int(cell["shown"]), int(cell["given"])] = cell["count"]
    assert (shown == expected).all()
    normalised = np.zeros((10, 10))
    for cell in values(page.specs["confusion-normalised"]):
        normalised[int(cell["shown"]), int(cell["given"])] = cell["percent"]
    assert np.allclose(normalised, 100 * expected / expected.sum(axis=1, keepdims=True), atol=1e-3)


def test_the_curves_are_means_and_bands_over_the_replicates(page: Page, study: StudyResult) -> None:
    mlp = next(member for member in study.members if member.name == "mlp")
    rows = values(page.specs["curve-accuracy"])
    assert {row["recipe"] for row in rows} == {"mlp"}
    for part, field in (("training", "accuracy"), ("validation", "validation_accuracy")):
        at_four = [100 * getattr(run.history[3], field) for run in mlp.runs]
        (row,) = (row for row in rows if row["part"] == part and row["epoch"] == 4)
        assert row["mean"] == pytest.approx(np.mean(at_four), abs=1e-4)
        assert (row["low"], row["high"]) == pytest.approx((min(at_four), max(at_four)), abs=1e-4)


def test_class_counts_add_up(page: Page, study: StudyResult, dataset: Dataset) -> None:
    held = dataset.train.labels[study.chosen.predictions[0].indices]
    for row in values(page.specs["class-counts"]):
        label = int(row["class"])
        expected = {
            "training": (dataset.train.labels == label).sum() - (held == label).sum(),
            "validation": (held == label).sum(),
            "test": (dataset.test.labels == label).sum(),
        }
        assert row["images"] == expected[row["part"]]


def test_the_images_shown_are_the_surest_mistakes(page: Page, study: StudyResult, dataset: Dataset) -> None:
    said = study.chosen.tests[0].probabilities
    wrong = [i for i in range(len(dataset.test)) if said[i].argmax() != dataset.test.labels[i]]
    wrong.sort(key=lambda i: (-said[i].max(), i))
    labels = [attrs["aria-label"] or "" for tag, attrs in page.tags if attrs.get("role") == "img"]
    shown = [label for label in labels if label.startswith("Test image")]
    assert len(shown) == min(24, len(wrong))
    for label, i in zip(shown, wrong, strict=False):
        given = said[i].argmax()
        assert label.startswith(
            f"Test image {i}: shows {dataset.test.labels[i]}, taken for {given} "
            f"with probability {100 * said[i, given]:.1f} %"
        )


def test_the_sprite_holds_those_very_images(study: StudyResult, dataset: Dataset) -> None:
    grid, mistakes = mistake_grid(study.chosen, dataset), surest_mistakes(study.chosen.tests)
    assert grid is not None
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(grid.uri.partition(",")[2]))))
    for n, mistake in enumerate(mistakes):
        left, top = (place // grid.scale for place in grid.place(n))
        cut = sheet[top : top + 8, left : left + 8]
        assert (cut == dataset.test.images[mistake.position, :, :, 0]).all()


def test_a_model_without_mistakes_is_said_to_have_none(
    study: StudyResult, dataset: Dataset, tmp_path: Path
) -> None:
    perfect = np.eye(10, dtype=np.float32)[dataset.test.labels]
    chosen = study.chosen
    flawless = replace(chosen, tests=tuple(replace(t, probabilities=perfect) for t in chosen.tests))
    write_study(replace(study, members=(flawless, *study.members[1:])), dataset, tmp_path / "x.html")
    assert "got every test image right" in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_pairs_and_wrong_counts(study: StudyResult) -> None:
    matrix = np.array([[5, 2, 0], [1, 7, 4], [0, 0, 9]])
    pairs = [(p.true, p.given, p.count, p.of) for p in worst_pairs(matrix)]
    assert pairs == [(1, 2, 4, 12), (0, 1, 2, 7), (1, 0, 1, 12)]
    member = study.chosen
    for mistake in surest_mistakes(member.tests):
        times = sum(t.probabilities[mistake.position].argmax() != mistake.true for t in member.tests)
        assert mistake.wrong == times >= 1
    assert confusion(member.tests).sum() == 3 * 500


def test_environment_seeds_commands_and_notes(
    html: str, page: Page, study: StudyResult, dataset: Dataset
) -> None:
    assert "handlens run studies/digits.toml" in page.words["pre"][0]
    assert commands(replace(study, command="")) == ["handlens run digits.toml"]
    assert notes(replace(study, failures=("recipe 'x', replicate 1: no",)), dataset)[0].startswith(
        "recipe 'x'"
    )
    runs = page.tables[-1][1:]
    stored = [run for member in study.members for run in member.runs]
    assert [line[-1].strip() for line in runs] == [run.trial.hash for run in stored]
    assert [int(line[1]) for line in runs] == [run.trial.seed for run in stored]
    assert dataset.notes[0] in html
    assert page.words["main"][0].count(dataset.notes[0]) == 1


def test_nothing_is_fetched_and_nothing_else_may_run(page: Page) -> None:
    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "data"):
            assert not re.match(r"\s*(https?:|//|file:)", attrs.get(name) or ""), (tag, attrs)
    policy = next(
        a["content"] or "" for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    scripts = [text for attrs, text in page.scripts if attrs.get("type") != "application/json"]
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_hostile_words_stay_words(
    hostile_study: StudyResult, hostile_dataset: Dataset, html: str, tmp_path: Path
) -> None:
    path = tmp_path / "evil.html"
    write_study(hostile_study, hostile_dataset, path, charts=tmp_path)
    evil, good = Page(path.read_text(encoding="utf-8")), Page(html)
    assert [tag for tag, _ in evil.tags].count("script") == [tag for tag, _ in good.tags].count("script")
    assert not [attrs for _, attrs in evil.tags if "onerror" in attrs]
    assert {tag for tag, _ in evil.tags} <= {tag for tag, _ in good.tags}
    assert {row["shown"] for row in values(evil.specs["confusion"])} <= set(HOSTILE)
    assert any(HOSTILE[0] in text for text in evil.words["th"])
    assert "<script>alert" not in (tmp_path / "classes.svg").read_text(encoding="utf-8")


def test_a_big_study_stays_small(tmp_path: Path, study: StudyResult) -> None:
    k, n, rng = 47, 470, np.random.default_rng(0)
    labels = np.arange(n) % k
    names = tuple(f"class {i}" for i in range(k))
    images = rng.integers(0, 256, (n, 28, 28, 3), dtype=np.uint8)
    dataset = Dataset("big", ImageSet(images, labels, names), ImageSet(images, labels, names))
    said = rng.dirichlet(np.ones(k), n).astype(np.float32)
    matrix = tuple(tuple(int(x) for x in row) for row in rng.integers(0, 20, (k, k)))
    history = tuple(Epoch(e, *rng.random(6), 1.0) for e in range(1, 51))
    run = replace(study.chosen.runs[0], classes=names, history=history)
    predictions = Predictions(np.arange(47), said[:47], labels[:47])
    tested = study.chosen.tests[0]
    look = replace(tested.look, scores=replace(tested.look.scores, confusion=matrix))
    tested = replace(tested, look=look, probabilities=said, labels=labels)
    members = [
        Member(
            f"recipe {i}",
            tuple(replace(run, name=f"recipe {i}") for _ in range(10)),
            (predictions,) * 10,
            (tested,) * 10,
        )
        for i in range(10)
    ]
    path = tmp_path / "big.html"
    write_study(result("big", "Big", "handlens run big.toml", members), dataset, path)
    assert path.stat().st_size < LIMIT


def test_wrong_data_are_refused(study: StudyResult, dataset: Dataset, tmp_path: Path) -> None:
    fewer = replace(dataset, test=dataset.test.take(range(10)))
    with pytest.raises(StoreError, match="not of the data set"):
        write_study(study, fewer, tmp_path / "x.html")
    with pytest.raises(StoreError, match="no finished run"):
        write_study(replace(study, members=(), rows=()), dataset, tmp_path / "x.html")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(
    study: StudyResult, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HandlensError, match="cannot be written"):
        write_study(study, dataset, tmp_path / "file" / "x.html")
