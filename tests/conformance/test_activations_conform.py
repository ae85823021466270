"""What holds of every activation function."""

from __future__ import annotations

import math

import numpy as np
import pytest
from layer_examples import batch

from handlens.nn import Network, activations, layers, losses
from handlens.nn.gradient_check import gradient_errors

every_activation = pytest.mark.parametrize("name", activations.REGISTRY)


def softmax(z: np.ndarray) -> np.ndarray:
    return np.array([math.exp(v) for v in z]) / sum(math.exp(v) for v in z)


FORMULAS = {
    "linear": lambda z: z,
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.2 * z,
    "elu": lambda z: z if z > 0 else math.exp(z) - 1,
    "gelu": lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + math.exp(-z)),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
}


def test_every_activation_has_a_formula() -> None:
    assert {*FORMULAS, "softmax"} == set(activations.REGISTRY)


@every_activation
def test_values_are_those_of_the_formula(name: str) -> None:
    z = np.concatenate([np.linspace(-8, 8, 165), [-30.0, -700.0, 30.0, 700.0, 0.0]])
    y = np.empty_like(z)
    activations.activation(name).forward(z.copy(), y)
    wanted = softmax(z - z.max()) if name == "softmax" else np.array([FORMULAS[name](v) for v in z])
    assert np.allclose(y, wanted, rtol=1e-12, atol=2e-15)


@every_activation
@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("place", ["dense", "conv", "layer", "depthwise"])
def test_gradients_are_those_of_differences(name: str, n: int, place: str) -> None:
    inner: list[layers.Layer] = {
        "dense": [layers.Flatten(), layers.Dense(5, name)],
        "conv": [layers.Conv2D(2, 2, activation=name)],
        "layer": [layers.Activation(name)],
        "depthwise": [layers.DepthwiseConv2D(2, activation=name)],
    }[place]
    network = Network(
        [*inner, layers.Flatten(), layers.Dense(3)],
        input_shape=(3, 4, 2), rng=np.random.default_rng(5), dtype="float64",
    )  # fmt: skip
    errors = gradient_errors(network, *batch((3, 4, 2), n, seed=7), losses.SoftmaxCrossEntropy())
    assert max(errors.values()) < 1e-6, errors


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_numbers_neither_warn_nor_break(name: str, dtype: str) -> None:
    z = np.array([[-1e4, -100.0, 0.0, 100.0, 1e4]], dtype).T
    function, y, dy = activations.activation(name), np.empty_like(z), np.ones_like(z)
    function.forward(z.copy(), y)
    function.backward(dy, z, y)
    assert np.isfinite(y).all()
    assert np.isfinite(dy).all()
    assert y.dtype == dy.dtype == dtype


@every_activation
def test_rising_functions_never_fall(name: str) -> None:
    function = activations.activation(name)
    z = np.linspace(-9, 9, 2001)
    y = np.empty_like(z)
    function.forward(z, y)
    assert function.rising == bool((np.diff(y) >= 0).all()) or name == "softmax"
