import itertools
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import association
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from handlens.errors import DataError
from handlens.evaluate.label_counts import compare_label_counts
from handlens.evaluate.shift import cross_validated_auc, find_shift

SOAK = os.environ.get("HANDLENS_SOAK") == "1"


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return np.clip(data.images * 16, 0, 255).astype(np.uint8)[..., None], data.target.astype(np.int64)


def halves(images, seed, n):
    chosen = np.random.default_rng(seed).permutation(len(images))[: 2 * n]
    return chosen[:n], chosen[n:]


@given(st.integers(0, 2**31), st.integers(2, 40), st.integers(2, 40), st.booleans())
def test_the_area_of_one_fold_is_the_area_under_the_roc_curve(seed, n, m, ties):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, n + m).astype(float) if ties else rng.normal(size=n + m)
    positive = np.arange(n + m) < n
    found = cross_validated_auc(scores, positive, np.zeros(n + m, dtype=np.int64))
    assert found.mean == pytest.approx(roc_auc_score(positive, scores))
    assert 0 <= found.low <= found.mean <= found.high <= 1


def test_only_the_order_within_a_fold_counts():
    rng = np.random.default_rng(0)
    scores, positive, folds = rng.normal(size=200), np.arange(200) % 2 == 0, np.arange(200) % 5
    assert cross_validated_auc(scores, positive, folds) == cross_validated_auc(
        scores + 100 * folds, positive, folds
    )


def test_without_a_mistake_the_interval_follows_the_rule_of_three():
    scores, positive = np.arange(60.0), np.arange(60) >= 30
    found = cross_validated_auc(scores, positive, np.arange(60) % 5)
    assert (found.mean, found.low, found.high) == (1.0, pytest.approx(0.9), 1.0)


@pytest.mark.parametrize(("n", "times"), [(60, 400), (300, 300)] if SOAK else [(60, 60)])
def test_without_a_shift_the_interval_holds_one_half_in_95_percent(digits, n, times):
    images, _ = digits
    held = 0
    for seed in range(times):
        one, other = halves(images, seed, n)
        auc = find_shift(images[one], images[other], seed=seed).auc
        held += auc.low <= 0.5 <= auc.high
    # Three standard errors of a simulation of so many times around 0.93 and 0.97 at the outside.
    low = 0.93 - 3 * np.sqrt(0.93 * 0.07 / times) * (not SOAK)
    assert held / times >= low
    assert not SOAK or held / times <= 0.99


def noise(images, rng):
    return np.clip(images + rng.normal(0, 20, images.shape), 0, 255).astype(np.uint8)


