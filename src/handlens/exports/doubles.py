"""ONNX nodes in double precision, for what decides by small differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.nn.onnx_graph import Graph


def double(graph: Graph, name: str, values: NDArray[Any] | float) -> str:
    """A constant of float64."""
    unique = f"{name}_{len(graph.constants)}"
    graph.constants.append(graph.onnx.numpy_helper.from_array(np.asarray(values, np.float64), unique))
    return unique


def exactly(graph: Graph, name: str, values: NDArray[np.float64]) -> str:
    """A constant of float64, kept in the file as float32 where that is the same numbers in half the bytes."""
    short = np.ascontiguousarray(values, np.float32)
    if (short != values).any():
        return double(graph, name, values)
    return in_double(graph, graph.constant(name, short))


def in_double(graph: Graph, value: str) -> str:
    """A value as float64."""
    return graph.node("Cast", value, to=graph.onnx.TensorProto.DOUBLE)


def smallest(graph: Graph, values: str, k: int) -> str:
    """int64 [n, k]: where the k smallest numbers of each row stand."""
    count = graph.constant("k", np.array([k]))
    name = f"smallest_{len(graph.nodes)}"
    outputs = [f"{name}_values", name]
    node = graph.onnx.helper.make_node("TopK", [values, count], outputs, name=name, axis=1, largest=0)
    graph.nodes.append(node)
    return name
