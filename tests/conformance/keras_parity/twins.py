"""One description, two networks: ours and its Keras twin; what each of them makes of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from handlens.nn import Network, losses
from handlens.nn.losses import Labels, Loss
from handlens.nn.optimizers import Optimizer
from handlens.nn.passes import Pass

jax: Any = pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
keras: Any = pytest.importorskip("keras", reason="Keras, which these tests compare with, is not installed")

from handlens.engines.keras import members  # noqa: E402
from handlens.engines.keras.twin import twin  # noqa: E402
from handlens.engines.keras.weights import variables  # noqa: E402

__all__ = ["both", "flat", "jax", "keras", "keras_loss", "keras_optimizer", "twin", "variables"]


def keras_optimizer(optimizer: Optimizer, **more: Any) -> Any:
    """Keras's optimizer for trainings of its own: a `decay` becomes Keras 3's schedule in its place."""
    made = members.keras_optimizer(optimizer, **more)
    if decay := getattr(optimizer, "decay", 0.0):
        rate = optimizer.learning_rate
        made.learning_rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
    return made


def keras_loss(loss: Loss, classes: int) -> Callable[[Any, Any], Any]:
    """`f(labels, logits)`, the mean over the images; class weights are Keras's `sample_weight`."""
    if isinstance(loss, losses.MeanSquaredError):
        inner: Any = keras.losses.MeanSquaredError()
    else:
        assert isinstance(loss, losses.SoftmaxCrossEntropy)
        inner = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=loss.label_smoothing)
    weights = np.array(getattr(loss, "class_weights", ()) or [1.0] * classes)

    def value(labels: Labels, logits: Any) -> Any:
        truth = np.eye(classes)[np.asarray(labels)]
        return inner(truth, logits, sample_weight=weights[np.asarray(labels)])

    return value


def both(
    network: Network, model: Any, images: np.ndarray, labels: Labels, loss: Loss
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the network and the model make of a batch.

    The prediction; of one training pass the outputs, the loss, the gradients of the input and of all weights,
    and the moving statistics after it; all of them in the order of the network's weights.
    """
    return ours(network, images, labels, loss), theirs(network, model, images, labels, loss)


def ours(network: Network, images: np.ndarray, labels: Labels, loss: Loss) -> dict[str, Any]:
    prediction = network.predict_logits(images)
    order = (3, 1, 2, 0) if images.ndim == 4 else (1, 0)  # batch last
    through = Pass(network, network.steps(), to_input=True)
    logits = through.forward(images.transpose(order), training=True, generator=np.random.default_rng(0))
    each, dlogits = loss.forward(logits, labels)
    outputs = logits.T.copy()
    dx = through.backward(dlogits / len(labels))
    assert dx is not None
    return {
        "prediction": prediction,
        "outputs": outputs,
        "loss": each.mean(),
        "input": dx.transpose(np.argsort(order)),
        "gradient": through.gradient,
        "statistics": network.statistics,
    }


def theirs(network: Network, model: Any, images: np.ndarray, labels: Labels, loss: Loss) -> dict[str, Any]:
    weights, others = (
        {id(v): v.value for v in part} for part in (model.trainable_variables, model.non_trainable_variables)
    )
    value = keras_loss(loss, network.classes)

    def train(weights: Any, x: Any) -> Any:
        outputs, after = model.stateless_call(weights, list(others.values()), x, training=True)
        return value(labels, outputs), (outputs, after)

    @jax.jit
    def run(weights: Any, x: Any) -> Any:
        prediction, _ = model.stateless_call(weights, list(others.values()), x, training=False)
        return prediction, jax.value_and_grad(train, argnums=(0, 1), has_aux=True)(weights, x)

    prediction, ((mean, (outputs, after)), (dweights, dinput)) = run(list(weights.values()), images)
    gradient, statistics = dict(zip(weights, dweights, strict=True)), dict(zip(others, after, strict=True))
    places = [id(v) for v in variables(network, model)]
    return {
        "prediction": prediction,
        "outputs": outputs,
        "loss": mean,
        "input": dinput,
        "gradient": flat([gradient[place] for place in places if place in gradient]),
        "statistics": flat([statistics[place] for place in places if place in statistics]),
    }


def flat(arrays: list[Any]) -> np.ndarray:
    """All numbers in one row."""
    none = np.zeros(0, keras.config.floatx())
    return np.concatenate([none, *(np.asarray(a).ravel() for a in arrays)])
