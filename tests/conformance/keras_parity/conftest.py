"""Keras on JAX, on the processor, in single and in double precision."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent))  # layer_examples

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


@pytest.fixture(params=list(TOLERANCE))
def dtype(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The floating type that Keras and JAX work in meanwhile.

    On JAX, Keras halves the precision of every float64 that meets a number in between (means, tanh). It
    has a table for that, which differs with the backend; with TensorFlow's entry JAX keeps float64 too.
    """
    import jax
    import keras
    from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE

    monkeypatch.setitem(BIT64_TO_BIT32_DTYPE, "float64", "float64")
    before = keras.config.floatx()
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)
    with jax.enable_x64(request.param == "float64"):
        yield request.param
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(before)


@pytest.fixture
def tolerance(dtype: str) -> float:
    return TOLERANCE[dtype]
