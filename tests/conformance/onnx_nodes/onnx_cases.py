"""The test cases that ship inside the package onnx, as far as they are of one node of our operators."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_backend import OPERATORS

onnx: Any = pytest.importorskip("onnx", reason="needs onnx: pip install 'handlens[onnx]'")
KINDS = ("pytorch-converted", "pytorch-operator", "simple")


@dataclass(frozen=True, eq=False)
class Case:
    """One node, its inputs and what it must give."""

    name: str
    operator: str
    attributes: dict[str, Any]
    inputs: list[np.ndarray]
    outputs: list[np.ndarray]
    rtol: float
    atol: float


@cache
def cases() -> list[Case]:
    """All of them: those that onnx writes in code, and those that lie in its folder. Takes seconds."""
    return sorted([*node_cases(), *folder_cases()], key=lambda case: case.name)


def node_cases() -> list[Case]:
    """The module of an operator registers its cases when it is imported; the loader would import all 200."""
    node = importlib.import_module("onnx.backend.test.case.node")
    wanted = {operator.lower() for operator in OPERATORS}
    for module in pkgutil.iter_modules(node.__path__):
        if module.name.replace("_", "") in wanted:
            importlib.import_module(f"{node.__name__}.{module.name}")
    found = [case for case in node._NodeTestCases if is_ours(case.model)]
    return [make(c.name, c.model, *c.data_sets[0], c.rtol, c.atol) for c in found]


def folder_cases() -> list[Case]:
    from onnx.backend.test.loader import load_model_tests

    found = []
    for case in (case for kind in KINDS for case in load_model_tests(kind=kind)):
        folder = Path(case.model_dir)
        model = onnx.load(folder / "model.onnx")
        if is_ours(model):
            data = (read(folder / "test_data_set_0", what) for what in ("input", "output"))
            found.append(make(case.name, model, *data, case.rtol, case.atol))
    return found


def is_ours(model: Any) -> bool:
    return len(model.graph.node) == 1 and model.graph.node[0].op_type in OPERATORS


def read(folder: Path, what: str) -> list[np.ndarray]:
    arrays = []
    for number in range(len(list(folder.glob(f"{what}_*.pb")))):
        tensor = onnx.TensorProto.FromString((folder / f"{what}_{number}.pb").read_bytes())
        arrays.append(onnx.numpy_helper.to_array(tensor))
    return arrays


def make(name: str, model: Any, inputs: Any, outputs: Any, rtol: float, atol: float) -> Case:
    """The case with its inputs in the node's order, wherever the model keeps them."""
    graph = model.graph
    node = graph.node[0]
    known = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    given = [value.name for value in graph.input if value.name not in known]
    known.update(zip(given, inputs, strict=False))
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    arrays = [np.asarray(known[name]) for name in node.input if name]
    return Case(name, node.op_type, attributes, arrays, list(outputs), rtol, atol)
