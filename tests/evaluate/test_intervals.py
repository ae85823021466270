import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from handlens.evaluate import accuracy_interval, wilson


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(case):
    successes, n = case
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    found = wilson(successes, n)
    assert found.low == pytest.approx(expected.low, abs=1e-12)
    assert found.high == pytest.approx(expected.high, abs=1e-12)
    assert found.low <= found.mean <= found.high


def test_no_images_say_nothing():
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


@given(st.integers(2, 400), st.integers(0, 2**32), st.floats(0.05, 0.95))
def test_one_replicate_is_wilsons_interval(n, seed, p):
    correct = np.random.default_rng(seed).random((1, n)) < p
    found, expected = accuracy_interval(correct), wilson(correct.sum(), n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@given(st.integers(1, 5), st.integers(2, 200), st.integers(0, 2**32))
def test_the_interval_holds_its_mean_and_stays_within_0_and_1(replicates, n, seed):
    correct = np.random.default_rng(seed).random((replicates, n)) < 0.9
    found = accuracy_interval(correct)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.mean == pytest.approx(correct.mean())


def test_replicates_whose_mistakes_cancel_out_are_no_division_by_zero():
    found = accuracy_interval(np.array([[True, False], [False, True]]))
    assert found == wilson(1, 2)


def test_identical_replicates_are_worth_one():
    one = np.random.default_rng(0).random((1, 1000)) < 0.9
    three = np.repeat(one, 3, axis=0)
    assert accuracy_interval(three).low == pytest.approx(accuracy_interval(one).low, abs=1e-4)


def test_seeds_that_differ_widen_the_interval():
    rng = np.random.default_rng(0)
    alike = rng.random((3, 2000)) < 0.9
    unlike = rng.random((3, 2000)) < np.array([[0.8], [0.9], [0.98]])
    width = [accuracy_interval(c).high - accuracy_interval(c).low for c in (alike, unlike)]
    assert width[1] > 3 * width[0]


@pytest.mark.parametrize(
    ("replicates", "seeds", "n"), [(1, 0.0, 800), (3, 0.0, 800), (3, 0.3, 800), (5, 0.2, 800)]
)
def test_nominal_95_percent_covers_the_truth_in_about_95(replicates, seeds, n):
    """Right or wrong drawn from `logit p = 3 + seed + 3 * image`; 600 studies, standard error 0.9 points."""
    rng = np.random.default_rng(7)

    def p(seed, image):
        return 1 / (1 + np.exp(-(3 + seed + 3 * image)))

    truth = p(seeds * rng.standard_normal((2000, 1)), rng.standard_normal(2000)).mean()
    if seeds == 0:
        truth = p(0, rng.standard_normal(4_000_000)).mean()
    hits = 0
    for _ in range(600):
        chance = p(seeds * rng.standard_normal((replicates, 1)), rng.standard_normal(n))
        if replicates == 1 or seeds == 0:
            chance = p(0, rng.standard_normal(n))
        found = accuracy_interval(rng.random((replicates, n)) < chance)
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 600 <= 0.985
