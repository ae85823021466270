"""`handlens convert`, as a user runs it."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from handlens.engines.scratch import ScratchEngine

pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
keras = pytest.importorskip("keras", reason="Keras is not installed")

STUDY = """
dataset = "digits"
replicates = 1
[[recipe]]
name = "conv"
layers = ["Conv2D(4, 3, activation='relu')", "MaxPooling2D(2)", "Flatten()"]
prepare = "standardize"
epochs = 1
[[recipe]]
use = "dummy"
"""
# Keras's own, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
IMAGES = load_digits().images.clip(0, 15).astype(np.uint8)[:20, :, :, None] * 16


@pytest.fixture
def runs(handlens, tmp_path):
    """The names of two runs by their recipes'."""
    (tmp_path / "small.toml").write_text(STUDY)
    return {m["model"]: m["runs"][0] for m in handlens("run", "small.toml", "--json").json["models"]}


@pytest.fixture
def file(tmp_path):
    """A Keras file."""
    stack = [keras.layers.Conv2D(2, 3), keras.layers.GaussianNoise(1.0), keras.layers.Flatten()]
    keras.Sequential([keras.Input((8, 8, 1)), *stack, keras.layers.Dense(3, activation="softmax")]).save(
        tmp_path / "mine.keras"
    )
    return "mine.keras"


def test_a_run_becomes_a_keras_file_and_a_network_again(handlens, tmp_path, runs):
    made = handlens("convert", runs["conv"][:10], "conv.keras", "--json").json
    assert made["layers"] == ["Conv2D", "MaxPooling2D", "Flatten", "Dense"]
    assert made["prepare"] == "standardize"
    assert made["difference"] <= 1e-4
    assert (made["source"], made["target"]) == (runs["conv"][:10], "conv.keras")
    back = handlens("convert", "conv.keras", "back", "--json").json
    assert back["parameters"] == made["parameters"]
    loaded = ScratchEngine().load(tmp_path / "back")
    trained = ScratchEngine().load(tmp_path / "runs" / runs["conv"] / "model")
    np.testing.assert_array_equal(loaded.network.state(), trained.network.state())
    np.testing.assert_allclose(loaded.predict_proba(IMAGES), trained.predict_proba(IMAGES), atol=1e-5)
    model = keras.saving.load_model(tmp_path / "conv.keras")
    shown = np.asarray(model(IMAGES.astype(np.float32)))
    np.testing.assert_allclose(shown, trained.predict_proba(IMAGES), atol=1e-4)
    # The folder that was written is a source too.
    assert handlens("convert", "back", "again.keras").status == 0


def test_on_the_screen(handlens, file, tmp_path):
    done = handlens("convert", file, "made")
    assert done.status == 0
    assert done.out.startswith("Conv2D, Flatten, Dense\n")
    assert "note: a GaussianNoise layer is left out" in done.out
    assert "made: 239 parameters, pixels prepared by unit; largest difference" in done.out
    assert sorted(p.name for p in (tmp_path / "made").iterdir()) == [
        "network.json", "preparation.json", "weights.safetensors",
    ]  # fmt: skip
    quiet = handlens("convert", file, "other", "--prepare", "none", "-q").out
    assert quiet.startswith("other: ")
    assert json.loads((tmp_path / "other" / "preparation.json").read_text())["scale"] == 1.0


def test_what_cannot_be(handlens, file, runs, tmp_path):
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (tmp_path / "text.keras").write_text("hello" * 50)
    before = {p.name for p in tmp_path.iterdir()}
    for words, said in [
        ((file, "runs"), "exists already"),
        ((file, "made", "--prepare", "units"), "did you mean 'unit'"),
        (("old.h5", "made"), "save it again as .keras"),
        (("text.keras", "made"), "no .keras file"),
        (("missing.keras", "made"), "no such file"),
        (("nothing", "x.keras"), "runs list"),
        ((runs["dummy"], "x.keras"), "trained by the engine scratch or keras"),
        ((runs["conv"], "made"), "from scratch already"),
        ((runs["conv"], "x.keras", "--prepare", "unit"), "Leave --prepare out"),
    ]:
        done = handlens("convert", *words)
        assert (done.status, done.out) == (2, "")
        assert said.lower() in done.err.lower()
        assert done.err.startswith("handlens: ")
        assert done.err.count("\n") == 1
    assert {p.name for p in tmp_path.iterdir()} == before
