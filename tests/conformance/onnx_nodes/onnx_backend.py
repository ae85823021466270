"""A small ONNX backend: runs one node through the layers of handlens, with the node's weights in them.

ONNX holds images `[n, channels, height, width]`, the layers `[channels, height, width, n]`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from through import (
    DRAWN,
    EACH,
    FILLED,
    GROUPED,
    MASK,
    PLACES,
    UNEVEN,
    WHOLE,
    Arrays,
    Attributes,
    Looks,
    Refused,
    batch_first,
    batch_last,
    through,
)

from handlens.nn import layers
from handlens.nn.layers import Layer


def run_node(operator: str, attributes: Attributes, inputs: Arrays, outputs: int = 1) -> Arrays:
    """The node's outputs.

    Raises:
        Refused: the layers cannot do what the node asks for.
    """
    if not np.issubdtype(inputs[0].dtype, np.floating):
        raise Refused(WHOLE)
    return OPERATORS[operator](attributes, inputs, outputs)


def each_number(make: Callable[[Attributes], Layer]) -> Callable[[Attributes, Arrays, int], Arrays]:
    """The operator that is a layer element by element: of one image with as many features as there are."""

    def run(attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
        return [through([make(attributes)], inputs[0].reshape(-1, 1)).reshape(inputs[0].shape)]

    return run


def softmax(attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
    x = np.moveaxis(inputs[0], attributes.get("axis", -1), 0)
    y = through([layers.Softmax()], x.reshape(len(x), -1)).reshape(x.shape)
    return [np.moveaxis(y, 0, attributes.get("axis", -1))]


def flatten(attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
    """The axes before `axis` count images; those after it are height, width, channels, in order."""
    x = inputs[0]
    axis = attributes.get("axis", 1)
    axis += x.ndim * (axis < 0)
    images = int(np.prod(x.shape[:axis], dtype=int))
    inner = x.shape[axis:]
    height, width = int(np.prod(inner[:-2], dtype=int)), inner[-2] if len(inner) > 1 else 1
    pictures = x.reshape(images, height, width, inner[-1] if inner else 1)
    y = through([layers.Flatten()], pictures.transpose(3, 1, 2, 0))
    return [batch_first(y)]


def add(_attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
    """`Residual` adds what two ways give: each way picks one of the two halves of a row."""
    a, b = np.broadcast_arrays(*inputs)
    pick = np.eye(2 * a.size, dtype=a.dtype)
    block = layers.Residual((layers.Dense(a.size, use_bias=False),), (layers.Dense(a.size, use_bias=False),))
    row = np.concatenate([a.ravel(), b.ravel()])[:, None]
    return [through([block], row, [pick[:, : a.size], pick[:, a.size :]]).reshape(a.shape)]


def gemm(attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
    """`alpha * a @ b + beta * c`: the factors go into kernel and bias."""
    a, b = inputs[:2]
    x = a if attributes.get("transA") else a.T
    kernel = attributes.get("alpha", 1.0) * (b.T if attributes.get("transB") else b)
    units = kernel.shape[1]
    if len(inputs) < 3:
        return [through([layers.Dense(units, use_bias=False)], x, [kernel]).T]
    c = np.atleast_1d(inputs[2])
    if c.ndim == 2 and len(c) > 1:
        raise Refused(EACH)
    bias = attributes.get("beta", 1.0) * np.broadcast_to(c.ravel(), (units,))
    return [through([layers.Dense(units)], x, [kernel, bias]).T]


def batch_normalization(attributes: Attributes, inputs: Arrays, outputs: int) -> Arrays:
    x, gamma, beta, mean, variance = inputs
    training = bool(attributes.get("training_mode", 0))
    layer = layers.BatchNormalization(attributes.get("momentum", 0.9), attributes.get("epsilon", 1e-5))
    pictures = x.reshape(*x.shape[:2], -1, x.shape[-1])
    y = through([layer], batch_last(pictures), [gamma, beta, mean, variance], training=training)
    return [batch_first(y).reshape(x.shape), layer.moving_mean, layer.moving_variance][:outputs]


def dropout(attributes: Attributes, inputs: Arrays, outputs: int) -> Arrays:
    rate = float(inputs[1]) if len(inputs) > 1 else attributes.get("ratio", 0.5)
    training = bool(inputs[2]) if len(inputs) > 2 else False
    if training and rate:
        raise Refused(DRAWN)
    if outputs > 1:
        raise Refused(MASK)
    y = through([layers.Dropout(rate)], inputs[0].reshape(-1, 1), training=training)
    return [y.reshape(inputs[0].shape)]


def pad(attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
    x = inputs[0]
    value = inputs[2] if len(inputs) > 2 else attributes.get("value", 0.0)
    if attributes.get("mode", b"constant") != b"constant" or value != 0:
        raise Refused(FILLED)
    border = np.zeros((2, x.ndim), int)
    axes = inputs[3] if len(inputs) > 3 else range(x.ndim)
    border[:, list(axes)] = np.reshape(inputs[1] if len(inputs) > 1 else attributes["pads"], (2, -1))
    if border[0, :2].any() or (border[0] != border[1]).any():
        raise Refused(UNEVEN)
    return [batch_first(through([layers.ZeroPadding2D(tuple(map(int, border[0, 2:])))], batch_last(x)))]


def convolution(attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
    x, kernel = inputs[:2]
    looks = Looks(attributes, x, kernel.shape[2:])
    kernel = kernel.reshape(*kernel.shape[:2], *looks.window)
    groups, biased = attributes.get("group", 1), len(inputs) > 2
    arguments: Attributes = {"strides": looks.strides, "use_bias": biased}
    layer: Layer
    if groups == 1:
        layer = layers.Conv2D(len(kernel), looks.window, **arguments)
        weights = kernel.transpose(2, 3, 1, 0)
    elif groups == x.shape[1]:
        multiplier = len(kernel) // groups
        layer = layers.DepthwiseConv2D(looks.window, depth_multiplier=multiplier, **arguments)
        weights = kernel.reshape(groups, multiplier, *looks.window).transpose(2, 3, 0, 1)
    else:
        raise Refused(GROUPED)
    try:
        layer.padding = looks.padding()
        stack = [layer]
    except Refused:
        stack = [looks.zeros(), layer]
    return looks.run(stack, x.ndim, [weights, *inputs[2:]])


def max_pooling(attributes: Attributes, inputs: Arrays, outputs: int) -> Arrays:
    looks = Looks(attributes, inputs[0], attributes["kernel_shape"])
    if outputs > 1:
        raise Refused(PLACES)
    layer = layers.MaxPooling2D(looks.window, looks.strides, looks.padding())
    return looks.run([layer], inputs[0].ndim)


def average_pooling(attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
    looks = Looks(attributes, inputs[0], attributes["kernel_shape"])
    if attributes.get("count_include_pad"):
        layer = layers.AveragePooling2D(looks.window, looks.strides)
        return looks.run([looks.zeros(), layer], inputs[0].ndim)
    layer = layers.AveragePooling2D(looks.window, looks.strides, looks.padding())
    return looks.run([layer], inputs[0].ndim)


def global_average_pooling(_attributes: Attributes, inputs: Arrays, _outputs: int) -> Arrays:
    y = through([layers.GlobalAveragePooling2D()], batch_last(inputs[0]))
    return [y.T[:, :, None, None]]


OPERATORS: dict[str, Callable[[Attributes, Arrays, int], Arrays]] = {
    "Gemm": gemm,
    "Conv": convolution,
    "MaxPool": max_pooling,
    "AveragePool": average_pooling,
    "GlobalAveragePool": global_average_pooling,
    "Relu": each_number(lambda _: layers.ReLU()),
    "LeakyRelu": each_number(lambda a: layers.LeakyReLU(a.get("alpha", 0.01))),
    "Elu": each_number(lambda a: layers.ELU(a.get("alpha", 1.0))),
    "Sigmoid": each_number(lambda _: layers.Activation("sigmoid")),
    "Tanh": each_number(lambda _: layers.Activation("tanh")),
    "Softmax": softmax,
    "Flatten": flatten,
    "BatchNormalization": batch_normalization,
    "Dropout": dropout,
    "Pad": pad,
    "Add": add,
}
