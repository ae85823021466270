import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

STUDY = """
dataset = "digits"
replicates = 1
[[recipe]]
name = "conv"
layers = ["Conv2D(8, 3, activation='relu')", "MaxPooling2D(2)", "Flatten()"]
optimizer = "Adam(0.003)"
epochs = 6
[[recipe]]
use = "dummy"
"""


@pytest.fixture
def trained(handlens, tmp_path):
    (tmp_path / "small.toml").write_text(STUDY)
    table = handlens("run", "small.toml", "--json").json
    pixels, labels = load_digits(return_X_y=True)
    image = np.clip(pixels[1700] * 16, 0, 255).astype(np.uint8).reshape(8, 8)
    Image.fromarray(image).save(tmp_path / "seen.png")
    Image.fromarray(255 - image).resize((120, 120)).save(tmp_path / "a scan.png")
    runs = {model["model"]: model["runs"][0] for model in table["models"]}
    return runs, str(labels[1700])


def test_explain_agrees_with_predict(handlens, trained, tmp_path):
    runs, label = trained
    for picture in ("seen.png", "a scan.png"):
        explained = handlens("explain", "small", picture, "--label", label, "--json").json
        predicted = handlens("predict", "small", picture, "--top", "10", "--json").json["answers"][0]
        assert explained["classes"] == predicted["classes"]
        assert explained["notes"] == predicted["notes"]
        assert explained["run"] == runs["conv"]
        assert explained["label"] == label
        probability = {c["class"]: c["probability"] for c in explained["classes"]}[label]
        assert explained["loss"] == pytest.approx(-np.log(probability), abs=1e-4)
        assert [layer["output_shape"] for layer in explained["layers"]] == [
            [6, 6, 8], [3, 3, 8], [72], [10],
        ]  # fmt: skip
        page = (tmp_path / explained["report"]).read_text(encoding="utf-8")
        assert f"handlens explain {runs['conv']} " in page
    assert explained["report"] == f"reports/explain-{runs['conv'][:8]}-a-scan/report.html"
    assert explained["occlusion"]["patch"] == [2, 2]


@pytest.mark.usefixtures("trained")
def test_explain_on_the_screen(handlens, tmp_path):
    done = handlens("explain", "small", "seen.png", "--charts", "figures")
    assert done.status == 0
    assert "y = f(kernel.T @ patches(x) + bias)" in done.out
    assert "report: reports/explain-" in done.out
    assert {"filters.svg", "maps-0.png", "covered.png"} <= {p.name for p in (tmp_path / "figures").iterdir()}
    quiet = handlens("explain", "small", "seen.png", "-q").out
    assert "report:" not in quiet
    assert "Conv2D(8" in quiet


def test_mistakes_are_one_line(handlens, trained, tmp_path):
    runs, _ = trained
    (tmp_path / "no.png").write_bytes(b"not a picture")
    for words, message in (
        (["absent", "seen.png"], "no run begins with 'absent'"),
        ([runs["dummy"], "seen.png"], "expected a network from scratch"),
        (["small", "absent.png"], "absent.png"),
        (["small", "no.png"], "no.png"),
        (["small", "seen.png", "--label", "seven"], "no class is called 'seven'"),
    ):
        done = handlens("explain", *words)
        assert done.status == 2, words
        assert done.err.startswith("handlens: ")
        assert message in done.err
        assert done.err.count("\n") == 1
        assert done.out == ""
    assert not list((tmp_path / "reports").glob("explain-*"))


def test_a_record_without_the_images_contract(handlens, trained, tmp_path):
    runs, _ = trained
    path = tmp_path / "runs" / runs["conv"] / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"input": {}}))
    for command in ("explain", "predict"):
        assert handlens(command, "small", "seen.png").err.count("\n") == 1


@pytest.mark.usefixtures("trained")
def test_a_study_whose_chosen_model_is_no_network_says_which_are(handlens, trained, tmp_path):
    table = tmp_path / "reports" / "small" / "table.json"
    said = json.loads(table.read_text())
    said["models"].reverse()
    table.write_text(json.dumps(said))
    for words in (("explain", "small", "seen.png"), ("convert", "small", "net.keras")):
        done = handlens(*words)
        assert done.status == 2
        assert f"Give one of the study's networks, best first: {trained[0]['conv'][:8]} (conv)" in done.err
        assert done.err.count("\n") == 1
    said["models"].pop()
    table.write_text(json.dumps(said))
    assert "Train one: handlens run" in handlens("explain", "small", "seen.png").err


@pytest.mark.usefixtures("trained")
def test_an_ambiguous_name_lists_the_runs_that_match(handlens, trained):
    done = handlens("predict", "", "seen.png")
    assert done.status == 2
    assert "2 runs begin with ''" in done.err
    for name, hash in trained[0].items():
        assert f"{hash[:8]} ({name}, digits)" in done.err
