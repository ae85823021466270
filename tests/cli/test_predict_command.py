"""`handlens predict` says what is wrong with a picture, and both answers."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from handlens.data import load
from handlens.spec import from_dict
from handlens.studies.planning.plan import study
from handlens.studies.storage import manifest
from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of nearest neighbours on 5,000 digits: its store's folder, its name, and the image of a 7."""
    store, dataset = Store(tmp_path_factory.mktemp("runs")), load("mnist-5k")
    recipe = from_dict({"name": "near", "estimator": "knn(n_neighbors=3)"})
    made = study(name="near", title="Near", dataset="mnist-5k", recipes=[recipe], replicates=1)
    run = run_study(made, dataset, store).chosen.runs[0]
    place = int(np.flatnonzero(dataset.test.labels == 7)[0])
    return store.root, run.trial.hash, dataset.test.images[place, :, :, 0]


@pytest.fixture
def predict(handlens, trained, tmp_path):
    """`handlens predict` of that run, and names of pictures beside it, spoilt."""
    root, run, plain = trained
    small = np.zeros_like(plain)
    small[5:22, 5:22] = np.asarray(Image.fromarray(plain).resize((17, 17), Image.Resampling.BICUBIC))
    pictures = {
        "plain": plain,
        "inverted": 255 - plain,
        "moved": ndimage.shift(plain, (0, 5), order=0),
        "small": small,
        "all": 255 - ndimage.shift(small, (5, -4), order=0),
    }
    for name, image in pictures.items():
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    return lambda *words: handlens("predict", run, *words, "--runs", root)


PICTURES = ["plain.png", "inverted.png", "moved.png", "small.png", "all.png"]


def test_json_carries_both_answers_and_what_was_noticed(predict):
    answers = predict(*PICTURES, "--json").json["answers"]
    found = {answer["image"]: answer for answer in answers}
    assert [found[name]["noticed"] for name in PICTURES] == [
        [], ["inverted"], ["off centre"], ["too small"], ["inverted", "off centre", "too small"],
    ]  # fmt: skip
    for answer in answers:
        assert answer["corrected"][0]["class"] == "7"
        assert answer["classes"] == answer["corrected"]
        assert len(answer["as_given"]) == len(answer["corrected"]) == 3
    assert found["plain.png"]["as_given"] == found["plain.png"]["corrected"]
    assert found["plain.png"]["notes"] == []
    assert found["inverted.png"]["corrected"] == found["plain.png"]["corrected"]
    assert found["all.png"]["as_given"][0]["class"] != "7"
    assert found["all.png"]["notes"] == ["inverted", "cropped to its content and centred"]


def test_the_terminal_names_causes_and_the_other_answer_where_it_differs(predict):
    said = predict(*PICTURES, "--top", "1").out.splitlines()
    assert said[0] == "model: near"
    assert said[1].split() == ["image", "answer", "probability", "noticed", "as", "given"]
    lines = {line.split()[0]: line for line in said[2:]}
    assert lines["plain.png"].split() == ["plain.png", "7", *lines["plain.png"].split()[2:]]
    assert len(lines["plain.png"].split()) == 3
    assert "inverted, off centre, too small; cropped" in lines["all.png"]
    given = predict("all.png", "--json").json["answers"][0]["as_given"][0]
    assert lines["all.png"].endswith(f"{given['class']} {given['probability']:.4f}")
    alone = predict("plain.png", "-q").out
    assert "as given" not in alone
    assert "model:" not in alone


def test_a_record_of_an_earlier_version_is_read(handlens, predict, trained, tmp_path):
    root, run, _ = trained
    copy = tmp_path / "copy" / run
    shutil.copytree(root / run, copy)
    record = json.loads((copy / "run.json").read_text())
    for name in ("usual", "usual_low", "usual_high", "usual_away"):
        assert record["input"].pop(name) is not None
    (copy / "run.json").write_text(json.dumps(record))
    manifest.write(copy)
    answer = handlens("predict", run, "inverted.png", "--runs", "copy", "--json").json["answers"][0]
    assert answer["noticed"] == ["inverted"]
    assert answer["corrected"] == predict("plain.png", "--json").json["answers"][0]["corrected"]