CHANGES = {
    "darker": lambda images, rng: (images * 0.9).astype(np.uint8),
    "noise": noise,
    "moved": lambda images, rng: np.roll(images, 1, axis=2),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_shift_is_seen(digits, name):
    images, _ = digits
    one, other = halves(images, 0, 500)
    changed = CHANGES[name](images[other], np.random.default_rng(1))
    found = find_shift(images[one], changed)
    assert found.kind == "shifted"
    assert found.auc.low > 0.8


def test_classes_alone_are_no_shift_of_the_images(digits):
    images, labels = digits
    one, other = halves(images, 0, 800)
    other = np.concatenate([other, other[labels[other] == 3], other[labels[other] == 3]])
    one = one[(labels[one] != 7) | (np.arange(len(one)) % 4 == 0)]
    blind = find_shift(images[one], images[other], seed=3)
    matched = find_shift(
        images[one], images[other], training_labels=labels[one], test_labels=labels[other],
        training_groups=one, test_groups=other, seed=3,
    )  # fmt: skip
    assert blind.kind == "shifted"
    assert matched.matched
    assert matched.auc.low <= 0.5 <= matched.auc.high


def test_the_images_that_give_it_away_are_those_that_differ(digits):
    images, _ = digits
    one, other = halves(images, 0, 500)
    test = images[other].copy()
    test[:20] = 255 - test[:20]
    found = find_shift(images[one], test)
    assert {telling.position for telling in found.test_like} >= set(range(20))
    odds = [telling.probability for telling in found.test_like]
    assert odds == sorted(odds, reverse=True)
    assert found.training_like[0].probability < 0.5 < odds[0]


def test_positions_are_those_of_the_arrays_given(digits):
    images, labels = digits
    train, test = images[:900].copy(), images[900:].copy()
    planted = np.arange(20, 900, 44)
    test[planted] = 255 - test[planted]
    for labelled in ({}, {"training_labels": labels[:900], "test_labels": labels[900:]}):
        found = find_shift(train, test, **labelled)
        assert len({telling.position for telling in found.test_like} & set(planted)) >= 15


def test_copies_on_both_sides_are_no_shift_when_their_groups_are_known(digits):
    images, _ = digits
    same, groups = images[:700], np.arange(700)
    blind, known = (
        find_shift(same, same, **given) for given in ({}, {"training_groups": groups, "test_groups": groups})
    )
    assert blind.kind == "copies"
    assert known.auc.low <= 0.5 <= known.auc.high


def test_the_same_seed_gives_the_same_answer(digits):
    images, _ = digits
    assert find_shift(images[:300], images[300:700], seed=5) == find_shift(
        images[:300], images[300:700], seed=5
    )


@pytest.mark.parametrize("shape", [(40, 200, 160, 3), (40, 1, 1, 1), (40, 5, 90, 1)])
def test_any_shape_of_picture_will_do(shape):
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    assert find_shift(one, other).kind == "none seen"
    assert find_shift(one, other // 2).kind == "shifted"
    blank = np.zeros(shape, np.uint8)
    assert find_shift(blank, blank).auc.mean == 0.5


def test_too_few_or_unlike_images_are_one_line(digits):
    images, labels = digits
    with pytest.raises(DataError, match="too few to tell"):
        find_shift(images[:29], images[100:])
    ours, theirs = images[labels == 1], images[labels == 2]
    one, two = np.zeros(len(ours), np.int64), np.ones(len(theirs), np.int64)
    with pytest.raises(DataError, match="too few to tell"):
        find_shift(ours, theirs, training_labels=one, test_labels=two)
    with pytest.raises(DataError, match="alike"):
        find_shift(images[:100], images[:100, :7])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(20, 400), st.integers(20, 400)), min_size=2, max_size=12))
def test_label_counts_agree_with_scipy(pairs):
    table = np.array(pairs).T
    found = compare_label_counts(*table)
    expected = stats.chi2_contingency(table, correction=False)
    assert found.chi_square == pytest.approx(expected.statistic)
    assert found.freedom == expected.dof
    assert found.cramers_v == pytest.approx(association(table, method="cramer"))
    if expected.expected_freq.min() >= 5:
        assert found.p_value == pytest.approx(expected.pvalue)


def test_rare_classes_are_judged_by_random_divisions():
    table = np.array([[9, 1, 0], [1, 3, 2]])
    totals, drawn = table.sum(axis=0), table[1].sum()
    expected = np.outer(table.sum(axis=1), totals) / table.sum()
    far = ((table - expected) ** 2 / expected).sum()
    as_far = 0.0  # the exact probability of all divisions that differ as much
    for division in itertools.product(*(range(total + 1) for total in totals)):
        if sum(division) == drawn:
            parts = np.array([totals - division, division])
            if ((parts - expected) ** 2 / expected).sum() >= far - 1e-9:
                as_far += stats.multivariate_hypergeom.pmf(division, totals, drawn)
    assert compare_label_counts(*table).p_value == pytest.approx(as_far, abs=0.004)
    even = compare_label_counts(np.array([3, 3, 3]), np.array([1, 1, 1]))
    assert (even.p_value, even.strength) == (1.0, "none")


def test_under_equal_shares_few_differences_are_called_so():
    rng = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    called = sum(
        compare_label_counts(rng.multinomial(60, shares), rng.multinomial(30, shares)).p_value < 0.05
        for _ in range(200)
    )
    assert called / 200 < 0.10


def test_empty_parts_and_single_classes_are_alike():
    assert compare_label_counts(np.array([5, 0]), np.array([7, 0])).p_value == 1.0
    assert compare_label_counts(np.array([5, 3]), np.array([0, 0])).p_value == 1.0
