"""One description, two networks: ours, and the Keras model with the same layers and weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from handlens.nn import Network, layers, losses
from handlens.nn.layers import Layer
from handlens.nn.losses import Labels, Loss
from handlens.nn.optimizers import Optimizer
from handlens.nn.passes import Pass

jax: Any = pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
keras: Any = pytest.importorskip("keras", reason="Keras, which these tests compare with, is not installed")


class Residual(keras.layers.Layer):
    """Keras has the parts but no layer of this name."""

    def __init__(self, inner: list[Any], shortcut: list[Any], activation: str | None) -> None:
        super().__init__()
        self.inner, self.shortcut = inner, shortcut
        self.function = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        for way in (self.inner, self.shortcut):
            shape = input_shape
            for layer in way:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.function(one_way(self.shortcut, x, training) + one_way(self.inner, x, training))


def one_way(stack: list[Any], x: Any, training: bool) -> Any:
    for layer in stack:
        differs = isinstance(layer, keras.layers.Dropout | keras.layers.BatchNormalization)
        x = layer(x, training=training) if differs else layer(x)
    return x


def keras_layer(layer: Layer) -> Any:
    """Keras's layer of the same name with the same arguments.

    It starts from zeros, which cost nothing to draw: `twin` sets the weights.
    """
    if isinstance(layer, layers.Residual):
        inner, shortcut = ([keras_layer(x) for x in way] for way in (layer.layers, layer.shortcut))
        return Residual(inner, shortcut, layer.activation)
    arguments = {k: "zeros" if k.endswith("_initializer") else v for k, v in layer.config().items()}
    l1, l2 = arguments.pop("l1", 0.0), arguments.pop("l2", 0.0)
    if l1 or l2:
        kernel = "depthwise" if isinstance(layer, layers.DepthwiseConv2D) else "kernel"
        arguments[f"{kernel}_regularizer"] = keras.regularizers.L1L2(l1, l2)
    return getattr(keras.layers, type(layer).__name__)(**arguments)


def twin(network: Network) -> Any:
    """The Keras model with the network's layers and weights."""
    model = keras.Sequential([keras.Input(network.input_shape), *map(keras_layer, network.layers)])
    model.set_weights(network.get_weights())
    return model


def keras_optimizer(optimizer: Optimizer, **more: Any) -> Any:
    """Keras's optimizer of the same name; a `decay` becomes the schedule that Keras 3 has in its place."""
    arguments = {k: getattr(optimizer, k) for k in optimizer.__dataclass_fields__}
    if decay := arguments.pop("decay", 0.0):
        rate = arguments["learning_rate"]
        arguments["learning_rate"] = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
    return getattr(keras.optimizers, type(optimizer).__name__)(**arguments, **more)


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
    and the moving statistics after it.
    """
    return ours(network, images, labels, loss), theirs(model, network.classes, images, labels, loss)


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


def theirs(model: Any, classes: int, images: np.ndarray, labels: Labels, loss: Loss) -> dict[str, Any]:
    weights = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    moving = [i for i, v in enumerate(model.non_trainable_variables) if "moving" in v.path]
    value = keras_loss(loss, classes)

    def train(weights: Any, x: Any) -> Any:
        outputs, after = model.stateless_call(weights, others, x, training=True)
        return value(labels, outputs), (outputs, after)

    @jax.jit
    def run(weights: Any, x: Any) -> Any:
        prediction, _ = model.stateless_call(weights, others, x, training=False)
        return prediction, jax.value_and_grad(train, argnums=(0, 1), has_aux=True)(weights, x)

    prediction, ((mean, (outputs, after)), (dweights, dinput)) = run(weights, images)
    return {
        "prediction": prediction,
        "outputs": outputs,
        "loss": mean,
        "input": dinput,
        "gradient": flat(dweights),
        "statistics": flat([after[i] for i in moving]),
    }


def flat(arrays: list[Any]) -> np.ndarray:
    """All numbers in one row."""
    none = np.zeros(0, keras.config.floatx())
    return np.concatenate([none, *(np.asarray(a).ravel() for a in arrays)])
