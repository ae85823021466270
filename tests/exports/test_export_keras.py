"""Keras's files out of runs, and runs of the Keras engine in every form."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_support import trained
from sklearn.datasets import load_digits

from handlens.data.images import Dataset, ImageSet
from handlens.data.prepare import fit_preparation
from handlens.errors import SpecError
from handlens.exports.document import read_json
from handlens.exports.export import Wish, export
from handlens.exports.networks import as_network

pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
keras = pytest.importorskip("keras", reason="Keras is not installed")
# Keras's own, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")

LAYERS = ["Conv2D(4, 3, activation='gelu')", "BatchNormalization()", "MaxPooling2D(2)", "Flatten()"]


@pytest.fixture(scope="module")
def by_keras(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of the Keras engine on scikit-learn's digits."""
    digits = load_digits()
    images = np.clip(digits.images * 16, 0, 255).astype(np.uint8)[..., None]
    classes = tuple("0123456789")
    parts = [ImageSet(x, y.astype(np.int64), classes) for x, y in (
        (images[:600], digits.target[:600]), (images[797:], digits.target[797:]))]  # fmt: skip
    recipe = {"name": "conv", "engine": "keras", "layers": LAYERS, "epochs": 1, "prepare": "standardize"}
    return trained(tmp_path_factory.mktemp("keras"), Dataset("mine", *parts), [recipe])


def shown(path: Path, images: np.ndarray) -> np.ndarray:
    return np.asarray(keras.saving.load_model(path)(images.astype(np.float32)))


def test_a_network_from_scratch_as_a_keras_file(bench: Any, tmp_path: Path) -> None:
    made = export(bench.store, bench.hashes["lenet5"], Wish("keras"), tmp_path / "lenet5.keras")
    wanted = bench.model("lenet5").predict_proba(bench.images)
    np.testing.assert_allclose(shown(made.file, bench.images), wanted, atol=1e-5)
    with zipfile.ZipFile(made.file) as archive:
        facts = json.loads(archive.read("metadata.json"))
    assert facts["handlens"]["run"] == bench.hashes["lenet5"]
    assert facts["handlens"]["input"]["ink"] == made.passport.input["ink"]
    assert facts["keras_version"]


def test_a_linear_classifier_as_a_keras_file(classic: Any, tmp_path: Path) -> None:
    made = export(classic.store, classic.hashes["linear-svm"], Wish("keras"), tmp_path / "svm.keras")
    wanted = classic.model("linear-svm").predict_proba(classic.images)
    np.testing.assert_allclose(shown(made.file, classic.images), wanted, atol=1e-5)


def test_handlens_reads_what_it_wrote(bench: Any, tmp_path: Path) -> None:
    from handlens.engines.keras.exchange.convert import from_file
    from handlens.engines.scratch import ScratchEngine

    made = export(bench.store, bench.hashes["lenet5"], Wish("keras"), tmp_path / "lenet5.keras")
    from_file(made.file, tmp_path / "back")
    back = ScratchEngine().load(tmp_path / "back")
    wanted = bench.model("lenet5").predict_proba(bench.images)
    np.testing.assert_allclose(back.predict_proba(bench.images), wanted, atol=1e-5)


def test_a_run_of_the_keras_engine_in_every_form(by_keras: Any, tmp_path: Path) -> None:
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    assert len(by_keras.images) == 1000
    wanted = by_keras.model("conv").predict_proba(by_keras.images)
    files = {}
    for to in ("onnx", "json", "keras", "html"):
        made = export(by_keras.store, by_keras.hashes["conv"], Wish(to), tmp_path / f"conv.{to}")
        files[to] = made.file
        assert made.passport.data.licence == ""
    session = ort.InferenceSession(files["onnx"].read_bytes(), providers=["CPUExecutionProvider"])
    found = session.run(["probabilities"], {"images": by_keras.images})[0]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    np.testing.assert_allclose(read_json(files["json"])[0].predict_proba(by_keras.images), wanted, atol=1e-5)
    np.testing.assert_allclose(shown(files["keras"], by_keras.images), wanted, atol=1e-5)


def test_a_layer_that_is_not_ours_stays_in_keras() -> None:
    from handlens.engines.keras.devices import find
    from handlens.engines.keras.model import KerasModel, Predictor

    row = [keras.layers.Reshape((8, 8)), keras.layers.LSTM(3), keras.layers.Dense(4, activation="softmax")]
    model = keras.Sequential([keras.Input((8, 8, 1)), *row])
    preparation = fit_preparation("unit", np.zeros((1, 8, 8, 1), np.uint8))
    with pytest.raises(SpecError, match=r"LSTM.* handlens export RUN --to keras"):
        as_network(KerasModel(Predictor(model, find()), preparation), (8, 8, 1))
