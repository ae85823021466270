"""The glass box: what every layer takes in, gives out and is told to change, for a few images.

The plain layers are run, not the fused steps, so there is one record a layer of the network's description.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handlens.errors import SpecError
from handlens.nn import inference
from handlens.nn.arrays import Array
from handlens.nn.losses import Labels, Loss, SoftmaxCrossEntropy, check_labels
from handlens.nn.passes import Pass

if TYPE_CHECKING:
    from handlens.nn.network import Network


@dataclass(frozen=True, eq=False)
class ParameterTrace:
    """One array of a layer and the loss's gradient with respect to it, of the same shape.

    Attributes:
        path: its name in the network, e.g. `0.Conv2D.kernel`.
        gradient: None for moving statistics, which no gradient trains.
    """

    path: str
    values: Array
    gradient: Array | None


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer's part of a pass forward and back, images first.

    Attributes:
        name: its number from 0 and its kind, e.g. `0.Conv2D`.
        arguments: the layer's description, as JSON knows it.
        formula: what forward computes, y of x.
        activation: the formula of f in it; empty where the layer has no activation of its own.
        input, output: x and y, `[n, height, width, channels]` or `[n, features]`.
        gradient: of the mean loss with respect to the output, of its shape.
        input_gradient: the same with respect to the input.
        parameters: the layer's, and those of the layers inside it.
    """

    name: str
    arguments: dict[str, Any]
    formula: str
    activation: str
    input: Array
    output: Array
    gradient: Array
    input_gradient: Array
    parameters: tuple[ParameterTrace, ...]

    @property
    def kind(self) -> str:
        """The layer's class: `Conv2D`."""
        return self.name.partition(".")[2]

    def count_params(self) -> int:
        """Numbers in its parameters."""
        return sum(parameter.values.size for parameter in self.parameters)


@dataclass(frozen=True, eq=False)
class Trace:
    """A pass forward and back.

    Attributes:
        layers: in the order of the forward pass.
        probabilities: softmax of the last layer's output, `[n, classes]`.
        losses: of each image, `[n]`; the gradients are those of their mean.
        loss_formula: what each of them is.
    """

    layers: tuple[LayerTrace, ...]
    probabilities: Array
    losses: Array
    loss_formula: str


def trace(
    network: Network,
    images: NDArray[Any],
    labels: Labels,
    *,
    offset: Any = 0.0,
    scale: Any = 1.0,
    loss: Loss | None = None,
) -> Trace:
    """Every layer's input, output and gradients for `x = (images - offset) * scale`, as in predicting.

    Dropout lets everything through, and batch normalization uses its moving statistics. All arrays are
    copies; the network stays as it is.

    Args:
        images: uint8 or floating `[n, height, width, channels]` or `[n, features]`, n at least 1.
        labels: int64 `[n]` in `0..classes - 1`, what the images show: the loss is measured against it.
        loss: `SoftmaxCrossEntropy()` unless given.

    Raises:
        SpecError: images or labels that do not fit the network.
    """
    labels = np.asarray(labels)
    if not len(images):
        raise SpecError("there are no images", where="trace", expected="at least one")
    check_labels(labels, len(images), network.classes, "trace")
    loss = loss or SoftmaxCrossEntropy()
    loss.check(network.classes)
    x = inference.feed(network, images, offset, scale).batch(np.arange(len(images)))
    steps = network.steps(fuse=False)
    through = Pass(network, steps, to_input=True)
    for cache in through.caches:
        cache.begin(False, None)

    outputs = [x.copy()]
    for layer, cache in zip(network.layers, through.caches, strict=True):
        x = layer.forward(x, cache)
        outputs.append(x.copy())  # a layer may hand on, or write over, another one's memory
    losses, dy = loss.forward(x, labels)
    gradients = [dy / len(labels)]
    for layer, cache in zip(reversed(network.layers), reversed(through.caches), strict=True):
        dx = layer.backward(gradients[0].copy(), cache)
        if dx is None:
            raise RuntimeError(f"{type(layer).__name__} kept its input's gradient to itself")
        gradients.insert(0, dx.copy())
    records = tuple(
        _record(
            number, network, through.gradient, outputs[number : number + 2], gradients[number : number + 2]
        )
        for number in range(len(network.layers))
    )
    return Trace(records, inference.softmax(x.T), losses, loss.formula)


def _record(number: int, network: Network, gradient: Array, xy: list[Array], dxdy: list[Array]) -> LayerTrace:
    """The record of one layer from its input and output and their gradients, batch last."""
    layer = network.layers[number]
    function = getattr(layer, "function", None)
    parameters = (
        ParameterTrace(
            slot.path,
            getattr(slot.layer, slot.parameter.name).copy(),
            slot.view(gradient).copy() if slot.parameter.trainable else None,
        )
        for slot in network.slots
        if slot.path.split(".")[0] == str(number)
    )
    return LayerTrace(
        name=f"{number}.{type(layer).__name__}",
        arguments=layer.config(),
        formula=layer.formula,
        activation=function.formula if function is not None and "f(" in layer.formula else "",
        input=images_first(xy[0]),
        output=images_first(xy[1]),
        gradient=images_first(dxdy[1]),
        input_gradient=images_first(dxdy[0]),
        parameters=tuple(parameters),
    )


def images_first(batch: Array) -> Array:
    """A batch as the layers hold it, `[channels, height, width, n]`, as `[n, height, width, channels]`."""
    return np.ascontiguousarray(batch.transpose(3, 1, 2, 0) if batch.ndim == 4 else batch.T)
