"""Training on more and more images: nested, stratified, resumed, named for what it is."""

import contextlib
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.data import Dataset, split
from handlens.errors import HandlensError, SpecError
from handlens.spec import from_dict
from handlens.studies.judging.learning_curve import learning_curves, nested_order, part_of, sizes_of
from handlens.studies.planning.plan import plan
from handlens.studies.training.run import run_study
from handlens.studies.training.trial import ready, training


@given(st.lists(st.integers(0, 4), min_size=10, max_size=120), st.integers(0, 2**32), st.data())
def test_every_beginning_is_stratified_and_holds_each_shorter_one(labels, seed, data):
    labels = np.array(labels)
    order = nested_order(labels, np.arange(len(labels)), seed)
    assert sorted(order) == list(range(len(labels)))
    n = data.draw(st.integers(1, len(labels)))
    counts, shares = (
        np.bincount(labels[order[:n]], minlength=5),
        np.bincount(labels, minlength=5) / len(labels),
    )
    present = (shares > 0).sum()
    assert (np.abs(counts - n * shares) <= 1 + present).all()
    if n >= present:
        assert (counts[shares > 0] > 0).all()


def test_sizes_by_halves_counts_and_shares():
    assert sizes_of(4500, 10) == (281, 562, 1125, 2250, 4500)
    assert sizes_of(100, 10) == (25, 50, 100)
    assert sizes_of(15, 10) == (15,)
    assert sizes_of(4500, 10, [1.0, 500, 0.5, 500]) == (500, 2250, 4500)
    for wrong in (5, 4501, 1.5, 0.0, -0.5):
        with pytest.raises(SpecError):
            sizes_of(4500, 10, [wrong])


def test_a_part_has_the_validation_images_of_the_whole_and_says_so(digits, small):
    whole = split(digits.train.labels, small.split.validation, small.split.seed)
    part = part_of(small, digits, 100)
    trial = part.dataset, part.study.split
    cut = split(trial[0].train.labels, trial[1].validation, trial[1].seed)
    assert len(cut.train) == 100
    held = part.dataset.train.take(cut.validation)
    expected = digits.train.take(whole.validation)
    assert (held.images == expected.images).all()
    assert (held.labels == expected.labels).all()
    assert part.dataset.name == f"digits-test:100-of-{len(whole.train)}"
    assert "trained on 100 of the" in part.dataset.notes[-1]
    assert part.dataset.digest != digits.digest
    all_of_it = part_of(small, digits, len(whole.train))
    assert all_of_it.dataset is digits
    assert all_of_it.study == small


class Sealed(np.ndarray):
    """Test images that may be hashed but not looked at."""

    def __array_ufunc__(self, *_, **__):
        raise AssertionError("a test image was touched")


@pytest.fixture
def sealed(digits):
    images = digits.test.images.view(Sealed)
    digest = digits.test.digest()
    test = dataclasses.replace(digits.test, images=images)
    object.__setattr__(test, "digest", lambda: digest)
    return Dataset("digits-test", digits.train, test)


def test_all_sizes_are_trained_once_and_the_test_images_stay_closed(sealed, small, store):
    told = []
    one = learning_curves(small, sealed, store, [0.25, 0.5, 1.0], command="handlens learning-curve")
    before = store.hashes()
    assert len(before) == 3 * 3 * 2
    assert not any(store.opened(hash) for hash in before)

    def refuse(jobs, *_, **__):
        told.extend(jobs)
        return {}

    two = learning_curves(small, sealed, store, [0.25, 0.5, 1.0], train=refuse)
    assert told == []
    assert store.hashes() == before
    for first, second in zip(one.curves, two.curves, strict=True):
        assert first.name == second.name
        assert (first.right == second.right).all()
        assert first.right.shape == (3, 2, one.validation)
        assert list(first.sizes) == sorted(first.sizes)
    net = next(curve for curve in one.curves if curve.name == "net")
    assert [runs[0].train_images for runs in net.runs] == list(net.sizes)
    assert [{run.trial.seed for run in runs} for runs in net.runs] == [{0, 1}] * 3
    assert net.runs[0][0].dataset.endswith(f":{net.sizes[0]}-of-{one.total}")
    assert any("trained on" in note for note in net.runs[0][0].notes)
    assert net.runs[-1][0].dataset == "digits-test"
    with pytest.raises(AssertionError, match="test image was touched"):
        run_study(small, sealed, store)


def test_the_whole_is_the_ordinary_study(digits, small, store):
    run_study(small, digits, store)
    before = set(store.hashes())
    learning_curves(small, digits, store, [1.0])
    assert set(store.hashes()) == before


def test_it_goes_on_where_it_was_stopped(digits, small, store):
    def stop(size):
        if size > 200:
            raise KeyboardInterrupt
        return never()

    @contextlib.contextmanager
    def never():
        yield lambda event: None

    with pytest.raises(KeyboardInterrupt):
        learning_curves(small, digits, store, [0.25, 1.0], watched=stop)
    there = set(store.hashes())
    assert len(there) == 6
    learning_curves(small, digits, store, [0.25, 1.0])
    assert there < set(store.hashes())


def test_a_recipe_that_fails_costs_its_own_points_alone(digits, small, store):
    huge = from_dict(
        {"name": "huge steps", "layers": ["Flatten()", "Dense(8)"], "optimizer": "SGD(1e30)", "epochs": 2}
    )
    study = dataclasses.replace(small, recipes=(small.recipes[0], huge), replicates=1)
    found = learning_curves(study, digits, store, [0.5, 1.0])
    assert [curve.name for curve in found.curves] == ["dummy"]
    assert len(found.failures) == 2
    assert "huge steps" in found.failures[0]
    assert "images" in found.failures[0]
    with pytest.raises(HandlensError):
        learning_curves(dataclasses.replace(study, recipes=(huge,)), digits, store, [0.5])


def test_what_a_size_is_trained_on_is_nested(digits, small):
    seen = []
    for size in (60, 120, 240):
        part = part_of(small, digits, size)
        trial = plan(part.study, part.dataset)[0].trial
        images = ready(trial, training(part.dataset)).train
        seen.append({image.tobytes() for image in images.images})
    assert seen[0] <= seen[1] <= seen[2]
