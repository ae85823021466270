"""`handlens twin`: both engines side by side, and what cannot be."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # each program runs once: compile it fast
pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
pytest.importorskip("keras", reason="Keras is not installed")

LAYERS = "Conv2D(3, 3, activation='relu'), Flatten(), Dropout(0.4)"


def test_both_engines_are_shown_side_by_side(handlens, tmp_path):
    words = ["twin", LAYERS, "digits", "--epochs", "2", "--validation", "200", "--seed", "5"]
    found = handlens(*words, "--json", "--charts", "figures").json
    assert found["train_images"] > 1000
    assert (found["validation_images"], found["seed"], found["dataset"]) == (200, 5, "digits")
    assert found["notes"] == ["Trained without dropout, so that both engines do the same"]
    scratch, keras = (found["epochs"][name] for name in ("scratch", "keras"))
    assert len(scratch) == len(keras) == 2
    for ours, theirs in zip(scratch, keras, strict=True):
        for key in ("loss", "validation_loss", "accuracy"):
            assert ours[key] == pytest.approx(theirs[key], abs=1e-5)
    assert scratch[1]["validation_loss"] < scratch[0]["validation_loss"]
    conv, head = found["layers"]
    assert (conv["parameters"], head["parameters"]) == (3 * 3 * 3 + 3, 6 * 6 * 3 * 10 + 10)
    assert conv["layer"].startswith("Conv2D(3")
    assert 0 < head["difference"] < 1e-5 < head["largest"]
    assert found["largest_weight_difference"] == max(conv["difference"], head["difference"])
    assert 0 < found["largest_probability_difference"] < 1e-5
    assert found["disagreements"] == 0
    page = (tmp_path / found["report"]).read_text(encoding="utf-8")
    assert f"{scratch[1]['loss']:.6f}" in page
    assert "twins-loss" in page
    assert {p.name for p in (tmp_path / "figures").iterdir()} == {"twins-loss.png", "twins-loss.svg"}
    svg = (tmp_path / "figures" / "twins-loss.svg").read_text(encoding="utf-8")
    assert all(f">{name}<" in svg for name in ("scratch", "keras", "training", "validation"))


def test_twins_on_the_screen(handlens):
    done = handlens("twin", "mlp-64-64", "digits", "--epochs", "1")
    assert done.status == 0, done.err
    assert "loss, scratch" in done.out
    assert "Dense(64" in done.out
    assert re.search(r"none of \d+ validation images is taken for another class", done.out)
    assert "report: reports/twin-mlp-64-64-digits/report.html" in done.out
    quiet = handlens("twin", "Flatten()", "digits", "--epochs", "1", "-q").out
    assert "report:" not in quiet
    assert "Dense(10)" in quiet


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lenet6", "digits"], "RECIPE: no recipe is called 'lenet6'. Did you mean 'lenet5'?"),
        (["Flatten(), Dens(4)", "digits"], "RECIPE: unknown"),
        (["Dense(4)", "digits"], "Put Flatten() before it"),
        (["MaxPooling2D(9), Flatten()", "digits"], "MaxPooling2D"),
        (["forest", "digits"], "'forest' is no network"),
        (["mlp", "digitz"], "digitz"),
        (["mlp", "digits", "--validation", "1.5"], "1.5"),
    ],
    ids=lambda x: x[0] if isinstance(x, list) else "",
)
def test_mistakes_are_one_line(handlens, tmp_path, words, message):
    done = handlens("twin", *words)
    assert done.status == 2
    assert done.err.startswith("handlens: ")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert not (tmp_path / "reports").exists()


WITHOUT = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in {missing} else found(name, *more)
sys.argv = ["handlens", "twin", "mlp", "digits"]
from handlens import cli
try:
    cli.main()
finally:
    assert "jax" not in sys.modules and "keras" not in sys.modules
"""


@pytest.mark.parametrize("missing", [("keras", "jax"), ("jax",)], ids="+".join)
def test_without_the_extra_it_says_what_installs_it(missing, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=missing)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed" in done.stderr
    assert "pip install 'handlens[keras]'" in done.stderr.replace("Pip", "pip")
    assert done.stdout == ""
