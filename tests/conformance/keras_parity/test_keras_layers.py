"""Every layer and activation gives Keras's outputs and gradients from Keras's weights."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from layer_examples import EXAMPLES, Example, batch, network_of
from twins import both, keras, twin

from handlens.engines.keras import forms
from handlens.nn import Network, activations, layers
from handlens.nn.cache import Cache
from handlens.nn.layers.base import leaves
from handlens.nn.losses import SoftmaxCrossEntropy

PAIRS = [  # Keras's own layers, and what a compiled program has in their place
    pytest.param(example, kind, id=f"{kind}-{example.name}")
    for example in EXAMPLES
    for kind in ("keras", "all")
    if kind == "keras" or any(type(leaf).__name__ in forms.REGISTRY for leaf in leaves(example.layer))
]


def drops(example: Example) -> bool:
    return any(isinstance(leaf, layers.Dropout) and leaf.rate for leaf in leaves(example.layer))


@pytest.mark.parametrize(("example", "kind"), PAIRS)
def test_outputs_and_gradients_are_those_of_keras(
    example: Example, kind: Any, dtype: str, tolerance: float
) -> None:
    network = network_of(example, dtype=dtype)
    images, labels = batch(example.shape, 5)
    model = twin(network, forms=kind)
    ours, theirs = both(network, model, images.astype(dtype), labels, SoftmaxCrossEntropy())
    compared = ("prediction",) if drops(example) else tuple(theirs)  # each side draws its own mask
    for part in compared:
        assert theirs[part].dtype == dtype, part
        assert np.allclose(ours[part], theirs[part], rtol=tolerance, atol=tolerance), part


@pytest.mark.parametrize("name", activations.REGISTRY)
def test_activations_are_those_of_keras(name: str, dtype: str, tolerance: float) -> None:
    network = Network(
        [layers.Conv2D(3, 2, activation=name), layers.Flatten(), layers.Dense(4, name), layers.Dense(3)],
        input_shape=(4, 5, 2), rng=np.random.default_rng(1), dtype=dtype,
    )  # fmt: skip
    images, labels = batch((4, 5, 2), 6)
    ours, theirs = both(network, twin(network), images.astype(dtype), labels, SoftmaxCrossEntropy())
    for part in theirs:
        assert np.allclose(ours[part], theirs[part], rtol=tolerance, atol=tolerance), part


@pytest.mark.parametrize("name", activations.REGISTRY)
def test_activations_far_from_zero_are_those_of_keras(name: str, dtype: str, tolerance: float) -> None:
    z = np.linspace(-30, 30, 241).astype(dtype)
    y = np.empty_like(z)
    activations.activation(name).forward(z.copy(), y)
    assert np.allclose(y, keras.activations.get(name)(z), rtol=tolerance, atol=tolerance)


def test_dropout_drops_and_rescales_as_keras_does(dtype: str, tolerance: float) -> None:
    layer = layers.Dropout(0.3)
    layer.place((50_000,))
    cache = Cache(np.dtype(dtype), training=True, generator=np.random.default_rng(0))
    ours = layer.forward(np.ones((50_000, 1), dtype), cache)
    theirs = np.asarray(keras.layers.Dropout(0.3, seed=0)(np.ones((1, 50_000), dtype), training=True))
    assert np.allclose(np.unique(ours), np.unique(theirs), rtol=tolerance)
    deviation = np.sqrt(0.3 * 0.7 / 50_000)
    assert abs((ours == 0).mean() - 0.3) < 4 * deviation
    assert abs((theirs == 0).mean() - 0.3) < 4 * deviation


@pytest.mark.parametrize("name", sorted(set(layers.REGISTRY) - {"Residual"}))
def test_defaults_are_those_of_keras(name: str) -> None:
    """Keras gives the pools no default size; (2, 2) was Keras 2's."""
    ours = inspect.signature(layers.REGISTRY[name]).parameters
    theirs = inspect.signature(getattr(keras.layers, name)).parameters
    for argument in set(ours) & set(theirs) - {"pool_size"}:
        default, wanted = ours[argument].default, theirs[argument].default
        assert default == wanted or (default, default) == wanted, argument


def test_the_residual_block_is_the_only_layer_that_keras_lacks() -> None:
    assert {name for name in layers.REGISTRY if not hasattr(keras.layers, name)} == {"Residual"}
