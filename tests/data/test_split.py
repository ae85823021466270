"""Splits: disjoint, stratified, seeded, whole groups."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handlens.data.split import split
from handlens.errors import DataError

labelings = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(lambda x: np.array(x, dtype=np.int64))


@given(labelings, st.floats(0, 1), st.integers(0, 5))
def test_every_image_is_on_one_side_and_every_class_in_its_share(labels, part, seed):
    sizes = np.bincount(labels)
    most = len(labels) - np.count_nonzero(sizes)
    assume(most)
    count = 1 + int(part * (most - 1))
    parts = split(labels, count, seed)
    assert parts.train.dtype == parts.validation.dtype == np.int64
    assert sorted([*parts.train, *parts.validation]) == list(range(len(labels)))
    assert (np.diff(parts.validation) > 0).all()
    assert len(parts.validation) == count
    held = np.bincount(labels[parts.validation], minlength=len(sizes))
    assert (held[sizes > 0] < sizes[sizes > 0]).all()
    # A class gets its fair share to within an image, or all but one image, which others make up for.
    bound = held < sizes - 1
    fair = count * sizes / len(labels)
    assert (held >= np.minimum(np.floor(fair), sizes - 1)).all()
    if bound.all():
        assert (np.abs(held - fair) < 1).all()


@given(labelings, st.integers(0, 9))
def test_equal_seeds_give_equal_splits(labels, seed):
    most = len(labels) - len(np.unique(labels))
    assume(most)
    first, second = split(labels, most, seed), split(labels, most, seed)
    assert (first.validation == second.validation).all()


def test_the_split_of_a_seed_stays_what_it_was():
    labels = np.repeat(np.arange(3), 10)
    assert split(labels, 6, 7).validation.tolist() == split(labels, 0.2, 7).validation.tolist()
    assert split(labels, 6, 7).validation.tolist() == [0, 7, 11, 12, 21, 29]


def test_seeds_differ():
    labels = np.repeat(np.arange(10), 100)
    assert set(split(labels, 0.1, 0).validation) != set(split(labels, 0.1, 1).validation)


def test_a_share_is_of_all_images():
    assert len(split(np.repeat([0, 1], 30_000), 0.1).validation) == 6_000


def test_the_only_image_of_a_class_is_never_held_back():
    labels = np.array([0] * 50 + [1])
    assert all(50 in split(labels, 0.5, seed).train for seed in range(20))


@pytest.mark.parametrize("wanted", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_share_outside_the_open_interval(wanted):
    with pytest.raises(DataError, match="share above 0 and below 1"):
        split(np.array([0, 1] * 10), wanted)


@pytest.mark.parametrize("wanted", [0, -1, 19, 20, 1000])
def test_a_count_that_cannot_be_met(wanted):
    with pytest.raises(DataError, match="expected 1 to 18"):
        split(np.array([0, 1] * 10), wanted)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=20, max_size=80),
    st.integers(1, 8),
    st.integers(0, 3),
)
def test_groups_stay_whole(rows, count, seed):
    labels, groups = np.array(rows).T
    try:
        parts = split(labels, count, seed, groups)
    except DataError:
        # Only where the smallest group is about twice what was asked for, or holds the last of a class.
        assume(False)
    assert not set(groups[parts.train]) & set(groups[parts.validation])
    assert len(parts.train) + len(parts.validation) == len(labels)
    assert set(labels[parts.train]) == set(labels)


def test_the_only_group_of_a_class_is_never_held_back():
    labels = np.array([0, 0, 0, 1, *[0] * 12])
    groups = np.arange(16) // 4
    assert all(3 in split(labels, 8, seed, groups).train for seed in range(20))


def test_many_small_groups_meet_the_count_and_the_shares():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), 5)
    labels = rng.integers(0, 4, 400)[groups]
    parts = split(labels, 0.25, 0, [f"person {g}" for g in groups])
    assert len(parts.validation) == pytest.approx(500, abs=20)
    shares = np.bincount(labels[parts.validation]) / np.bincount(labels)
    assert shares == pytest.approx(0.25, abs=0.03)


def test_one_group_cannot_be_split():
    with pytest.raises(DataError, match="no whole group fits"):
        split(np.array([0, 1] * 10), 5, groups=np.zeros(20))


def test_groups_must_be_one_an_image():
    with pytest.raises(DataError, match="one group an image"):
        split(np.array([0, 1] * 10), 5, groups=[1, 2])
