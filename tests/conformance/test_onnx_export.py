"""Every layer and activation, exported to ONNX, predicts what the network predicts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_examples import EXAMPLES, Example, batch, network_of

from handlens.errors import MissingExtra, SpecError
from handlens.nn import Network, activations, layers
from handlens.nn.onnx import to_onnx
from handlens.nn.onnx_layers import EMITTERS

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'handlens[onnx]'")

every_layer = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)


def reference(data: bytes, images: np.ndarray) -> np.ndarray:
    """The answer of ONNX's own evaluator, which is written in NumPy."""
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(onnx.load_from_string(data)).run(None, {"images": images})[0]


def runtime(data: bytes, images: np.ndarray) -> np.ndarray:
    """The answer of onnxruntime."""
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"images": images})[0]


every_runner = pytest.mark.parametrize("run", [reference, runtime])
Run = Callable[[bytes, np.ndarray], np.ndarray]


def agree(run: Run, network: Network, images: np.ndarray, **preparation: Any) -> None:
    data = to_onnx(network, input_type=images.dtype.name, **preparation)
    onnx.checker.check_model(data, full_check=True)
    found, wanted = run(data, images), network.predict_proba(images, **preparation)
    assert found.dtype == np.float32
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-5


def test_every_layer_can_be_exported() -> None:
    assert set(EMITTERS) == set(layers.REGISTRY.values())


@every_layer
@every_runner
def test_an_exported_layer_predicts_the_same(example: Example, run: Run) -> None:
    images, _ = batch(example.shape, 5)
    agree(run, network_of(example, dtype="float32"), images.astype(np.float32))


@pytest.mark.parametrize("name", activations.REGISTRY)
@every_runner
def test_an_exported_activation_predicts_the_same(name: str, run: Run) -> None:
    inner = [layers.Conv2D(3, 2, activation=name), layers.Flatten(), layers.Dense(4, name), layers.Dense(3)]
    network = Network(inner, input_shape=(4, 5, 2), rng=np.random.default_rng(1))
    agree(run, network, batch((4, 5, 2), 6)[0].astype(np.float32))


@every_runner
def test_axes_come_back_in_order_where_layers_alternate(run: Run) -> None:
    """Softmax and layer normalization over channels, before, between and after convolutions."""
    L = layers
    block = L.Residual((L.LayerNormalization(), L.Conv2D(4, 1)), (L.Conv2D(4, 1), L.LayerNormalization()))
    inner = [L.Softmax(), L.Conv2D(4, 3, padding="same"), L.Softmax(), block, L.LayerNormalization()]
    inner += [L.MaxPooling2D(2), L.BatchNormalization(), L.Flatten(), L.Dense(3)]
    network = Network(inner, input_shape=(6, 5, 3), rng=np.random.default_rng(1))
    agree(run, network, batch((6, 5, 3), 4)[0].astype(np.float32))


PER_PIXEL = np.random.default_rng(0).uniform(0.001, 0.01, (9, 8, 3))


@pytest.mark.parametrize(
    ("offset", "scale"),
    [(0.0, 1 / 255), (33.3, 0.0128), (255 * PER_PIXEL, PER_PIXEL), ([1.0, 20.0, 3.0], 0.01), (0.0, 1.0)],
    ids=["unit", "standardize", "standardize-pixels", "channels", "none"],
)
@pytest.mark.parametrize("kind", ["uint8", "float32"])
@every_runner
def test_the_preparation_is_part_of_the_model(kind: str, offset: Any, scale: Any, run: Run) -> None:
    inner = [layers.Conv2D(4, 3, (2, 1), "same", "relu"), layers.AveragePooling2D(3, 2, "same")]
    network = Network(
        [*inner, layers.Flatten(), layers.Dense(5)], input_shape=(9, 8, 3), rng=np.random.default_rng(0)
    )
    images = np.random.default_rng(1).integers(256, size=(7, 9, 8, 3)).astype(kind)
    agree(run, network, images, offset=offset, scale=scale)


@every_runner
def test_a_network_of_rows_takes_rows(run: Run) -> None:
    network = Network(
        [layers.Dense(4, "tanh"), layers.Dense(3)], input_shape=(6,), rng=np.random.default_rng(0)
    )
    images = np.random.default_rng(1).integers(256, size=(5, 6), dtype=np.uint8)
    agree(run, network, images, offset=np.arange(6.0).reshape(2, 3), scale=0.01)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_any_number_of_images_will_do(n: int) -> None:
    network = network_of(EXAMPLES[0], dtype="float32")
    found = runtime(to_onnx(network), np.zeros((n, 7, 5, 3), np.uint8))
    assert found.shape == (n, 3)


def test_a_network_in_double_precision_is_exported_in_single() -> None:
    network = network_of(EXAMPLES[0])
    images = batch((7, 5, 3), 3)[0].astype(np.float32)
    assert (
        np.abs(runtime(to_onnx(network, input_type="float32"), images) - network.predict_proba(images)).max()
        < 1e-5
    )


def test_the_file_holds_the_model_and_the_names_of_the_classes(tmp_path: Path) -> None:
    network = network_of(EXAMPLES[0], dtype="float32")
    path = tmp_path / "model.onnx"
    data = to_onnx(network, path, classes=["Å", "b", "c"])
    assert path.read_bytes() == data == to_onnx(network, classes=["Å", "b", "c"])
    model = onnx.load(path)
    assert json.loads({p.key: p.value for p in model.metadata_props}["classes"]) == ["Å", "b", "c"]
    assert [(i.name, i.type.tensor_type.elem_type) for i in model.graph.input] == [("images", 2)]
    assert [o.name for o in model.graph.output] == ["probabilities"]
    assert {o.version for o in model.opset_import} == {17}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["a", "b"]}, "expected 3"),
        ({"offset": np.zeros((5, 7, 3))}, r"offset has the shape \[5, 7, 3\]"),
        ({"scale": float("nan")}, "scale holds a number that is not finite"),
        ({"input_type": "int8"}, "to_onnx: input_type is 'int8'; expected uint8"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        to_onnx(network_of(EXAMPLES[0]), **arguments)


def test_without_onnx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"handlens\[onnx\]"):
        to_onnx(network_of(EXAMPLES[0]))
