"""Calibration error, reliability, temperature and accuracy against share answered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.evaluate import log_loss
from handlens.evaluate.calibration import (
    answered,
    calibration_error,
    fit_temperature,
    reliability,
    surest,
    temper,
    tempered,
)


def truthful(seed, n, k=5, sharpness=2.0):
    """Probabilities, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    scores = sharpness * rng.standard_normal((n, k))
    said = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = (said.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)
    return said, labels


def test_the_error_is_that_of_its_definition():
    said, labels = truthful(0, 700)
    sharp = tempered(said, 0.5)
    sure, right = sharp.max(axis=1), sharp.argmax(axis=1) == labels
    expected = 0.0
    for b in range(15):
        inside = (sure > b / 15) & (sure <= (b + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    assert calibration_error(sharp, labels) == pytest.approx(expected)
    assert calibration_error(sharp, labels) > 0.1 > 0.05 > calibration_error(said, labels)


@given(st.integers(0, 2**32), st.floats(0.2, 5.0))
def test_a_temperature_changes_no_prediction(seed, temperature):
    said, labels = truthful(seed, 30)
    after = tempered(said, temperature)
    assert (after.argmax(axis=1) == said.argmax(axis=1)).all()
    assert after.sum(axis=1) == pytest.approx(1.0)
    assert (surest(after, labels)[1] == surest(said, labels)[1]).all()


@pytest.mark.parametrize("planted", [0.4, 1.0, 2.5])
def test_a_planted_temperature_is_found_and_undone(planted):
    said, labels = truthful(1, 8000)
    wrong = tempered(said, 1 / planted)
    found = temper(wrong[:4000], labels[:4000], wrong[4000:], labels[4000:])
    assert found.temperature == pytest.approx(planted, rel=0.08)
    assert found.log_loss_after == pytest.approx(log_loss(said[4000:], labels[4000:]), abs=2e-3)
    if planted != 1.0:
        assert found.error_after < found.error_before / 3


def test_the_temperature_is_scikit_learns():
    """That by which `handlens.engines.classic` gives probabilities to classifiers that have none."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((400, 6)), rng.integers(0, 3, 400)
    x[np.arange(400), y] += 1.2
    model = LogisticRegression(C=1e4).fit(x[:60], y[:60])
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(x[60:200], y[60:200])
    ours = fit_temperature(model.predict_proba(x[60:200]), y[60:200])
    assert tempered(model.predict_proba(x[200:]), ours) == pytest.approx(
        theirs.predict_proba(x[200:]), abs=2e-3
    )


def test_bins_hold_all_images_and_the_truth():
    said, labels = truthful(3, 3000)
    bins = reliability(np.stack([said, said]), labels)
    assert sum(b.images for b in bins) == pytest.approx(3000)
    assert all(b.low < b.confidence <= b.high for b in bins)
    held = [b.accuracy.low <= b.confidence <= b.accuracy.high for b in bins if b.images > 20]
    assert np.mean(held) >= 0.75
    too_sure = reliability(tempered(said, 0.3)[None], labels)
    assert sum(b.accuracy.high < b.confidence for b in too_sure) > len(too_sure) / 2


@given(st.lists(st.tuples(st.integers(51, 60), st.booleans()), min_size=1, max_size=40))
def test_answered_is_the_accuracy_of_the_surest(pairs):
    sure, right = np.array([s / 60 for s, _ in pairs]), np.array([r for _, r in pairs])
    said = np.stack([sure, 1 - sure], axis=1)
    found = answered(said, np.where(right, 0, 1))
    for share, accuracy in zip(found.share, found.accuracy, strict=True):
        count = round(share * len(pairs))
        least = np.sort(sure)[::-1][count - 1]
        assert (sure >= least).sum() == count
        assert accuracy == pytest.approx(right[sure >= least].mean())
    assert found.share[-1] == 1
    assert found.at(1.0) == pytest.approx(right.mean())
    assert -1e-12 <= found.best <= found.area + 1e-12


def test_the_area_is_best_where_the_wrong_are_least_sure():
    sure = np.linspace(0.99, 0.6, 50)
    said = np.stack([sure, 1 - sure], axis=1)
    found = answered(said, np.where(np.arange(50) < 45, 0, 1))
    assert found.area == pytest.approx(found.best)
    assert found.reaching(1.0) == pytest.approx(0.9)
    assert answered(said, np.ones(50, dtype=np.int64)).reaching(0.5) == 0
