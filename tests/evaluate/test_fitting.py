"""What curves of training say in words, and gaps between accuracies."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.evaluate import Interval, wilson
from handlens.evaluate.fitting import curves, gap, judge, training_interval
from handlens.records import Epoch

SHAPES = {
    "well fitted": lambda t: 0.3 + 0.7 * np.exp(-12 * t),
    "over-fitted": lambda t: 0.3 + 0.7 * np.exp(-12 * t) + 0.15 * np.clip(t - 0.4, 0, None),
    "not yet fitted": lambda t: 2 * np.exp(-t),
}


def losses(state, epochs, replicates, rng, noise=0.01):
    mean = SHAPES[state](np.arange(1, epochs + 1) / epochs)
    return mean * (1 + 0.01 * rng.standard_normal((replicates, 1))) + noise * rng.standard_normal(
        (replicates, epochs)
    )


@pytest.mark.parametrize("state", SHAPES)
@pytest.mark.parametrize(("epochs", "replicates"), [(12, 1), (12, 3), (40, 1), (100, 3)])
def test_each_state_is_told_through_the_noise(state, epochs, replicates):
    rng = np.random.default_rng(0)
    accuracy = np.full((replicates, epochs), 0.9)
    found = [judge(losses(state, epochs, replicates, rng), accuracy, 500) for _ in range(60)]
    said = [f.state for f in found]
    needed = 45 if state == "over-fitted" and (epochs, replicates) == (12, 1) else 56
    assert said.count(state) >= needed
    if state == "over-fitted":
        since = [f.since for f in found if f.since]
        assert np.median(since) == pytest.approx(0.42 * epochs, abs=0.15 * epochs + 1)
        assert found[said.index(state)].words == f"over-fitted since epoch {found[said.index(state)].since}"
    else:
        assert all(f.since is None for f in found if f.state == state)


def test_pure_noise_is_seldom_taken_for_over_fitting():
    rng = np.random.default_rng(1)
    told = [
        judge(0.3 + 0.02 * rng.standard_normal((r, e)), np.full((r, e), 0.9), 500).state
        for r in (1, 2, 3) for e in (6, 12, 30) for _ in range(60)
    ]  # fmt: skip
    assert told.count("over-fitted") / len(told) <= 0.06


def test_a_rise_of_next_to_no_wrong_images_proves_nothing():
    loss = np.array([[1.0, 0.5, 0.3, 0.2, 0.25, 0.3, 0.35, 0.4]])
    many, few = (np.full((1, 8), share) for share in (0.9, 0.999))
    assert judge(loss, many, 1000).state == "over-fitted"
    assert judge(loss, few, 1000).state != "over-fitted"


def test_too_few_epochs_and_too_much_noise_cannot_be_told():
    assert judge(np.array([[1.0, 0.5, 0.9]]), np.full((1, 3), 0.9), 500).state == "cannot tell"
    wild = np.array([[1.0, 0.4, 0.9, 0.35, 0.8, 0.45, 0.95, 0.3, 0.85, 0.4]])
    assert judge(wild, np.full((1, 10), 0.9), 500).state == "cannot tell"


def test_curves_are_those_that_all_replicates_reached():
    def history(n, **fields):
        return [Epoch(i + 1, 1.0, 0.5, 0.5, 2.0 - i / 10, 0.4 + i / 100, 0.4, **fields) for i in range(n)]

    loss, accuracy = curves([history(5), history(3)])
    assert loss.shape == accuracy.shape == (2, 3)
    assert loss[1] == pytest.approx([2.0, 1.9, 1.8])
    assert curves([history(3), []]) is None
    assert curves([]) is None
    assert curves([[Epoch(1, 1.0, 0.5, 0.5)]]) is None
    assert curves([[Epoch(1, 1.0, 0.5, 0.5, math.inf, 0.5, 0.5)]]) is None


def test_a_gap_is_newcombes_example():
    """56 of 70 less 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    found = gap("first", wilson(56, 70), "second", wilson(48, 80))
    assert (found.interval.low, found.interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.beyond_noise
    assert not gap("a", Interval(0.9, 0.85, 0.93), "b", Interval(0.88, 0.86, 0.92)).beyond_noise


@given(st.lists(st.floats(0.5, 1.0), min_size=1, max_size=5), st.integers(10, 60_000))
def test_training_accuracy_has_an_interval_around_it(accuracies, images):
    found = training_interval(accuracies, images)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    alone = wilson(float(np.mean(accuracies)) * images, images)
    assert found.high - found.low >= alone.high - alone.low - 1e-9
