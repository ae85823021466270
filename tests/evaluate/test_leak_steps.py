"""The steps of the search for near duplicates, one by one."""

import numpy as np
import pytest
from planted_copies import affine, grey_levels
from scipy import ndimage
from threadpoolctl import threadpool_info

from handlens.evaluate.leaks import find_duplicates, near
from handlens.evaluate.leaks.align import align, both_ways, inverse
from handlens.evaluate.leaks.candidates import within
from handlens.evaluate.leaks.canvas import blurred, canvas, sharp, warp
from handlens.evaluate.leaks.clipped import relight
from handlens.evaluate.leaks.threshold import CHANCE, below


@pytest.fixture
def textures():
    """uint8 [60, 28, 28, 1]: fine-grained pictures, in which blur is easily seen."""
    noise = np.random.default_rng(5).normal(0, 1, (60, 28, 28))
    return grey_levels(128 + 150 * ndimage.gaussian_filter(noise, (0, 1.1, 1.1)))[..., None]


@pytest.mark.parametrize("power", [3.0, 5.0, 8.0])
@pytest.mark.parametrize("copies", [0, 3000])
def test_no_more_strangers_than_promised_lie_below_the_threshold(power, copies):
    edge, n = 1e-3, 30_000
    scale = edge * 0.03 ** (-1 / power)  # three in a hundred strangers fit as well as a copy
    rng = np.random.default_rng(int(power) + copies)
    best = np.concatenate([scale * rng.random(n) ** (1 / power), edge * rng.random(copies) ** 2])
    share = (below(best, edge) / scale) ** power
    assert 0.3 * CHANCE <= share <= 1.3 * CHANCE


def test_where_no_stranger_comes_near_copies_alone_decide():
    assert below(np.r_[np.full(5000, 0.1), np.full(500, 1e-4)], 1e-3) == 1e-3


def test_pairs_within_a_limit_are_all_of_them():
    rng = np.random.default_rng(0)
    numbers = rng.normal(0, 1, (2500, 6)).astype(np.float32)
    queries, limit = numbers[:700] + np.float32(0.1), rng.uniform(0.2, 1.5, 700)
    apart = np.linalg.norm(queries[:, None].astype(float) - numbers, axis=2)
    expected = {(q, g) for q, g in np.argwhere(apart <= limit[:, None]).tolist() if q != g}
    found = {tuple(pair) for pair in within(numbers, queries, limit).tolist()}
    doubtful = {tuple(pair) for pair in np.argwhere(np.abs(apart - limit[:, None]) < 1e-5).tolist()}
    assert found ^ expected <= doubtful
    assert len(expected) > 1000


def test_a_motion_and_its_inverse_cancel(textures):
    rng = np.random.default_rng(1)
    motion = rng.uniform(-1, 1, (60, 4)) * [2, 2, 0.1, 0.1]
    assert inverse(inverse(motion)) == pytest.approx(motion)
    smooth = ndimage.gaussian_filter(canvas(textures), (0, 2, 2))
    there, _ = warp(smooth, np.arange(60), motion)
    back, inside = warp(there.reshape(smooth.shape), np.arange(60), inverse(motion), 4)
    assert np.abs(back - smooth.reshape(back.shape))[inside].max() < 0.02


def test_a_pair_is_turned_over_where_it_fits_better_that_way(textures):
    small = np.stack([grey_levels(affine(image[..., 0], scale=0.9)) for image in textures])
    pictures = canvas(np.concatenate([textures, small[..., None]]))
    pairs = np.column_stack([60 + np.arange(60), np.arange(60)])  # the wrong way round: the small one first
    fits = align(pictures, pictures, pairs[:, 0], pairs[:, 1], np.zeros((60, 4)), 8)
    turned, better = both_ways(pictures, pairs, fits, 5)
    assert (turned[:, 0] < 60).mean() >= 0.9
    assert (better.misfit <= fits.misfit).all()
    assert np.median(better.misfit) < 0.5 * np.median(fits.misfit)
    scale = np.hypot(1 + better.motion[:, 2], better.motion[:, 3])
    assert np.where(turned[:, 0] < 60, scale, 1 / scale) == pytest.approx(1 / 0.9, abs=0.03)


@pytest.mark.parametrize("lit_first", [False, True])
def test_light_that_white_cut_off_is_no_misfit(textures, lit_first):
    lit = grey_levels(textures * 1.2 + 25.0)
    assert (lit == 255).mean() > 0.05
    clear = sharp(np.concatenate([lit, textures] if lit_first else [textures, lit]))
    pictures = blurred(clear)
    pairs = np.column_stack([np.arange(60), 60 + np.arange(60)])
    fits = align(pictures, pictures, pairs[:, 0], pairs[:, 1], np.zeros((60, 4)), 8)
    better = relight(clear, pictures, pairs, fits)
    assert (better.misfit <= fits.misfit).all()
    assert np.median(better.misfit) < 0.1 * np.median(fits.misfit)
    gain = 1 / better.light[:, 0] if lit_first else better.light[:, 0]
    assert np.median(gain) == pytest.approx(1.2, abs=0.02)


def test_blas_does_not_thread_beside_our_threads(textures, monkeypatch):
    """Two pools on the same cores made the search ten times as slow."""
    seen = []
    search = near.search

    def spy(*given):
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return search(*given)

    monkeypatch.setattr(near, "search", spy)
    find_duplicates(textures)
    assert seen
    assert set(seen) == {1}
