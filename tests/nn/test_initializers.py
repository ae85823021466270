"""First values: variances, limits, orthogonality; and the error function."""

from __future__ import annotations

import math

import numpy as np
import pytest

from handlens.nn import initializers
from handlens.nn.erf import erf

SHAPE = (3, 3, 40, 60)
FAN_IN, FAN_OUT = 9 * 40, 9 * 60
VARIANCES = {"glorot": 2 / (FAN_IN + FAN_OUT), "he": 2 / FAN_IN, "lecun": 1 / FAN_IN}


@pytest.mark.parametrize("family", VARIANCES)
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_variance_and_limits(family: str, kind: str) -> None:
    values = initializers.REGISTRY[f"{family}_{kind}"](SHAPE, np.random.default_rng(0))
    variance = VARIANCES[family]
    limit = math.sqrt(3 * variance) if kind == "uniform" else 2 * math.sqrt(variance) / 0.87962566
    assert values.shape == SHAPE
    assert values.var() == pytest.approx(variance, rel=0.03)
    assert values.mean() == pytest.approx(0, abs=4 * math.sqrt(variance / values.size))
    assert 0.99 * limit < np.abs(values).max() <= limit


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (2, 3, 4, 5), (1, 1)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    q = initializers.orthogonal(shape, np.random.default_rng(0)).reshape(-1, shape[-1])
    small = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    assert np.allclose(small, np.eye(len(small)), atol=1e-12)


def test_the_same_seed_gives_the_same_values() -> None:
    for initializer in initializers.REGISTRY.values():
        first, second = (initializer((4, 6), np.random.default_rng(5)) for _ in range(2))
        assert np.array_equal(first, second)


def test_erf_is_the_error_function() -> None:
    x = np.concatenate([np.linspace(-7, 7, 4001), [0.46875, -0.46875, 1e-300, 0.0, 1e300, -1e300]])
    assert np.allclose(erf(x), [math.erf(v) for v in x], rtol=2e-15, atol=1e-16)
    assert erf(x[:4001].astype(np.float32)).dtype == np.float32
