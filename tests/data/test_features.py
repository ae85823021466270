"""Mean, variance, deviation and entropy against the formulas, one image at a time."""

import math
from collections import Counter
from importlib import import_module

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.data.features import features, grey

images = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3])),
    elements=st.integers(0, 255) | st.sampled_from([0, 255]),
)


def naive(levels: list[int]) -> tuple[float, float, float, float]:
    mean = math.fsum(levels) / len(levels)
    variance = math.fsum((x - mean) ** 2 for x in levels) / len(levels)
    shares = [count / len(levels) for count in Counter(levels).values()]
    return mean, variance, math.sqrt(variance), -math.fsum(p * math.log2(p) for p in shares)


@given(images)
def test_features_are_those_of_the_formulas(batch):
    got = features(batch)
    for i, levels in enumerate(grey(batch).tolist()):
        expected = naive(levels)
        assert (got.mean[i], got.variance[i]) == pytest.approx(expected[:2], abs=1e-9)
        assert (got.deviation[i], got.entropy[i]) == pytest.approx(expected[2:], abs=1e-6)
    assert got.mean.shape == got.entropy.shape == (len(batch),)


@given(images)
def test_grey_levels_stay_within_the_channels(batch):
    levels = grey(batch).reshape(batch.shape[:3])
    assert (levels >= batch.min(axis=3)).all()
    assert (levels <= batch.max(axis=3)).all()


def test_grey_levels_of_pure_colours():
    pure = np.eye(3, dtype=np.uint8).reshape(3, 1, 1, 3) * 255
    assert grey(pure).ravel().tolist() == [76, 150, 29]


def test_entropy_of_a_blank_and_of_an_even_image():
    blank = np.full((1, 16, 16, 1), 7, np.uint8)
    even = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    got = features(np.concatenate([blank, even]))
    assert got.entropy.tolist() == [0.0, 8.0]
    assert math.copysign(1, got.entropy[0]) == 1
    assert got.variance[0] == 0


def test_chunks_do_not_change_the_result(monkeypatch):
    batch = np.random.default_rng(0).integers(0, 256, (25, 5, 4, 1), dtype=np.uint8)
    whole = features(batch)
    monkeypatch.setattr(import_module("handlens.data.features"), "_PIXELS_AT_ONCE", 60)
    chunked = features(batch)
    for name in ("mean", "variance", "deviation", "entropy"):
        assert (getattr(whole, name) == getattr(chunked, name)).all()
