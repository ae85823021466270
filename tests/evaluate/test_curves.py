"""Curves of one class against all others are scikit-learn's, and their averages too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from handlens.evaluate.curves import averaged, recall_curve, recalls, roc_curve, rocs


def drawn(seed, n=300, k=4, coarse=False):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    scores = rng.random((n, k)) + 0.8 * np.eye(k)[labels]
    said = scores / scores.sum(axis=1, keepdims=True)
    return (said.round(2) if coarse else said), labels


@pytest.mark.parametrize("coarse", [False, True])
def test_areas_and_average_precisions_are_scikit_learns(coarse):
    said, labels = drawn(0, coarse=coarse)
    own = np.eye(4)[labels]
    for roc, recall in zip(rocs(said, labels), recalls(said, labels), strict=True):
        k = roc.class_index
        assert roc.area == pytest.approx(roc_auc_score(own[:, k], said[:, k]))
        assert recall.average_precision == pytest.approx(average_precision_score(own[:, k], said[:, k]))
    found = averaged(said, labels)
    for name in ("macro", "micro"):
        roc, recall = getattr(found, f"{name}_roc"), getattr(found, f"{name}_recall")
        assert roc.area == pytest.approx(roc_auc_score(own, said, average=name))
        assert recall.average_precision == pytest.approx(average_precision_score(own, said, average=name))
        assert np.trapezoid(roc.true, roc.false) == pytest.approx(roc.area, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60))
def test_precision_and_recall_are_scikit_learns_with_ties(pairs):
    scores, own = np.array([s for s, _ in pairs]) / 5, np.array([o for _, o in pairs])
    if not own.any():
        own[0] = True
    precision, recall, _ = precision_recall_curve(own, scores)
    found_recall, found_precision, area = recall_curve(scores, own)
    # scikit-learn leaves out thresholds after all of the class were found, from the other end.
    for r, p in zip(recall, precision, strict=True):
        assert np.isclose(found_recall, r).any()
        assert np.isclose(found_precision[np.isclose(found_recall, r)], p).any()
    assert area == pytest.approx(average_precision_score(own, scores))


@given(st.integers(0, 2**32))
def test_curves_rise_from_none_to_all(seed):
    said, labels = drawn(seed, n=40, coarse=True)
    false, true = roc_curve(said[:, 0], labels == labels[0])
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert (np.diff(false) >= 0).all()
    assert (np.diff(true) >= 0).all()


def test_classes_without_images_have_no_curve():
    said, labels = drawn(1)
    labels[labels == 2] = 1
    assert [roc.class_index for roc in rocs(said, labels)] == [0, 1, 3]
    assert averaged(said, np.zeros_like(labels)) is None


def test_the_macro_curve_of_precision_reaches_no_higher_than_its_classes():
    said, labels = drawn(2)
    mean, each = averaged(said, labels).macro_recall, recalls(said, labels)
    assert mean.precision[-1] == pytest.approx(
        np.mean([curve.precision[np.argmax(curve.recall)] for curve in each])
    )
    assert np.trapezoid(mean.precision, mean.recall) == pytest.approx(mean.average_precision, abs=0.02)
