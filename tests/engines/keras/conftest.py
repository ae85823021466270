"""Keras on JAX, on the processor unless JAX_PLATFORMS says otherwise."""

from __future__ import annotations

import pytest

pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
pytest.importorskip("keras", reason="Keras is not installed")
