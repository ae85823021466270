"""Cut products equal whole ones, whatever the shapes; slices are equal and small."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlens.nn.products import FEW, FEWER, SMALL, row_cuts, sliced, slices

SIDE = st.integers(1, 40)
LONG = st.integers(1, 9).map(lambda i: 960 * i)


def arrays(rows, inner, columns, dtype="float64"):
    rng = np.random.default_rng(rows * inner + columns)
    return rng.standard_normal((rows, inner)).astype(dtype), rng.standard_normal((inner, columns)).astype(
        dtype
    )


@settings(deadline=None)
@given(SIDE, SIDE, LONG)
def test_a_wide_product_is_the_same_in_slices(rows, inner, columns):
    a, b = arrays(rows, inner, columns)
    out = np.full((rows, columns), np.nan)
    sliced(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)


@settings(deadline=None)
@given(SIDE, LONG, SIDE)
def test_a_product_over_a_long_side_is_the_same_in_slices(rows, inner, columns):
    a, b = arrays(rows, inner, columns)
    out = np.full((rows, columns), np.nan)
    sliced(a, np.ascontiguousarray(b.T).T, out)  # as the gradient of a kernel comes: the images last
    np.testing.assert_allclose(out, a @ b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("shape", "cut"),
    [((24, 36, 9216), True), ((36, 9216, 24), True), ((64, 216, 1024), False), ((500, 784, 128), False)],
    ids=str,
)
def test_products_of_small_kernels_are_the_ones_that_are_cut(shape, cut, monkeypatch):
    a, b = arrays(*shape, dtype="float32")
    seen = []
    matmul = np.matmul
    monkeypatch.setattr(np, "matmul", lambda *given, **named: seen.append(given) or matmul(*given, **named))
    sliced(a, b, np.empty((shape[0], shape[2]), "float32"))
    assert [x.ndim == 3 or y.ndim == 3 for x, y in seen] == [cut]
    for x, y in seen:
        assert not cut or x.shape[-2] * x.shape[-1] * y.shape[-1] <= SMALL


def test_an_output_whose_columns_are_strided_is_filled_too():
    a, b = arrays(24, 36, 9216)
    out = np.empty((9216, 24)).T
    sliced(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)


@settings(deadline=None)
@given(st.integers(1, 10**5), st.integers(1, max(FEW, FEWER)))
def test_slices_are_equal_and_as_few_as_make_the_products_small(length, others):
    count = slices(length, others)
    assert length % count == 0
    assert count == 1 or length // count * others <= SMALL


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers(1, 1000), st.integers(1, 300))
def test_parts_of_a_product_cover_every_row_once(rows, inner, columns):
    covered = np.concatenate([np.arange(rows)[cut] for cut in row_cuts(rows, inner, columns)])
    np.testing.assert_array_equal(covered, np.arange(rows))
