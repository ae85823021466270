"""Adam's steps in single precision are as near to those in double precision as rounding allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from handlens.engines.keras import optimizers
from handlens.engines.keras.libraries import jax, jnp, keras
from handlens.nn.optimizers import REGISTRY, Stepper

STEPS, SIZE = 40, 500
ARGUMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_2": 0.9999}),
    ("Adam", {"beta_1": 0.0}),
    ("AdamW", {"weight_decay": 0.1}),
)


def gradients() -> np.ndarray:
    """Of sizes from 1e-9 to 1."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(STEPS, SIZE)) * 10.0 ** rng.uniform(-9, 0, SIZE)).astype(np.float32)


def moved(optimizer: Any) -> np.ndarray:
    """How far zeros go."""
    variable = keras.Variable(np.zeros(SIZE, np.float32))
    optimizer.build([variable])
    apply = jax.jit(optimizer.stateless_apply)
    memory, held = [v.value for v in optimizer.variables], [jnp.zeros(SIZE)]
    for gradient in gradients():
        held, memory = apply(memory, [gradient], held)
    return np.asarray(held[0], np.float64)


def exactly_moved(name: str, arguments: dict[str, Any]) -> np.ndarray:
    parameters, optimizer = np.zeros(SIZE), REGISTRY[name](0.01, **arguments)
    stepper = Stepper(optimizer, parameters)
    for gradient in gradients():
        stepper.step(gradient.astype(np.float64), optimizer.learning_rate)
    return parameters


@pytest.mark.parametrize(("name", "arguments"), ARGUMENTS, ids=str)
def test_steps_are_those_of_double_precision(name: str, arguments: dict[str, Any]) -> None:
    wanted = exactly_moved(name, arguments)
    assert np.abs(wanted).max() > 0.05
    off = np.abs(moved(optimizers.REGISTRY[name](0.01, **arguments)) - wanted).max()
    assert off < 1e-6 * np.abs(wanted).max()


def test_those_of_keras_are_not() -> None:
    """If this fails, Keras has learnt it, and our classes can go."""
    wanted = exactly_moved("Adam", {})
    assert np.abs(moved(keras.optimizers.Adam(0.01)) - wanted).max() > 3e-6 * np.abs(wanted).max()
