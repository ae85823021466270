import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.evaluate.rescored import left_out_difference, overlapping_difference

TIMES = 4000 if os.environ.get("HANDLENS_SOAK") == "1" else 600


def test_newcombe_s_own_example():
    # Newcombe 1998, table II (a): 56/70 - 48/80 = 0.2, method 10: 0.0524 to 0.3339.
    right = np.repeat([True, False, True, False], [56, 14, 48, 32])
    found = left_out_difference(right, np.arange(150) >= 70)
    assert found.mean * 150 / 80 == pytest.approx(0.2)
    assert found.low * 150 / 80 == pytest.approx(0.0524, abs=5e-5)
    assert found.high * 150 / 80 == pytest.approx(0.3339, abs=5e-5)


@given(st.integers(0, 2**31), st.integers(1, 80))
def test_the_change_is_the_difference_of_the_two_accuracies(seed, n):
    rng = np.random.default_rng(seed)
    right, out = rng.random(n) < 0.8, rng.random(n) < 0.3
    found = left_out_difference(right, out)
    expected = right[~out].mean() - right.mean() if 0 < out.sum() < n else 0.0
    assert found.mean == pytest.approx(expected)
    assert found.low <= found.mean + 1e-12
    assert found.high >= found.mean - 1e-12


def test_nothing_left_out_changes_nothing_for_sure():
    assert left_out_difference(np.ones(5, bool), np.zeros(5, bool)) == left_out_difference(
        np.ones(5, bool), np.ones(5, bool)
    )


def test_leaving_images_out_covers_in_95_percent():
    rng, n, share, held = np.random.default_rng(0), 1000, 0.1, 0
    truth = share * (0.9 - 0.99)
    for _ in range(TIMES):
        out = np.arange(n) < share * n
        right = rng.random(n) < np.where(out, 0.99, 0.9)
        found = left_out_difference(right, out)
        held += found.low <= truth <= found.high
    assert 0.93 <= held / TIMES <= 0.98


@pytest.mark.parametrize("shared", [0, 200, 400])
def test_partly_shared_images_cover_in_95_percent(shared):
    rng, n, held = np.random.default_rng(shared), 400, 0
    of_first, of_second = np.arange(n), np.arange(n) + n - shared
    for _ in range(TIMES):
        hard = rng.random(2 * n) < 0.15  # images that both models find hard
        first = rng.random(n) > np.where(hard[of_first], 0.5, 0.03)
        second = rng.random(n) > np.where(hard[of_second], 0.6, 0.04)
        found = overlapping_difference(first, of_first, second, of_second)
        truth = -(0.15 * 0.1 + 0.85 * 0.01)
        held += found.low <= truth <= found.high
    assert 0.925 <= held / TIMES <= 0.975


def test_shared_images_make_the_difference_surer():
    rng = np.random.default_rng(0)
    right = rng.random(500) < 0.9
    pairs = overlapping_difference(right, np.arange(500), right, np.arange(500))
    apart = overlapping_difference(right, np.arange(500), right, np.arange(500) + 500)
    assert pairs.mean == apart.mean == 0
    assert pairs.high - pairs.low < 0.2 * (apart.high - apart.low)
