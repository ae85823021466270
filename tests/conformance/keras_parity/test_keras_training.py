"""Whole trainings: `training.fit` against `model.fit`: penalties, losses, class weights, clipping."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_losses_conform import EXAMPLES
from twins import jax, keras, keras_loss, keras_optimizer, twin, variables

from handlens.nn import Network, layers, training
from handlens.nn.losses import Loss, MeanSquaredError, SoftmaxCrossEntropy
from handlens.nn.optimizers import SGD

IMAGES, EPOCHS = 150, 50  # one batch an epoch: 50 steps whose images do not depend on the order drawn
L = layers
SETTINGS: dict[str, tuple[list[L.Layer], Loss, dict[str, Any]]] = {
    "penalties, fused convolution, three pieces": (
        [
            L.Conv2D(3, 3, activation="relu", l1=1e-3, l2=2e-3),
            L.MaxPooling2D(2),
            L.DepthwiseConv2D(2, l2=1e-2, activation="silu"),
            L.Flatten(),
            L.Dense(6, "tanh", l1=1e-3),
            L.Dense(4),
        ],
        SoftmaxCrossEntropy(),
        {},
    ),
    "batch normalization, smoothed and weighted classes": (
        [
            L.Conv2D(3, 3, padding="same", use_bias=False),
            L.BatchNormalization(momentum=0.9),
            L.Activation("elu"),
            L.AveragePooling2D(2),
            L.Residual((L.Conv2D(3, 3, padding="same", activation="gelu"),)),
            L.GlobalAveragePooling2D(),
            L.Dense(4),
        ],
        SoftmaxCrossEntropy(label_smoothing=0.1, class_weights=(0.5, 1.0, 2.0, 0.0)),
        {},
    ),
    "mean squared error, clipped": (
        [L.Flatten(), L.Dense(9, "sigmoid"), L.LayerNormalization(), L.Dense(4)],
        MeanSquaredError(),
        {"clip_norm": 0.05},
    ),
}


def images_and_labels(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=IMAGES)
    patterns = rng.normal(size=(4, 8, 7, 2))
    return (patterns[labels] + rng.normal(size=(IMAGES, 8, 7, 2))).astype(dtype), labels


def fit_keras(model: Any, images: np.ndarray, labels: np.ndarray, loss: Loss, clip: float | None) -> None:
    cost: Any = keras.losses.MeanSquaredError()
    weights = None
    if isinstance(loss, SoftmaxCrossEntropy):
        cost = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=loss.label_smoothing)
        weights = dict(enumerate(loss.class_weights)) or None
    model.compile(optimizer=keras_optimizer(SGD(0.1, momentum=0.5), global_clipnorm=clip), loss=cost)
    model.fit(
        images, np.eye(4, dtype=images.dtype)[labels], class_weight=weights,
        batch_size=IMAGES, epochs=EPOCHS, shuffle=False, verbose=0,
    )  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_a_training_leads_to_the_weights_of_keras(name: str, dtype: str, tolerance: float) -> None:
    inner, loss, arguments = SETTINGS[name]
    images, labels = images_and_labels(dtype)
    network = Network(inner, input_shape=(8, 7, 2), rng=np.random.default_rng(4), dtype=dtype)
    start = network.state()
    model = twin(network)
    fit_keras(model, images, labels, loss, clip=arguments.get("clip_norm"))
    training.fit(
        network, images, labels, optimizer=SGD(0.1, momentum=0.5), loss=loss, epochs=EPOCHS,
        batch_size=IMAGES, rng=np.random.default_rng(0), threads=2, **arguments,
    )  # fmt: skip
    assert np.abs(network.state() - start).max() > 0.05
    for place, (ours, wanted) in enumerate(
        zip(network.get_weights(), variables(network, model), strict=True)
    ):
        difference = np.abs(ours - np.asarray(wanted.value))
        assert np.allclose(ours, wanted.value, rtol=tolerance, atol=tolerance), (place, difference.max())


@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_losses_are_those_of_keras(loss: Loss, dtype: str, tolerance: float) -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(0, 4, (4, 9)).astype(dtype), rng.integers(4, size=9)
    ours, slope = loss.forward(logits, labels)
    value, wanted = jax.value_and_grad(lambda z: keras_loss(loss, 4)(labels, z))(logits.T)
    assert np.allclose(ours.mean(), value, rtol=tolerance, atol=tolerance)
    assert np.allclose(slope.T / 9, wanted, rtol=tolerance, atol=tolerance)
