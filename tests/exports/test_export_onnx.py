"""Exported ONNX models say of 1,000 real images what handlens says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from handlens.data.images import ImageSet
from handlens.engines.classic import SHORT_NAMES, ClassicEngine, rows
from handlens.errors import HandlensError, MissingExtra
from handlens.exports.classifiers import form, to_model
from handlens.exports.export import Wish, export
from handlens.exports.trees import at_most
from handlens.spec import from_dict

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'handlens[onnx]'")
ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def answer(source: Path | bytes, images: np.ndarray) -> np.ndarray:
    data = source.read_bytes() if isinstance(source, Path) else source
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"images": images})[0]


def agrees(bench: Any, name: str, tmp_path: Path, wanted: Any = None, **wish: Any) -> Path:
    made = export(bench.store, bench.hashes[name], Wish("onnx", **wish), tmp_path / f"{name}.onnx")
    onnx.checker.check_model(onnx.load(made.file), full_check=True)
    images = bench.images.astype(wish.get("input_type") or "uint8")
    assert len(images) == 1000
    found = answer(made.file, images)
    wanted = bench.model(name).predict_proba(bench.images) if wanted is None else wanted
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 1e-5
    return made.file


@pytest.mark.parametrize("input_type", [None, "float32"])
@pytest.mark.parametrize("name", ["lenet5", "mlp-500-300"])
def test_a_network(bench: Any, name: str, input_type: str | None, tmp_path: Path) -> None:
    agrees(bench, name, tmp_path, input_type=input_type)


@pytest.mark.parametrize("name", [*SHORT_NAMES, "perceptron"])
def test_a_classifier_of_scikit_learns(classic: Any, name: str, tmp_path: Path) -> None:
    """In double precision: by some processors' kernels scikit-learn's own sums of 32 bits are off by 1e-5."""
    model = classic.model(name)
    wanted = model.estimator.predict_proba(rows(classic.images, model.preparation).astype(np.float64))
    agrees(classic, name, tmp_path, wanted)
    np.testing.assert_allclose(model.predict_proba(classic.images), wanted, rtol=0, atol=3e-5)


def test_the_facts_are_in_the_file(bench: Any, tmp_path: Path) -> None:
    model = onnx.load(agrees(bench, "lenet5", tmp_path))
    kept = {p.key: p.value for p in model.metadata_props}
    assert json.loads(kept["classes"]) == list("0123456789")
    facts = json.loads(kept["handlens"])
    assert facts["run"] == bench.hashes["lenet5"]
    assert facts["data"]["licence"] == "CC BY-SA 3.0"
    assert [facts["input"][key] for key in ("height", "width", "channels")] == [28, 28, 1]
    assert facts["test"]["images"] == 1000
    low, mean, high = (facts["test"]["accuracy"][key] for key in ("low", "mean", "high"))
    assert 0.5 < low < mean < high < 1


def digits(k: int, *, empty: bool) -> tuple[ImageSet, ImageSet]:
    """Digits below k for training and validation, named with one class too many where `empty`."""
    data = load_digits(n_class=k)
    images = np.clip(data.images * 16, 0, 255).astype(np.uint8)[..., None]
    classes = tuple(map(str, range(k + empty)))
    half = len(images) // 2
    parts = [(images[:half], data.target[:half]), (images[half:], data.target[half:])]
    return tuple(ImageSet(x, y.astype(np.int64), classes) for x, y in parts)  # type: ignore[return-value]


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize(
    "estimator",
    [*SHORT_NAMES, "sklearn.tree.DecisionTreeClassifier",
     "sklearn.ensemble.ExtraTreesClassifier(n_estimators=20)",
     "sklearn.linear_model.RidgeClassifier", "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
     "sklearn.neural_network.MLPClassifier(hidden_layer_sizes=(9,), max_iter=3)"],
)  # fmt: skip
def test_two_classes_or_more_and_one_without_images(estimator: str, k: int) -> None:
    estimator = "gradient-boosting(max_iter=5)" if estimator == "gradient-boosting" else estimator
    train, other = digits(k, empty=True)
    recipe = from_dict({"name": "x", "estimator": estimator, "prepare": "standardize-pixels"})
    model: Any = ClassicEngine().fit(recipe, train, other, 0)
    made = form(model, train.shape)
    images, wanted = other.images, model.predict_proba(other.images)
    assert np.all(wanted[:, k] == 0)
    if made is not model:
        assert np.abs(made.predict_proba(images) - wanted).max() < 1e-5  # type: ignore[union-attr]
        return
    assert np.abs(answer(to_model(model, train.shape, "uint8"), images) - wanted).max() < 1e-5


@pytest.mark.parametrize(
    "estimator", ["sklearn.naive_bayes.GaussianNB", "knn(weights='distance')", "rbf-svm(kernel='poly')"]
)
def test_what_has_no_operators_is_said_in_one_line(estimator: str) -> None:
    train, other = digits(3, empty=False)
    model: Any = ClassicEngine().fit(from_dict({"name": "x", "estimator": estimator}), train, other, 0)
    with pytest.raises(HandlensError, match="cannot be exported in this form; expected a network, logistic"):
        to_model(form(model, train.shape), train.shape, "uint8")  # type: ignore[arg-type]


def test_a_threshold_is_rounded_so_that_no_pixel_changes_sides() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.uniform(-1, 1, 2000).astype(np.float32)
    others = (pixels.astype(np.float64) + rng.choice([-1e-12, 0, 1e-12], 2000)).tolist()
    thresholds = np.array([*others, np.inf, -np.inf])
    short = at_most(thresholds)
    assert short.dtype == np.float32
    np.testing.assert_array_equal(pixels[:, None] <= thresholds, pixels[:, None] <= short)


def test_without_onnx_the_extra_is_named(bench: Any, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"handlens\[onnx\]"):
        export(bench.store, bench.hashes["lenet5"], Wish("onnx"), tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []
