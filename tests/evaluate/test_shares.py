"""Intervals of shares among images that the model chose itself, over seeds and images."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.evaluate import Interval, accuracy_interval, wilson
from handlens.evaluate.shares import jaccard_to_f1, share_interval

STUDIES = 4000 if os.environ.get("HANDLENS_SOAK") else 400


@given(st.integers(0, 2**32), st.integers(2, 200))
def test_one_replicate_is_wilsons_interval_of_those_among(seed, n):
    rng = np.random.default_rng(seed)
    among = rng.random((1, n)) < 0.4
    hits = among & (rng.random((1, n)) < 0.7)
    found, expected = share_interval(hits, among), wilson(float(hits.sum()), int(among.sum()))
    assert (found.mean, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high))


def test_of_all_images_it_is_nearly_the_interval_of_accuracy():
    rng = np.random.default_rng(0)
    right = rng.random((3, 2000)) < 0.9 + 0.05 * rng.standard_normal((3, 1))
    found, expected = share_interval(right, np.ones_like(right)), accuracy_interval(right)
    assert (found.mean, found.low, found.high) == pytest.approx(
        (expected.mean, expected.low, expected.high), abs=2e-3
    )


@given(st.floats(0, 1))
def test_f1_from_jaccards_share(j):
    assert jaccard_to_f1(Interval(j, j, j)).mean == pytest.approx(2 * j / (1 + j))


@pytest.mark.parametrize(("replicates", "seeds"), [(1, 0.0), (3, 0.0), (3, 0.4)])
def test_precision_and_f1_are_covered_in_about_95_percent(replicates, seeds):
    """A class is given where `2 own + image + seed + noise` is above 1.6; a fifth of 500 images are of it."""
    rng = np.random.default_rng(3)

    def study(n_images, n_seeds):
        own = rng.random(n_images) < 0.2
        image = rng.standard_normal(n_images)
        rest = rng.standard_normal((n_seeds, n_images))
        score = 2 * own + 0.7 * (image + rest) + seeds * rng.standard_normal((n_seeds, 1))
        return np.broadcast_to(own, score.shape), score > 1.6

    own, given = study(100_000, 40)
    truth = (own & given).sum() / given.sum(), (own & given).sum() / (own | given).sum()
    truth = truth[0], 2 * truth[1] / (1 + truth[1])
    hits = np.zeros(2)
    for _ in range(STUDIES):
        own, given = study(500, replicates)
        precision = share_interval(own & given, given)
        f1 = jaccard_to_f1(share_interval(own & given, own | given))
        hits += [i.low <= t <= i.high for i, t in zip((precision, f1), truth, strict=True)]
    covered = hits / STUDIES
    # Of all studies 93 to 98 %; the rest is the chance of so few of them.
    slack = 3 * np.sqrt(0.05 * 0.95 / STUDIES)
    assert (covered >= 0.94 - slack).all(), covered
    assert (covered <= 0.965 + slack + 0.01).all(), covered
