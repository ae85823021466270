"""Keras on JAX: `model.fit`, as the labs do it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras

from benchmarks.peers import keras_models as models

Step = Callable[[], Any]


def version() -> str:
    return f"Keras {keras.__version__}, JAX {jax.__version__}"


CHECKS: dict[str, Any] = {}
WORKS = {"keras-dense": models.dense}
