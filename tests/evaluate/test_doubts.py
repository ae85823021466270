import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from handlens.errors import DataError
from handlens.evaluate.doubts import find_doubts, fold_indices, out_of_fold


def probabilities(seed, n, k):
    return np.random.default_rng(seed).dirichlet(np.full(k, 0.5), n)


def test_the_paper_s_counting_by_hand():
    # Northcutt et al. 2021, section 3.1: t_j is the mean p_j of what is labelled j.
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.85, 0.15]])
    found = find_doubts(p, np.array([0, 0, 0, 1, 1]))
    assert found.thresholds == pytest.approx((0.6, 0.375))
    assert found.joint == ((2, 1), (1, 1))
    assert [(d.position, d.given, d.suggested) for d in found.confident] == [(4, 1, 0), (2, 0, 1)]
    assert found.accuracy == 0.6


@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(2, 6))
def test_every_doubt_stands_for_what_it_says(seed, n, k):
    p = probabilities(seed, n, k)
    labels = np.random.default_rng(seed + 1).integers(0, k, n)
    found = find_doubts(p, labels)
    own = [doubt.own for doubt in found.ranked]
    assert own == sorted(own)
    assert {doubt.position for doubt in found.ranked} >= set(np.flatnonzero(p.argmax(axis=1) != labels))
    for doubt in found.ranked:
        assert doubt.given == labels[doubt.position] != doubt.suggested
        assert (doubt.own, doubt.other) == (
            p[doubt.position, doubt.given],
            p[doubt.position, doubt.suggested],
        )
        assert not doubt.confident or doubt.other >= found.thresholds[doubt.suggested]
    off = sum(found.joint[i][j] for i in range(k) for j in range(k) if i != j)
    assert off == len(found.confident)


@given(st.integers(0, 2**31))
def test_the_order_of_images_does_not_matter(seed):
    p, rng = probabilities(seed, 40, 3), np.random.default_rng(seed + 1)
    labels, order = rng.integers(0, 3, 40), rng.permutation(40)
    one, other = find_doubts(p, labels), find_doubts(p[order], labels[order])
    assert [doubt.position for doubt in one.ranked] == [int(order[d.position]) for d in other.ranked]


def test_a_class_without_images_claims_none():
    found = find_doubts(np.array([[0.2, 0.1, 0.7], [0.6, 0.4, 0.0]]), np.array([0, 0]))
    assert np.isnan(found.thresholds[1:]).all()
    assert not found.confident
    assert found.ranked[0].suggested == 2


@given(st.integers(0, 2**31), st.integers(20, 200), st.integers(2, 6), st.booleans())
def test_nobody_is_judged_by_who_has_seen_him_or_his_copy(seed, n, folds, grouped):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    groups = rng.integers(0, max(2, n // 3), n) if grouped else None
    family = np.arange(n) if groups is None else groups
    seen = np.zeros(n, dtype=int)
    for train, held in fold_indices(labels, folds, groups=groups, seed=seed % 1000):
        assert not set(family[train]) & set(family[held])
        assert len(train) + len(held) == n
        seen[held] += 1
    assert (seen == 1).all()


def test_folds_hold_every_class_alike():
    labels = np.repeat([0, 1, 2], [300, 90, 9])
    for _, held in fold_indices(labels, 3, seed=1):
        assert np.bincount(labels[held]).tolist() == [100, 30, 3]


def test_planted_flips_stand_in_front():
    data = load_digits()
    rng = np.random.default_rng(0)
    x, labels = data.data / 16, data.target.astype(np.int64)
    flipped = rng.permutation(len(labels))[: len(labels) // 100]
    labels[flipped] = (labels[flipped] + rng.integers(1, 10, len(flipped))) % 10

    def predict(train, held):
        return LogisticRegression(max_iter=300).fit(x[train], labels[train]).predict_proba(x[held])

    found = find_doubts(out_of_fold(labels, 10, predict), labels)
    first = [doubt.position for doubt in found.ranked[: len(flipped)]]
    assert len(set(first) & set(flipped)) / len(flipped) >= 0.7


def test_what_does_not_fit_is_one_line():
    with pytest.raises(DataError, match="a row for each label"):
        find_doubts(np.ones((3, 2)), np.zeros(4, np.int64))
    with pytest.raises(DataError, match="labels 0 to 1"):
        find_doubts(np.full((3, 2), 0.5), np.array([0, 1, 2]))
    with pytest.raises(DataError, match="finite"):
        find_doubts(np.full((3, 2), np.nan), np.array([0, 1, 1]))
    with pytest.raises(DataError, match="too few"):
        out_of_fold(np.zeros(19, np.int64), 2, lambda train, held: np.ones((len(held), 2)))
    with pytest.raises(DataError, match="probabilities are"):
        out_of_fold(np.zeros(30, np.int64), 2, lambda train, held: np.ones((len(train), 2)))
