"""Scores of each class, and whether the hardest one is harder by more than noise."""

import os

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from handlens.evaluate import wilson
from handlens.evaluate.classes import class_scores, difficulties

STUDIES = 2000 if os.environ.get("HANDLENS_SOAK") else 400


def answers(rng, replicates, classes, each, accuracy, interaction, harder=0.0):
    """Labels and predictions: an image is right with the logit of image, seed, and class in that seed."""
    labels = np.repeat(np.arange(classes), each)
    logit = np.log(accuracy / (1 - accuracy)) + 2 * rng.standard_normal(len(labels))
    logit = logit + 0.2 * rng.standard_normal((replicates, 1))
    logit = (
        logit + interaction * rng.standard_normal((replicates, classes))[:, labels] - harder * (labels == 0)
    )
    wrong = rng.random(logit.shape) > 1 / (1 + np.exp(-logit))
    other = (labels + rng.integers(1, classes, logit.shape)) % classes
    return labels, np.where(wrong, other, labels)


def test_scores_are_scikit_learns_and_intervals_wilsons():
    labels, predicted = answers(np.random.default_rng(0), 1, 5, 40, 0.8, 0.0)
    precision, recall, f1, images = precision_recall_fscore_support(labels, predicted[0])
    for k, scores in enumerate(class_scores(labels, predicted, 5)):
        assert scores.images == images[k]
        found = (scores.precision.mean, scores.recall.mean, scores.f1.mean)
        assert found == pytest.approx((precision[k], recall[k], f1[k]))
        given, right = (predicted[0] == k).sum(), ((predicted[0] == k) & (labels == k)).sum()
        expected = wilson(float(right), int(given))
        assert (scores.precision.low, scores.precision.high) == pytest.approx((expected.low, expected.high))
        for interval in (scores.precision, scores.recall, scores.f1):
            assert 0 <= interval.low <= interval.mean <= interval.high <= 1


def test_a_class_never_given_has_no_precision_and_one_never_met_no_f1():
    labels = np.array([0, 0, 1, 1])
    scores = class_scores(labels, np.array([[0, 0, 0, 0]]), 3)
    assert scores[1].precision is None
    assert scores[1].f1.mean == 0
    assert scores[2].f1 is None
    assert scores[2].images == 0


@pytest.mark.parametrize(
    ("replicates", "classes", "each", "accuracy", "interaction"),
    [(1, 10, 50, 0.97, 0.0), (3, 10, 100, 0.95, 0.3), (2, 10, 300, 0.97, 0.3), (5, 4, 200, 0.9, 0.4)],
)
def test_of_equally_hard_classes_one_is_called_harder_or_easier_in_at_most_5_percent(
    replicates, classes, each, accuracy, interaction
):
    rng, wrongly = np.random.default_rng(1), 0
    for _ in range(STUDIES):
        found = difficulties(*answers(rng, replicates, classes, each, accuracy, interaction), classes)
        wrongly += any(d.verdict() != "noise" for d in found)
    assert wrongly / STUDIES <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / STUDIES)


def test_a_class_that_is_harder_is_found():
    rng, found = np.random.default_rng(2), 0
    for _ in range(40):
        labels, predicted = answers(rng, 3, 10, 150, 0.95, 0.1, harder=1.5)
        verdicts = [d.verdict() for d in difficulties(labels, predicted, 10)]
        found += verdicts[0] == "harder"
    assert found >= 36


def test_perfect_answers_and_single_classes_prove_nothing():
    labels = np.repeat([0, 1], 20)
    assert [d.verdict() for d in difficulties(labels, np.stack([labels, labels]), 2)] == ["noise", "noise"]
    assert difficulties(np.zeros(5, dtype=np.int64), np.zeros((1, 5), dtype=np.int64), 3) == ()
