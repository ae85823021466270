"""Preparations against NumPy in float64, and their life as plain data."""

import json

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.data import prepare
from handlens.data.prepare import KINDS, Preparation, fit_preparation
from handlens.errors import DataError

batches = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 3])),
    elements=st.integers(0, 255) | st.sampled_from([0, 255]),
)


@given(batches)
def test_unit_maps_to_the_unit_interval(batch):
    got = fit_preparation("unit", batch).apply(batch)
    assert got.dtype == np.float32
    assert np.abs(got - batch / 255).max() < 1e-7


@given(batches, st.sampled_from([("standardize", None), ("standardize-pixels", 0)]))
def test_standardizing_is_that_of_numpy(batch, kind_and_axis):
    kind, axis = kind_and_axis
    wide = batch.astype(np.float64)
    deviation = wide.std(axis=axis)
    constant = wide.min(axis=axis) == wide.max(axis=axis)
    expected = (wide - wide.mean(axis=axis)) / np.where(constant, 1, deviation)
    got = fit_preparation(kind, batch).apply(batch)
    assert got.dtype == np.float32
    # float32 holds a mean of up to 255 to about 1e-5, which a small deviation magnifies.
    assert np.abs(got - expected).max() < 1e-4 / np.where(constant, 1, deviation).min()


def test_a_constant_pixel_stays_finite_in_other_images():
    train = np.full((5, 2, 2, 1), 13, np.uint8)
    train[:, 0, 0, 0] = [0, 1, 2, 3, 4]
    prepared = fit_preparation("standardize-pixels", train).apply(np.full((1, 2, 2, 1), 15, np.uint8))
    assert prepared[0, 1, 1, 0] == 2.0
    assert prepared[0, 0, 0, 0] == pytest.approx(13 / np.sqrt(2))


def test_one_odd_pixel_among_many_images_is_not_taken_for_constant():
    train = np.full((70_000, 1, 1, 1), 255, np.uint8)
    train[0] = 254
    expected = np.std(train.astype(np.float64))
    assert 1 / fit_preparation("standardize-pixels", train).scale[0, 0, 0] == pytest.approx(
        expected, rel=1e-5
    )


def test_sums_of_many_bright_images_do_not_overflow():
    train = np.full((200_000, 1, 2, 1), 255, np.uint8)
    fitted = fit_preparation("standardize", train)
    assert (fitted.offset, fitted.scale) == (255, 1)


def test_chunks_do_not_change_the_result(monkeypatch):
    batch = np.random.default_rng(1).integers(0, 256, (50, 3, 3, 3), dtype=np.uint8)
    whole = fit_preparation("standardize-pixels", batch)
    monkeypatch.setattr(prepare, "_PIXELS_AT_ONCE", 40)
    chunked = fit_preparation("standardize-pixels", batch)
    assert (whole.offset == chunked.offset).all()
    assert (whole.scale == chunked.scale).all()


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_read_back_it_is_the_same_to_the_bit(kind):
    batch = np.random.default_rng(2).integers(0, 256, (50, 3, 4, 3), dtype=np.uint8)
    fitted = fit_preparation(kind, batch)
    again = Preparation.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.kind == kind
    assert (again.apply(batch) == fitted.apply(batch)).all()


def test_it_is_fitted_on_training_images_alone():
    train = np.zeros((4, 2, 2, 1), np.uint8)
    assert (fit_preparation("standardize", train).apply(train + np.uint8(3)) == 3).all()


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ({"kind": "unit", "offset": 0.0}, "damaged"),
        ({"kind": "unit", "offset": [0.0], "scale": [1.0]}, "finite offset and scale"),
        ({"kind": "unit", "offset": 0.0, "scale": float("inf")}, "finite offset and scale"),
        ({"kind": "unit", "offset": "x", "scale": 1.0}, "damaged"),
        ({"kind": "standardise", "offset": 0.0, "scale": 1.0}, "did you mean 'standardize'"),
    ],
)
def test_damaged_plain_data_are_refused(plain, says):
    with pytest.raises(DataError, match=f"(?i){says}"):
        Preparation.from_dict(plain)


def test_images_of_another_size_are_refused():
    fitted = fit_preparation("standardize-pixels", np.zeros((2, 4, 4, 1), np.uint8))
    with pytest.raises(DataError, match=r"\[4, 4, 1\]"):
        fitted.apply(np.zeros((2, 4, 5, 1), np.uint8))


def test_no_images_to_fit_on():
    with pytest.raises(DataError, match="no images"):
        fit_preparation("standardize", np.zeros((0, 4, 4, 1), np.uint8))
