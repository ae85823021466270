"""Networks on disk: files are hostile until proved otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from handlens.errors import StoreError
from handlens.nn import Network, layers


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    stack = [layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)]
    Network(stack, input_shape=(5, 5, 1), rng=np.random.default_rng(0)).save(tmp_path)
    return tmp_path


def rewrite(folder: Path, **changes: Any) -> None:
    path = folder / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refused(folder: Path) -> str:
    with pytest.raises(StoreError) as caught:
        Network.load(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_a_network_comes_back(saved: Path) -> None:
    network = Network.load(saved)
    assert [type(layer).__name__ for layer in network.layers] == [
        "Conv2D",
        "BatchNormalization",
        "Flatten",
        "Dense",
    ]
    assert {p.name for p in saved.iterdir()} == {"network.json", "weights.safetensors"}


def test_a_missing_network_is_named(tmp_path: Path) -> None:
    assert "there is no network" in refused(tmp_path)


def test_missing_weights_are_named(saved: Path) -> None:
    (saved / "weights.safetensors").unlink()
    assert "weights" in refused(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2}, {"format": "else"}, {"dtype": "float16"}, {"dtype": 5}, {"layers": {}},
        {"layers": []},
        {"layers": [{"layer": "Danse"}]}, {"layers": [3]}, {"layers": [{"layer": "Dense", "units": -1}]},
        {"layers": [{"layer": "Dense", "units": "9"}]}, {"layers": [{"layer": "Flatten", "x": 1}]},
        {"layers": [{"layer": "Dense"}]}, {"input_shape": 5}, {"input_shape": [5, 5, "1"]},
        {"input_shape": [5, 5]}, {"input_shape": [-5, 5, 1]}, {"input_shape": [5.0, 5, 1]}, {"more": 1},
        {"layers": [{"layer": "Dense", "units": 10**12}]}, {"input_shape": [10**9, 10**9, 1]},
        {"layers": [{"layer": "ZeroPadding2D", "padding": 10**9}]}, {"layers": [{"layer": ["Dense"]}]},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_description_is_refused(saved: Path, changes: dict[str, Any]) -> None:
    rewrite(saved, **changes)
    refused(saved)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, "\x00", '{"layers": NaN}', " " * 2_000_000]
)
def test_text_that_is_no_description_is_refused(saved: Path, text: str) -> None:
    (saved / "network.json").write_text(text)
    refused(saved)


def test_layers_inside_layers_without_end_are_refused(saved: Path) -> None:
    text = '{"layer": "Residual", "layers": [' * 5_000 + "]}" * 5_000
    inside = json.dumps({**json.loads((saved / "network.json").read_text()), "layers": ["@"]})
    (saved / "network.json").write_text(inside.replace('"@"', text))
    refused(saved)


def test_damaged_weights_are_refused(saved: Path) -> None:
    path = saved / "weights.safetensors"
    whole = path.read_bytes()
    for broken in (
        b"",
        whole[:5],
        whole[:-1],
        whole + b"x",
        b"\xff" * 8 + whole[8:],
        whole[:8] + b"[" + whole[9:],
    ):
        path.write_bytes(broken)
        refused(saved)


def test_weights_of_another_network_are_refused(saved: Path) -> None:
    path = saved / "weights.safetensors"
    weights = load_file(path)
    first = next(iter(weights))
    for changed in (
        {("x" if name == first else name): w for name, w in weights.items()},
        {name: w.reshape(-1) for name, w in weights.items()},
        {name: w.astype(np.float16) for name, w in weights.items()},
        {name: w.view(np.int32) for name, w in weights.items()},
        {name: np.full_like(w, np.nan) for name, w in weights.items()},
    ):
        save_file(changed, path)
        refused(saved)
