"""`handlens run --keras module:function`: the user's own model from the command line to a picture's class."""

import os

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
pytest.importorskip("keras", reason="Keras is not installed")

CODE = """
import keras
from keras import layers

def known(classes):
    return keras.Sequential([layers.Flatten(), layers.Dense(classes, activation="softmax")])

class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.flatten, self.out = layers.Flatten(), layers.Dense(10)

    def call(self, x):
        return self.out(self.flatten(x))

def narrow():
    return keras.Sequential([layers.Flatten(), layers.Dense(3)])
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's in the current folder; its name."""
    monkeypatch.chdir(tmp_path)
    name = f"mine_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(CODE)
    return name


def recipe_file(tmp_path, module, more=""):
    text = (
        f'dataset = "digits"\nreplicates = 1\n[[recipe]]\nname = "own"\nmodel = "{module}:Own"\nepochs = 2\n'
    )
    (tmp_path / "study.toml").write_text(text + more)
    return "study.toml"


def test_a_users_model_is_trained_once_and_names_a_picture(handlens, module, tmp_path):
    words = ("run", "--dataset", "digits", "--keras", f"{module}:known", "--replicates", 1, "--json")
    first = handlens(*words)
    (model,) = first.json["models"]
    assert model["engine"] == "keras"
    assert model["epochs"] == 10
    assert model["validation_accuracy"] > 0.5
    assert handlens(*words).json["models"][0]["runs"] == model["runs"]
    (tmp_path / f"{module}.py").write_text(CODE + "\n# another file is another trial\n")
    assert handlens(*words).json["models"][0]["runs"] != model["runs"]
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(tmp_path / "picture.png")
    said = handlens("predict", model["runs"][0], "picture.png", "--json")
    assert len(said.json["answers"][0]["classes"]) == 3


def test_a_class_of_ones_own_predicts_only_by_the_code_that_is_named(handlens, module, tmp_path):
    from handlens.engines.keras.own import code

    study = recipe_file(tmp_path, module)
    (run,) = handlens("run", study, "--json").json["models"][0]["runs"]
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(tmp_path / "picture.png")
    code._ASKED.clear()  # as in a new process
    refused = handlens("predict", run, "picture.png")
    assert refused.status == 2
    assert f"add --keras {module}:Own" in refused.err
    assert handlens("predict", run, "picture.png", "--keras", f"{module}:Own").status == 0


def test_a_sweep_over_a_users_model_is_planned(handlens, module, tmp_path):
    text = (
        'optimizer = "Adam(0.01)"\n[sweep]\nbatch_size = [64, 128]\n"optimizer.learning_rate" = [0.1, 0.01]\n'
    )
    found = handlens("plan", recipe_file(tmp_path, module, text), "--no-time", "--json").json
    assert found["trials"] == 4
    assert {c["values"]["optimizer.learning_rate"] for c in found["configurations"]} == {0.1, 0.01}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("narrow", "it has 3 outputs; expected 10"),
        ("wide", "no function 'wide'"),
        ("Own.call", "module:function"),
    ],
)
def test_what_is_wrong_is_one_line(handlens, module, function, said):
    ended = handlens("run", "--dataset", "digits", "--keras", f"{module}:{function}")
    assert ended.status == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_file_and_a_model_are_one_too_many(handlens, module, tmp_path):
    ended = handlens("run", recipe_file(tmp_path, module), "--keras", f"{module}:known")
    assert "both a study's file and --dataset, --models or --keras" in ended.err
