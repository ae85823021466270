"""Every layer as ONNX nodes. A layer joins by standing in `EMITTERS`; a test holds that to the registry."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from handlens.nn import activations
from handlens.nn.arrays import Array
from handlens.nn.layers import (
    ELU,
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    LayerNormalization,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    Residual,
    Softmax,
    ZeroPadding2D,
)
from handlens.nn.layers.windows import Windows
from handlens.nn.onnx_graph import Graph, Order, Value


def emit(graph: Graph, layer: Layer, x: Value) -> Value:
    """Append the nodes that compute what the layer predicts from x."""
    return EMITTERS[type(layer)](graph, layer, x)


def function(graph: Graph, f: activations.Function, x: Value) -> Value:
    """`f(x)`."""
    match f:
        case activations.Linear():
            return x
        case activations.LeakyRelu(slope=slope):
            return graph.after(x, "LeakyRelu", alpha=slope)
        case activations.Elu(alpha=alpha):
            return graph.after(x, "Elu", alpha=alpha)
        case activations.Softmax():
            return graph.after(x, "Softmax", axis=x.order.channel_axis)
        case activations.Silu():
            return graph.after(x, "Mul", graph.after(x, "Sigmoid").name)
        case activations.Gelu():
            scaled = graph.after(x, "Mul", graph.constant("root_half", np.array(math.sqrt(0.5))))
            erf = graph.after(scaled, "Erf")
            gate = graph.after(erf, "Add", graph.constant("one", np.array(1.0)))
            half = graph.after(x, "Mul", graph.constant("half", np.array(0.5)))
            return graph.after(half, "Mul", gate.name)
        case _:
            return graph.after(x, SAME_NAME[type(f)])


SAME_NAME: dict[type[activations.Function], str] = {
    activations.Relu: "Relu",
    activations.Sigmoid: "Sigmoid",
    activations.Tanh: "Tanh",
}


def element_by_element(graph: Graph, layer: Activation | ReLU | LeakyReLU | ELU | Softmax, x: Value) -> Value:
    return function(graph, layer.function, x)


def dense(graph: Graph, layer: Dense, x: Value) -> Value:
    return function(graph, layer.function, graph.after(x, "Gemm", *_weights(graph, layer, layer.kernel)))


def convolution(graph: Graph, layer: Conv2D, x: Value) -> Value:
    """ONNX has kernels `[filters, channels, height, width]`."""
    return _convolve(graph, layer, x, layer.kernel.transpose(3, 2, 0, 1), groups=1)


def depthwise(graph: Graph, layer: DepthwiseConv2D, x: Value) -> Value:
    """A convolution in as many groups as there are channels: kernels `[channels * multiplier, 1, ...]`."""
    kernel = layer.kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *layer.window)
    return _convolve(graph, layer, x, kernel, groups=layer.kernel.shape[2])


def _convolve(graph: Graph, layer: Conv2D | DepthwiseConv2D, x: Value, kernel: Array, groups: int) -> Value:
    weights = _weights(graph, layer, kernel)
    x = graph.ordered(x, Order.NCHW)
    x = graph.after(x, "Conv", *weights, group=groups, **_placed(layer.windows))
    return function(graph, layer.function, x)


def _weights(graph: Graph, layer: Dense | Conv2D | DepthwiseConv2D, kernel: Array) -> list[str]:
    named = [graph.constant("kernel", kernel)]
    return [*named, graph.constant("bias", layer.bias)] if layer.use_bias else named


def _placed(windows: Windows) -> dict[str, list[int]]:
    """Window, strides and border as ONNX writes them: all that come before, then all that come after."""
    r, c = windows.rows, windows.columns
    return {
        "kernel_shape": [r.window, c.window],
        "strides": [r.stride, c.stride],
        "pads": [r.before, c.before, r.after, c.after],
    }


def max_pooling(graph: Graph, layer: MaxPooling2D, x: Value) -> Value:
    return graph.after(graph.ordered(x, Order.NCHW), "MaxPool", **_placed(layer.windows))


def average_pooling(graph: Graph, layer: AveragePooling2D, x: Value) -> Value:
    placed: dict[str, Any] = _placed(layer.windows)
    return graph.after(graph.ordered(x, Order.NCHW), "AveragePool", count_include_pad=0, **placed)


def global_average_pooling(graph: Graph, _layer: GlobalAveragePooling2D, x: Value) -> Value:
    means = graph.after(graph.ordered(x, Order.NCHW), "GlobalAveragePool")  # [n, channels, 1, 1]
    return Value(graph.node("Flatten", means.name, axis=1), Order.ROWS)


def flatten(graph: Graph, _layer: Flatten, x: Value) -> Value:
    if x.order is Order.ROWS:
        return x
    return Value(graph.node("Flatten", graph.ordered(x, Order.NHWC).name, axis=1), Order.ROWS)


def zero_padding(graph: Graph, layer: ZeroPadding2D, x: Value) -> Value:
    rows = (layer.output_shape[0] - layer.input_shape[0]) // 2
    columns = (layer.output_shape[1] - layer.input_shape[1]) // 2
    border = np.array([0, 0, rows, columns] * 2)
    return graph.after(graph.ordered(x, Order.NCHW), "Pad", graph.constant("border", border))


def dropout(_graph: Graph, _layer: Dropout, x: Value) -> Value:
    """Nothing is dropped in predicting."""
    return x


def batch_normalization(graph: Graph, layer: BatchNormalization, x: Value) -> Value:
    moving = (
        graph.constant("moving_mean", layer.moving_mean),
        graph.constant("moving_variance", layer.moving_variance),
    )
    x = graph.ordered(x, Order.NCHW)
    return graph.after(x, "BatchNormalization", *_affine(graph, layer), *moving, epsilon=layer.epsilon)


def layer_normalization(graph: Graph, layer: LayerNormalization, x: Value) -> Value:
    x = graph.ordered(x, Order.NHWC)
    return graph.after(x, "LayerNormalization", *_affine(graph, layer), axis=-1, epsilon=layer.epsilon)


def _affine(graph: Graph, layer: BatchNormalization | LayerNormalization) -> tuple[str, str]:
    """gamma and beta, or the numbers that change nothing."""
    features = layer.input_shape[-1]
    gamma = layer.gamma if layer.scale else np.ones(features)
    beta = layer.beta if layer.center else np.zeros(features)
    return graph.constant("gamma", gamma), graph.constant("beta", beta)


def residual(graph: Graph, layer: Residual, x: Value) -> Value:
    long = short = x
    for inner in layer.layers:
        long = emit(graph, inner, long)
    for inner in layer.shortcut:
        short = emit(graph, inner, short)
    total = graph.after(long, "Add", graph.ordered(short, long.order).name)
    return function(graph, layer.function, total)


EMITTERS: dict[type[Layer], Callable[[Graph, Any, Value], Value]] = {
    Flatten: flatten,
    ZeroPadding2D: zero_padding,
    Dense: dense,
    Conv2D: convolution,
    DepthwiseConv2D: depthwise,
    MaxPooling2D: max_pooling,
    AveragePooling2D: average_pooling,
    GlobalAveragePooling2D: global_average_pooling,
    Dropout: dropout,
    BatchNormalization: batch_normalization,
    LayerNormalization: layer_normalization,
    Activation: element_by_element,
    ReLU: element_by_element,
    LeakyReLU: element_by_element,
    ELU: element_by_element,
    Softmax: element_by_element,
    Residual: residual,
}
