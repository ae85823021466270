"""Keras and JAX, for the modules of this package. Keras works on JAX unless KERAS_BACKEND says otherwise."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from handlens.errors import HandlensError

# ~/.keras/keras.json is what Keras writes by itself, no choice of the user's.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if missing := [name for name in ("keras", "jax") if importlib.util.find_spec(name) is None]:
    raise HandlensError(
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
        where='engine = "keras"',
        remedy="install it with: pip install 'handlens[keras]'",
    )

import jax as _jax
import keras as _keras

jax: Any = _jax
jnp: Any = _jax.numpy
keras: Any = _keras
ON_JAX: bool = _keras.backend.backend() == "jax"
