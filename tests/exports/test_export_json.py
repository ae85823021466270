"""Exported JSON comes back as the same model; what is damaged or foreign is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handlens import nn
from handlens.errors import StoreError
from handlens.exports.document import document, read_json
from handlens.exports.export import Wish, export


@pytest.fixture(scope="module")
def file(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("json") / "lenet5.json"
    return export(bench.store, bench.hashes["lenet5"], Wish("json"), target).file


def test_the_model_comes_back_bit_by_bit(bench: Any, tmp_path: Path) -> None:
    for name in bench.hashes:
        path = export(bench.store, bench.hashes[name], Wish("json"), tmp_path / f"{name}.json").file
        model, facts = read_json(path)
        wanted = bench.model(name).predict_proba(bench.images)
        np.testing.assert_array_equal(model.predict_proba(bench.images), wanted)
        assert facts["run"] == bench.hashes[name]
        assert facts["classes"] == list("0123456789")
        assert facts["data"]["digest"] == bench.store.read(bench.hashes[name]).trial.data


def test_half_the_bits_are_half_the_file_and_nearly_the_same(bench: Any, tmp_path: Path) -> None:
    short = export(bench.store, bench.hashes["mlp-500-300"], Wish("json", 16), tmp_path / "short.json")
    assert short.bytes < 1_600_000
    model, _ = read_json(short.file)
    wanted = bench.model("mlp-500-300").predict_proba(bench.images)
    difference = np.abs(model.predict_proba(bench.images) - wanted).max()
    assert 0 < difference < 5e-3


def test_a_weight_beyond_16_bits_keeps_its_array_whole() -> None:
    network = nn.Network([nn.layers.Dense(2)], input_shape=(3,), rng=None)
    network.set_weights([np.array([[1e5, 0], [0, 1], [1, 1]]), np.zeros(2)])

    class Facts:
        def plain(self) -> dict[str, Any]:
            return {}

    made = document(network, Facts(), bits=16)  # type: ignore[arg-type]
    assert [stored["type"] for stored in made["weights"]] == ["float32", "float32"]
    network.set_weights([np.ones((3, 2)), np.zeros(2)])
    made = document(network, Facts(), bits=16)  # type: ignore[arg-type]
    assert [stored["type"] for stored in made["weights"]] == ["float16", "float32"]


def _shape(plain: dict[str, Any]) -> None:
    plain["weights"][0]["shape"] = [5, 5, 6, 1, 1000]


def _layer(plain: dict[str, Any]) -> None:
    plain["network"]["layers"][0]["filters"] = 10**9


def _no_number(plain: dict[str, Any]) -> None:
    stored = plain["weights"][1]
    stored["data"] = base64.b64encode(np.full(6, np.nan, np.float32).tobytes()).decode()


def _bad_base64(plain: dict[str, Any]) -> None:
    plain["weights"][0]["data"] = "§" * 100


def _version(plain: dict[str, Any]) -> None:
    plain["version"] = 2


def _missing(plain: dict[str, Any]) -> None:
    del plain["passport"]["preparation"]


def _name(plain: dict[str, Any]) -> None:
    plain["weights"][0]["name"] = "../../x"


def _fewer(plain: dict[str, Any]) -> None:
    plain["weights"].pop()


def _format(plain: dict[str, Any]) -> None:
    plain["format"] = "pickle"


def _text(plain: dict[str, Any]) -> None:
    plain["weights"] = "weights"


@pytest.mark.parametrize(
    "damage",
    [_shape, _layer, _no_number, _bad_base64, _version, _missing, _name, _fewer, _format, _text],
)
def test_a_damaged_file_is_refused_in_one_line(file: Path, damage: Any, tmp_path: Path) -> None:
    plain = json.loads(file.read_text(encoding="utf-8"))
    damage(plain)
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(StoreError) as error:
        read_json(broken)
    assert str(error.value).startswith(str(broken))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_of_ours_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"x\.json"):
        read_json(path)
    with pytest.raises(StoreError, match="nowhere"):
        read_json(tmp_path / "nowhere.json")
