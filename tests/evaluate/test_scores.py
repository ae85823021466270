import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics

from handlens.evaluate import accuracy, confusion, f1, log_loss, macro_f1, score


@st.composite
def labels_and_guesses(draw):
    k = draw(st.integers(2, 6))
    n = draw(st.integers(1, 40))
    of = hnp.arrays(np.int64, n, elements=st.integers(0, k - 1))
    return draw(of), draw(of), k


@given(labels_and_guesses())
def test_confusion_accuracy_and_f1_are_scikit_learns(case):
    labels, guesses, k = case
    matrix = confusion(labels, guesses, k)
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(labels, guesses, labels=range(k)))
    assert accuracy(matrix) == pytest.approx(metrics.accuracy_score(labels, guesses))
    assert macro_f1(matrix) == pytest.approx(
        metrics.f1_score(labels, guesses, average="macro", zero_division=0)
    )


def test_a_class_that_never_occurs_has_no_f1_and_does_not_count():
    matrix = np.array([[2, 0, 0], [0, 2, 0], [0, 0, 0]])
    assert np.isnan(f1(matrix)[2])
    assert macro_f1(matrix) == 1.0


def test_log_loss_is_scikit_learns():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), size=50)
    labels = rng.integers(4, size=50)
    expected = metrics.log_loss(labels, probabilities, labels=range(4))
    assert log_loss(probabilities, labels) == pytest.approx(expected)


def test_a_certain_mistake_has_a_finite_loss():
    assert log_loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-np.log(1e-15))


def test_score_gathers_them():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    scores = score(probabilities, np.array([0, 1, 1]))
    assert scores.images == 3
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.confusion == ((1, 0), (1, 1))


def test_no_images_is_no_crash():
    assert score(np.empty((0, 3)), np.empty(0, np.int64)).accuracy == 0.0
