"""Duplicates: identical images, families, parts and labels; what the images show decides, not their order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from planted_copies import grey_levels
from scipy import ndimage

import handlens
from handlens.errors import DataError
from handlens.evaluate.leaks import find_duplicates


@pytest.fixture(scope="module")
def digits():
    return handlens.load("mnist-5k").train.images[:10]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_tiny_sets(n, digits):
    result = find_duplicates(digits[:n])
    assert len(result) == 0
    assert result.families.tolist() == list(range(n))
    assert result.has_duplicate.tolist() == [False] * n
    twice = find_duplicates([digits[:n], digits[: n + 2]])
    assert twice.pairs.tolist() == [[k, n + k] for k in range(n)]
    assert twice.leaked(part=1, into=0).tolist() == [False] * n + [True] * n + [False] * 2
    assert twice.leaked(part=0, into=1).tolist() == [True] * n + [False] * (n + 2)
    assert twice.counts == ({"exact": n} if n else {})


def test_many_copies_of_one_image_are_a_chain_not_a_square(digits):
    images = np.concatenate([np.repeat(digits[:1], 10_000, axis=0), np.zeros((500, 28, 28, 1), np.uint8)])
    result = find_duplicates(images)
    assert len(result) == 9_999 + 499
    assert result.sizes.tolist() == [10_000, 500]
    assert result.counts == {"exact": 10_498}


def test_blank_pictures_of_different_brightness_are_different():
    blanks = np.repeat(np.arange(0, 250, 50, dtype=np.uint8), 3).reshape(-1, 1, 1, 1) * np.ones(
        (1, 9, 9, 1), np.uint8
    )
    result = find_duplicates(blanks)
    assert result.families.tolist() == np.repeat(np.arange(5), 3).tolist()


def test_labels_that_contradict_each_other_are_pointed_at(digits):
    result = find_duplicates([digits[:5], digits[:5]], labels=[[0, 1, 2, 3, 4], [0, 1, 2, 9, 4]], near=False)
    assert result.contradictions.tolist() == [False, False, False, True, False]
    assert np.isnan(result.threshold)


@pytest.mark.parametrize(
    "arguments",
    [
        {"images": np.zeros((3, 4, 4, 1), np.float32)},
        {"images": np.zeros((3, 4), np.uint8)},
        {"images": [np.zeros((3, 4, 4, 1), np.uint8), np.zeros((3, 5, 4, 1), np.uint8)]},
        {"images": np.zeros((3, 4, 4, 1), np.uint8), "parts": [0, 1]},
        {"images": np.zeros((3, 4, 4, 1), np.uint8), "labels": [0.5, 1, 2]},
    ],
)
def test_what_does_not_fit_is_said(arguments):
    with pytest.raises(DataError):
        find_duplicates(**arguments)


few = arrays(
    np.uint8, st.tuples(st.integers(0, 12), st.just(3), st.just(3), st.just(1)), elements=st.integers(0, 2)
)


@given(few, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_exact_copies_are_found_in_any_order(images, random):
    order = list(range(len(images)))
    random.shuffle(order)
    result = find_duplicates(images[order], near=False)
    for i in range(len(images)):
        for j in range(len(images)):
            same = np.array_equal(images[order[i]], images[order[j]])
            assert (result.families[i] == result.families[j]) == same
    assert (result.pairs[:, 0] < result.pairs[:, 1]).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=2)
def test_permuting_the_images_permutes_the_result(seed):
    rng = np.random.default_rng(seed)
    images = grey_levels(ndimage.gaussian_filter(rng.uniform(0, 255, (40, 12, 12)), (0, 1, 1)) * 2 - 127)
    images = np.concatenate(
        [images, grey_levels(images[:10] * 0.9 + rng.normal(0, 2, (10, 12, 12))), images[:3]]
    )
    order = rng.permutation(len(images))
    plain, mixed = find_duplicates(images), find_duplicates(images[order])
    assert (
        (plain.families[order][:, None] == plain.families[order])
        == (mixed.families[:, None] == mixed.families)
    ).all()
    near = [k for k, kind in enumerate(plain.kinds) if kind != "exact"]
    assert near
    assert plain.threshold == mixed.threshold
    again = find_duplicates(images)
    assert np.array_equal(again.pairs, plain.pairs)
    assert again.kinds == plain.kinds
    assert len({tuple(pair) for pair in plain.pairs.tolist()}) == len(plain)
    assert (plain.pairs[:, 0] < plain.pairs[:, 1]).all()
