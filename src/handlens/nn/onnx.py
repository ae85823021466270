"""Networks as ONNX models, which onnxruntime, browsers and phones can run.

The model is complete: it takes the images as they are, prepares them, and answers with probabilities. It is
written in the operators of opset 17 (2022), and computes in float32 whatever the network's own type is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handlens.errors import SpecError
from handlens.nn.arrays import Array, Shape
from handlens.nn.onnx_graph import Graph, Order, Value
from handlens.nn.onnx_layers import emit

if TYPE_CHECKING:
    from handlens.nn.network import Network

OPSET = 17
IR_VERSION = 8  # of the file format, as old as the opset
MOST_BYTES = 2**31 - 2**20  # protocol buffers end at 2 GiB


def to_onnx(
    network: Network,
    path: Path | None = None,
    *,
    offset: Any = 0.0,
    scale: Any = 1.0,
    classes: Sequence[str] = (),
    input_type: str = "uint8",
) -> bytes:
    """The network as the bytes of an ONNX model, written to `path` where one is given.

    The model's input "images" is `[n, height, width, channels]` (`[n, features]` for a network of rows), n
    free, of `input_type`; its output "probabilities" is float32 `[n, classes]`, what
    `network.predict_proba(images, offset=offset, scale=scale)` gives, to rounding.

    Args:
        offset, scale: numbers, or arrays that broadcast against one image: `x = (image - offset) * scale`.
        classes: names, kept as a JSON list in the model's metadata under "classes".
        input_type: "uint8" or "float32".

    Raises:
        MissingExtra: the package onnx is not installed.
        SpecError: an offset or scale that does not fit the images, or names that do not fit the outputs.
    """
    if input_type not in ("uint8", "float32"):
        raise SpecError(f"input_type is {input_type!r}", where="to_onnx", expected="uint8 or float32")
    if classes and len(classes) != network.classes:
        raise SpecError(f"there are {len(classes)} names", where="classes", expected=f"{network.classes}")
    if network.count_params() * 4 > MOST_BYTES:
        raise SpecError("the network is too large for one file", where="to_onnx", expected="less than 2 GiB")
    graph = Graph()
    x = _prepare(graph, network.input_shape, offset, scale)
    for layer in network.layers:
        x = emit(graph, layer, x)
    graph.node("Softmax", x.name, axis=1, output="probabilities")
    data = _model(graph, network, classes, input_type)
    if path is not None:
        path.write_bytes(data)
    return data


def _prepare(graph: Graph, shape: Shape, offset: Any, scale: Any) -> Value:
    """`(images - offset) * scale` in float32."""
    order = Order.NHWC if len(shape) == 3 else Order.ROWS
    x = Value(graph.node("Cast", "images", to=graph.FLOAT), order)
    minus, times = _fitting("offset", offset, shape), _fitting("scale", scale, shape)
    if minus.any():
        x = graph.after(x, "Sub", graph.constant("offset", minus))
    if (times != 1).any():
        x = graph.after(x, "Mul", graph.constant("scale", times))
    return x


def _fitting(name: str, value: Any, shape: Shape) -> Array:
    """The number or array as float32 that broadcasts against images of that shape."""
    numbers = np.asarray(value, np.float32)
    if not np.isfinite(numbers).all():
        raise SpecError(f"{name} holds a number that is not finite", where="to_onnx")
    if len(shape) == 1 and numbers.size == shape[0]:
        numbers = numbers.reshape(-1)
    try:
        np.broadcast_to(numbers, shape)
    except ValueError:
        raise SpecError(
            f"{name} has the shape {list(numbers.shape)}",
            where="to_onnx",
            expected=f"one that fits {list(shape)}",
        ) from None
    return numbers


def _model(graph: Graph, network: Network, classes: Sequence[str], input_type: str) -> bytes:
    """The file's content."""
    helper, kinds = graph.onnx.helper, graph.onnx.TensorProto
    kind = kinds.UINT8 if input_type == "uint8" else kinds.FLOAT
    images = helper.make_tensor_value_info("images", kind, ["n", *network.input_shape])
    answer = helper.make_tensor_value_info("probabilities", kinds.FLOAT, ["n", network.classes])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "handlens", [images], [answer], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="handlens",
    )
    if classes:
        helper.set_model_props(model, {"classes": json.dumps(list(classes), ensure_ascii=False)})
    return bytes(model.SerializeToString(deterministic=True))
