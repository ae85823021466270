"""McNemar's test, Holm's method and the paired difference against known values and formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from handlens.evaluate.compare import difference, holm, mcnemar
from handlens.evaluate.compare.mcnemar import from_counts
from handlens.evaluate.crossed import crossed


@pytest.mark.parametrize(
    ("counts", "p", "mid_p"),
    [
        ((1, 7), 0.0703125, 0.0390625),  # Fagerland, Lydersen & Laake 2013, airway data
        ((0, 5), 0.0625, 0.03125),
        ((3, 3), 1.0, 1.0),
        ((0, 0), 1.0, 1.0),
        ((10, 2), 0.03857421875, 0.0224609375),
    ],
)
def test_mcnemar_by_a_table_of_known_values(counts, p, mid_p):
    for one, other in (counts, counts[::-1]):
        found = from_counts(one, other)
        assert (found.p, found.mid_p) == pytest.approx((p, mid_p))


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(b, c):
    found = from_counts(b, c)
    assert found.p == pytest.approx(stats.binomtest(b, b + c).pvalue if b + c else 1.0)
    assert 0 < found.mid_p <= found.p <= 1


def test_mcnemar_counts_what_only_one_was_right_about():
    first = np.array([1, 1, 1, 0, 0, 1], bool)
    second = np.array([1, 0, 0, 1, 0, 0], bool)
    found = mcnemar(first, second)
    assert (found.first_only, found.second_only) == (3, 1)


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # R: p.adjust(p, "holm")
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
        ([0.01, 0.01, 0.01], [0.03, 0.03, 0.03]),
    ],
)
def test_holm_by_a_table_of_known_values(p, adjusted):
    np.testing.assert_allclose(holm(p), adjusted)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_is_monotone_and_between_the_raw_p_and_bonferroni(p):
    found, raw = holm(p), np.array(p)
    assert (found >= raw).all()
    assert (found <= np.minimum(1, raw * len(raw)) + 1e-15).all()
    order = np.argsort(raw, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


@st.composite
def rights(draw, least=1):
    replicates, n = draw(st.integers(least, 5)), draw(st.integers(2, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shares = draw(st.tuples(st.floats(0, 1), st.floats(0, 1)))
    return tuple(rng.random((replicates, n)) < share for share in shares)


@given(rights())
def test_the_difference_is_that_of_the_accuracies_and_turns_with_its_sides(pair):
    a, b = pair
    found, turned = difference(a, b), difference(b, a)
    interval, other = found.interval(), turned.interval()
    assert found.mean == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    assert -1 <= interval.low <= found.mean <= interval.high <= 1
    assert (interval.low, interval.high) == pytest.approx((-other.high, -other.low), abs=1e-12)
    assert found.p_different() == pytest.approx(turned.p_different())


@given(rights(), st.floats(0.01, 0.5))
def test_p_values_and_the_interval_say_the_same(pair, margin):
    found = difference(*pair)
    low, high = found.mean - found.spread.reach(0.95), found.mean + found.spread.reach(0.95)
    if min(abs(low), abs(high), abs(low + margin), abs(high - margin)) > 1e-9:
        assert (found.p_different() < 0.05) == (low > 0 or high < 0)
        assert (found.p_equivalent(margin) < 0.05) == (-margin < low and high < margin)


def test_one_replicate_is_the_paired_t_test_with_two_more_images():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 1, 300)) < np.array([0.95, 0.9])[:, None, None]
    each = a[0].astype(float) - b[0]
    expected = (each.var(ddof=1) + 2 / 299) / 300
    half = stats.t.ppf(0.975, 299) * math.sqrt(expected)
    assert difference(a, b).interval().high == pytest.approx(each.mean() + half)


def test_the_parts_of_a_variance_are_found():
    """Crossed effects drawn with known variances; means of 400 draws."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(400):
        values = 2 * rng.standard_normal(80) + rng.standard_normal((6, 1)) + 3 * rng.standard_normal((6, 80))
        found.append(crossed(values))
    assert np.mean([s.image for s in found]) == pytest.approx(4 / 80, rel=0.05)
    assert np.mean([s.seed for s in found]) == pytest.approx(1 / 6 + 9 / 480, rel=0.1)
    assert np.mean([s.rest for s in found]) == pytest.approx(9 / 480, rel=0.02)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="expected the same replicates and images"):
        difference(np.ones((2, 9), bool), np.ones((3, 9), bool))
    with pytest.raises(ValueError, match="at least 2"):
        difference(np.ones((2, 1), bool), np.ones((2, 1), bool))
