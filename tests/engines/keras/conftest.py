"""Keras on JAX, on the processor unless JAX_PLATFORMS says otherwise."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # each program runs once: compile it fast

pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
pytest.importorskip("keras", reason="Keras is not installed")
