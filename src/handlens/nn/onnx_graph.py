"""An ONNX graph under construction: nodes, constants, and in which order the axes of a value lie."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from handlens.errors import MissingExtra
from handlens.nn.arrays import Array


class Order(Enum):
    """The axes of a batch. Images come as NHWC, ONNX convolves NCHW."""

    ROWS = "[n, features]"
    NHWC = "[n, height, width, channels]"
    NCHW = "[n, channels, height, width]"

    @property
    def channel_axis(self) -> int:
        """Where the features or channels lie."""
        return {Order.ROWS: 1, Order.NHWC: 3, Order.NCHW: 1}[self]


@dataclass(frozen=True)
class Value:
    """What a node gives: its name in the graph, and its axes."""

    name: str
    order: Order


class Graph:
    """Nodes in the order in which they run, and the constants that they use."""

    def __init__(self) -> None:
        """Raises MissingExtra where the package onnx is not installed."""
        try:
            import onnx
            import onnx.helper
            import onnx.numpy_helper
        except ImportError:
            raise MissingExtra("onnx", "onnx") from None
        self.onnx: Any = onnx
        self.FLOAT = int(onnx.TensorProto.FLOAT)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Append a node; gives the name of its output."""
        name = output or f"{operator.lower()}_{len(self.nodes)}"
        made = self.onnx.helper.make_node(operator, list(inputs), [name], name=name, **attributes)
        self.nodes.append(made)
        return name

    def after(self, x: Value, operator: str, *others: str, **attributes: Any) -> Value:
        """A node that takes x, and perhaps other inputs, and leaves its axes as they are."""
        return Value(self.node(operator, x.name, *others, **attributes), x.order)

    def constant(self, name: str, values: Array) -> str:
        """An array: float32, or int64 where its numbers are whole ones by type."""
        whole = np.issubdtype(values.dtype, np.integer)
        array = np.ascontiguousarray(values, np.int64 if whole else np.float32)
        array = array.reshape(values.shape)  # a plain number has no axes
        unique = f"{name}_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, unique))
        return unique

    def ordered(self, x: Value, order: Order) -> Value:
        """x with its axes in that order; x itself where they are."""
        if Order.ROWS in (x.order, order) or x.order is order:
            return x
        axes = (0, 3, 1, 2) if order is Order.NCHW else (0, 2, 3, 1)
        return Value(self.node("Transpose", x.name, perm=axes), order)
