"""What an audit's findings become in words, tables, pictures and plain data."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from handlens.data import Dataset, ImageSet
from handlens.evaluate import Interval
from handlens.evaluate.doubts import find_doubts
from handlens.evaluate.label_counts import LabelCounts, compare_label_counts
from handlens.evaluate.leaks import find_duplicates
from handlens.evaluate.shift import Shift, Telling
from handlens.report.topic import write_topics
from handlens.report.topics.doubts import doubts
from handlens.report.topics.leaks import GAP, leaks, pair_images
from handlens.report.topics.rescored import rescored
from handlens.report.topics.shift import label_words, shift, shift_words
from handlens.studies.judging.audit import Audit
from handlens.studies.judging.rescore import Change, Rescored, Score

NAMES = ("zero", "<b>one</b>", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def dataset():
    data = load_digits()
    images = np.clip(data.images * 16, 0, 255).astype(np.uint8)[..., None]
    labels = data.target.astype(np.int64)
    test_labels = np.concatenate([labels[400:480], labels[:3]])
    test_labels[-1] = (test_labels[-1] + 1) % 10
    train = ImageSet(np.concatenate([images[:400], images[:2]]), np.append(labels[:400], labels[:2]), NAMES)
    return Dataset("x", train, ImageSet(np.concatenate([images[400:480], images[:3]]), test_labels, NAMES))


def audit_of(dataset, **changes):
    n, m = len(dataset.train), len(dataset.test)
    parts = np.repeat([0, 2], [n, m])
    parts[[5, 401]] = 1  # 401 is the copy of 1
    pixels, labels = [dataset.train.images, dataset.test.images], [dataset.train.labels, dataset.test.labels]
    said = np.full((n, 10), 0.01)
    said[np.arange(n), dataset.train.labels] = 0.91
    said[7] = np.roll(said[7], 1)
    fields = {
        "dataset": dataset,
        "validation": np.array([5, 401]),
        "duplicates": find_duplicates(pixels, parts=parts, labels=labels, near=False),
        "near": False,
        "usual": False,
        "shift": Shift(
            80, 80, Interval(0.6, 0.55, 0.65), (Telling(3, 0.2),), (Telling(4, 0.9), Telling(1, 0.8)), True
        ),
        "counts": compare_label_counts(dataset.train.counts(), dataset.test.counts()),
        "doubts": find_doubts(said, dataset.train.labels),
        "seconds": {"copies": 1.0},
    }
    return Audit(**(fields | changes))


def test_leaks_are_counted_named_and_shown_as_pairs(dataset):
    topic = leaks(audit_of(dataset))
    assert topic.words[0].startswith(
        "3 of 83 test images (3.6 %) have identical copies among the training images"
    )
    assert "holds 2 families of identical copies, 4 images together" in topic.words[1]
    assert "1 of the 2 validation images has a copy" in topic.words[1]
    assert topic.words[2].startswith("1 pair of copies has different labels")
    assert [grid.name for grid in topic.grids] == [
        "leaks-training-test",
        "leaks-training-validation",
        "leaks-training-training",
    ]
    first = topic.grids[0]
    assert first.tiles[0].lines[0] == "exact, two or three?"
    assert first.tiles[0].lines[1:] == ("training 2", "test 82")
    left, right = first.images[0][:, :8], first.images[0][:, 8 + GAP :]
    assert (left == dataset.train.images[2]).all()
    assert (left == right).all()
    assert topic.plain["leaked_test_images"] == [80, 81, 82]
    assert topic.plain["leaked_validation_images"] == [401]
    assert json.loads(json.dumps(topic.plain)) == topic.plain


def test_a_clean_set_says_so(dataset):
    clean = Dataset("y", dataset.train.take(np.arange(400)), dataset.test.take(np.arange(80)))
    topic = leaks(audit_of(clean, validation=np.array([5]), near=True))
    assert topic.words[0] == (
        "No test image has a copy among the training images, of 80: the test is not leaked."
    )
    assert not topic.grids
    assert not topic.tables


def test_a_quick_look_for_identical_copies_says_no_more_than_that(dataset):
    clean = Dataset("y", dataset.train.take(np.arange(400)), dataset.test.take(np.arange(80)))
    words = leaks(audit_of(clean, validation=np.array([5]))).words
    assert words[0] == "No test image has an identical copy among the training images, of 80."
    assert words[1] == "The training part holds no identical copies of its own images."
    assert "the full audit, without --quick, looks for changed ones too" in words[-1]
    assert "leaked" not in " ".join(words)


def test_two_pictures_become_one():
    one = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    both = pair_images(one, one + 1)
    assert both.shape == (2, 3, 8 + GAP, 3)
    assert (both[:, :, 8 + GAP - 4 :] == one + 1).all()


@pytest.mark.parametrize(
    ("auc", "begins"),
    [
        ((0.51, 0.48, 0.54), "A classifier cannot tell"),
        ((0.55, 0.54, 0.56), "A classifier tells training from test images a little better"),
        ((0.95, 0.9, 0.97), "A classifier tells training from test images easily"),
        ((0.3, 0.2, 0.4), "A classifier that learns to tell training from test images is wrong more often"),
    ],
)
def test_every_kind_of_shift_has_its_words(auc, begins):
    words = shift_words(Shift(90, 80, Interval(*auc), (), (), True))
    assert words[0].startswith(begins)
    assert f"AUC {auc[0]:.3f}, 95 % interval {auc[1]:.3f} to {auc[2]:.3f}" in words[0]


def test_label_counts_name_the_class_that_differs_most():
    assert label_words(LabelCounts((50, 50), (25, 25), 0.0, 1, 1.0, 0.0), ("a", "b")).startswith(
        "The classes are as frequent"
    )
    said = label_words(compare_label_counts(np.array([500, 500]), np.array([50, 150])), ("a", "b"))
    assert "Most of all a is less frequent, by 25.0 points" in said
    assert "small" in said


def test_shift_shows_the_images_that_give_it_away(dataset):
    topic = shift(audit_of(dataset))
    assert [grid.name for grid in topic.grids] == ["shift-test", "shift-training"]
    assert (topic.grids[0].images[0] == dataset.test.images[4]).all()
    assert topic.grids[1].tiles[0].lines[0].endswith("80 %")
    assert topic.plain["images"]["kind"] == "shifted"
    assert "Not looked at: Too few." in shift(audit_of(dataset, shift="Too few.")).words


def test_doubts_are_shown_with_both_labels(dataset):
    topic = doubts(audit_of(dataset))
    assert topic.words[0].startswith("1 of 402 training labels is doubtful")
    assert topic.tables[0].rows == (("seven", "eight", "1"),)
    assert topic.grids[0].tiles[0].lines == ("seven → eight", "91.0 %", "training 7")
    assert topic.plain["ranked"][0]["position"] == 7
    assert doubts(audit_of(dataset, doubts="No.")).plain == {"reason": "No."}


def score(way, part, mean):
    return Score(way, part, 100, Interval(mean, mean - 0.02, mean + 0.02), "ab" * 10)


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        ((-0.02, -0.03, -0.01), "more than noise: the leak flatters it"),
        ((0.0, -0.01, 0.01), "no more than noise"),
        ((0.02, 0.01, 0.03), "does not flatter"),
        ((0.0, 0.0, 0.0), "nothing to leave out"),
    ],
)
def test_a_change_has_its_verdict(difference, said):
    changes = (Change("without leaked images", "test", Interval(*difference)),)
    scores = (score("as given", "test", 0.9), score("without leaked images", "test", 0.88))
    topic = rescored(Rescored("knn", "ab" * 10, 7, scores, changes))
    assert said in topic.words[0]
    assert topic.tables[0].rows[1][4] == f"{100 * difference[0]:+.2f}"
    assert "luck of a seed" in topic.words[-1]


def test_the_page_shows_names_as_text(dataset, tmp_path):
    found = audit_of(dataset)
    write_topics(
        "handlens audit x", "Audit", [leaks(found), shift(found), doubts(found)], tmp_path / "a.html"
    )
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<b>one</b>" not in page.split("<script", 1)[0]
    assert "&lt;b&gt;one" in page
