"""The fused step is held to the plain layers."""

from __future__ import annotations

import numpy as np
import pytest

from handlens.nn import Network, layers, losses
from handlens.nn.fused import ConvPool
from handlens.nn.gradient_check import gradient_errors
from handlens.nn.passes import Pass

L = layers
STACKS = {
    "lenet": ((12, 12, 1), [L.Conv2D(3, 5, activation="relu"), L.MaxPooling2D(2)]),
    "odd sides": ((9, 8, 2), [L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(2)]),
    "one row lost": ((8, 9, 3), [L.Conv2D(4, (2, 3), activation="relu", use_bias=False), L.MaxPooling2D(2)]),
    "same padding": ((6, 7, 2), [L.Conv2D(3, 3, padding="same", activation="tanh"), L.MaxPooling2D(2)]),
    "relu layer": ((8, 8, 2), [L.Conv2D(3, 3), L.ReLU(), L.MaxPooling2D(2)]),
    "leaky": ((8, 8, 2), [L.Conv2D(3, 3, activation="leaky_relu"), L.MaxPooling2D((2, 2))]),
    "elu": ((8, 8, 2), [L.Conv2D(3, 3), L.ELU(0.5), L.MaxPooling2D(2)]),
    "linear": ((8, 8, 1), [L.Conv2D(2, 1), L.MaxPooling2D(2)]),
    "two": (
        (14, 14, 1),
        [L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(2), L.Conv2D(4, 3, activation="sigmoid"),
         L.MaxPooling2D(2)],
    ),
    "behind padding": ((8, 8, 1), [L.ZeroPadding2D(2), L.Conv2D(2, 5, activation="relu"), L.MaxPooling2D(2)]),
}  # fmt: skip
PLAIN = {
    "strides": ((9, 9, 1), [L.Conv2D(2, 3, 2, activation="relu"), L.MaxPooling2D(2)]),
    "not rising": ((9, 9, 1), [L.Conv2D(2, 3, activation="gelu"), L.MaxPooling2D(2)]),
    "softmax": ((9, 9, 1), [L.Conv2D(2, 3), L.Softmax(), L.MaxPooling2D(2)]),
    "pool of 3": ((9, 9, 1), [L.Conv2D(2, 3, activation="relu"), L.MaxPooling2D(3)]),
    "overlapping": ((9, 9, 1), [L.Conv2D(2, 3, activation="relu"), L.MaxPooling2D(2, 1)]),
    "padded pool": ((9, 9, 1), [L.Conv2D(2, 3, activation="relu"), L.MaxPooling2D(2, padding="same")]),
    "average": ((9, 9, 1), [L.Conv2D(2, 3, activation="relu"), L.AveragePooling2D(2)]),
    "nothing": ((9, 9, 1), [L.Conv2D(2, 3, activation="relu")]),
}


def build(name: str, dtype: str) -> Network:
    shape, stack = {**STACKS, **PLAIN}[name]
    network = Network(
        [*stack, L.Flatten(), L.Dense(3)], input_shape=shape, rng=np.random.default_rng(1), dtype=dtype
    )
    network.parameters += np.random.default_rng(2).normal(0, 0.1, network.parameters.size)
    return network


@pytest.mark.parametrize("name", STACKS)
def test_the_plan_finds_the_pattern(name: str) -> None:
    network = build(name, "float32")
    fused = [step for step in network.steps() if isinstance(step.runs, ConvPool)]
    assert len(fused) == sum(isinstance(layer, L.Conv2D) for layer in network.layers)
    assert not any(isinstance(step.runs, ConvPool) for step in network.steps(fuse=False))


@pytest.mark.parametrize("name", PLAIN)
def test_the_plan_leaves_what_does_not_fit(name: str) -> None:
    network = build(name, "float32")
    assert [step.runs for step in network.steps()] == list(network.layers)


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_fused_equals_plain_forward_and_back(name: str, dtype: str, tolerance: float) -> None:
    network = build(name, dtype)
    rng = np.random.default_rng(3)
    labels = rng.integers(3, size=6)
    height, width, channels = network.input_shape
    x = rng.normal(size=(channels, height, width, 6)).astype(dtype)
    results = []
    for fuse in (True, False):
        through = Pass(network, network.steps(fuse=fuse), to_input=True)
        for _ in range(2):  # the second time with the buffers of the first
            logits = through.forward(x, training=True)
            dx = through.backward(losses.SoftmaxCrossEntropy().forward(logits, labels)[1])
        assert dx is not None
        predicted = through.forward(x)
        results.append((logits.copy(), predicted.copy(), through.gradient, dx.copy()))
    for fused, plain in zip(*results, strict=True):
        assert fused.dtype == dtype
        scale = max(1.0, float(np.abs(plain).max()))
        assert np.abs(fused - plain).max() <= tolerance * scale


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("n", [1, 3])
def test_gradients_are_those_of_differences(name: str, n: int) -> None:
    network = build(name, "float64")
    rng = np.random.default_rng(11)
    images, labels = rng.normal(size=(n, *network.input_shape)), rng.integers(3, size=n)
    errors = gradient_errors(network, images, labels, losses.SoftmaxCrossEntropy())
    assert max(errors.values()) < 1e-6, errors


def test_of_equal_candidates_the_first_wins_in_both() -> None:
    network = build("linear", "float64")
    x = np.ones((1, 8, 8, 1))
    gradients = []
    for fuse in (True, False):
        through = Pass(network, network.steps(fuse=fuse), to_input=True)
        logits = through.forward(x, training=True)
        dx = through.backward(losses.SoftmaxCrossEntropy().forward(logits, np.array([0]))[1])
        assert dx is not None
        gradients.append(dx.copy())
    assert np.allclose(*gradients)
    assert (gradients[0][:, 1::2] == 0).all()
    assert (gradients[0][:, :, 1::2] == 0).all()
