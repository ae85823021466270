"""The law of an error by training images, and when it allows a forecast."""

import numpy as np
import pytest

from handlens.evaluate.power_law import errors_of, fit_power_law

SIZES = np.array([281, 562, 1125, 2250, 4500])


def answers(errors, replicates=3, n=2000, seed=0):
    """Right and wrong of images of fixed difficulty, most of it the same in every size and seed."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n)
    score = 0.7 * hard + 0.3 * rng.random((len(errors), replicates, n))
    known = np.sort(0.7 * rng.random(100_000) + 0.3 * rng.random(100_000))
    limit = known[(np.asarray(errors) * 100_000).astype(int)]
    return score >= limit[:, None, None]


def test_a_law_that_goes_on_falling_is_found_and_its_forecast_holds_the_truth():
    held = []
    for seed in range(8):
        found = fit_power_law(SIZES, answers(3 * SIZES**-0.6, seed=seed))
        assert found.supported, found.reason
        assert found.more.low <= found.more.mean <= found.more.high
        assert found.gain.low > 0
        assert found.error(2250) == pytest.approx(3 * 2250**-0.6, rel=0.3)
        held.append(found.more.low <= 3 * 45_000**-0.6 <= found.more.high)
    assert sum(held) >= 6


def test_a_floor_is_no_ground_for_a_forecast():
    found = [fit_power_law(SIZES, answers(np.full(5, 0.05), seed=seed)) for seed in range(6)]
    assert not any(law.supported for law in found)
    assert all("cannot tell" in law.reason or "power law" in law.reason for law in found)


def test_errors_that_rise_and_fall_follow_no_law():
    found = fit_power_law(SIZES, answers([0.1, 0.3, 0.05, 0.25, 0.02]))
    assert not found.supported
    assert "do not follow" in found.reason
    assert found.p_value < 0.01


def test_three_sizes_are_too_few():
    found = fit_power_law(SIZES[:3], answers(3 * SIZES[:3] ** -0.6))
    assert not found.supported
    assert "four are needed" in found.reason
    assert found.p_value is None


def test_perfect_answers_fit_and_promise_nothing():
    found = fit_power_law(SIZES, np.ones((5, 2, 100), dtype=bool))
    assert found.more.mean == pytest.approx(0, abs=1e-6)
    assert not found.supported


def test_noise_holds_images_and_seeds():
    right = answers(3 * SIZES**-0.6)
    one = errors_of(right[:, :1])
    assert one.freedom == 0
    assert (one.seeds == 0).all()
    assert np.diag(one.images) == pytest.approx(one.mean * (1 - one.mean) / 2000, rel=1e-2)
    unlike = right.copy()
    unlike[:, 0, ::10] = False
    assert (errors_of(unlike).seeds > 5 * errors_of(right).seeds).all()
