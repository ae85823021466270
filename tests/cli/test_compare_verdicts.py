"""`handlens compare --verdicts`."""

import numpy as np
import pytest

from handlens.data import Dataset, ImageSet
from handlens.spec import from_dict
from handlens.studies.planning.plan import study
from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study


def images(n, seed):
    draw = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 3
    pixels = np.clip(draw.normal(60 + 40 * labels[:, None, None, None], 50, (n, 6, 6, 1)), 0, 255)
    return ImageSet(pixels.astype(np.uint8), labels, ("a", "b", "c"))


@pytest.fixture
def trained(tmp_path):
    recipes = [
        from_dict({"name": "trees", "estimator": "forest(n_estimators=9)"}),
        from_dict({"name": "stump", "estimator": "forest(n_estimators=1, max_depth=1)"}),
        "dummy",
    ]
    data = Dataset("shades", images(200, 0), images(400, 1))
    made = study(name="s", dataset="shades", recipes=recipes, replicates=4)
    return run_study(made, data, Store(tmp_path / "runs"))


@pytest.mark.usefixtures("trained")
def test_a_matrix_and_a_sentence_for_each_pair(handlens):
    shown = handlens("compare", "--verdicts")
    assert shown.status == 0
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["1", "2", "3"] in lines
    assert ["1", "trees", "·", ">", ">"] in lines
    words = " ".join(shown.out.split())
    assert "trees is better than stump and dummy." in words
    assert "trees is better than dummy by" in words
    assert "Judged by 400 test images" in words
    assert "Judged by" not in handlens("compare", "--verdicts", "-q").out
    assert "better than" not in handlens("compare").out


@pytest.mark.usefixtures("trained")
def test_json_has_every_pair(handlens):
    (found,) = handlens("compare", "--verdicts", "--margin", "90", "--json").json
    assert found["verdicts"]["margin"] == pytest.approx(0.9)
    assert [(p["first"], p["second"], p["kind"]) for p in found["verdicts"]["pairs"][:1]] == [
        ("trees", "stump", "equivalent")
    ]
    assert len(found["verdicts"]["pairs"]) == 3
    assert "verdicts" not in handlens("compare", "--json").json[0]


def test_a_single_recipe_has_no_verdicts(handlens, trained):
    hashes = [run.trial.hash for run in trained.members[0].runs]
    assert handlens("compare", *hashes, "--verdicts").status == 0
    assert "verdicts" not in handlens("compare", *hashes, "--verdicts", "--json").json[0]


@pytest.mark.usefixtures("trained")
def test_an_impossible_margin_is_one_line(handlens):
    for margin in ("0", "-1", "100", "nan"):
        for verdicts in ((), ("--verdicts",)):
            done = handlens("compare", *verdicts, "--margin", margin)
            assert done.status == 2
            assert done.err.count("\n") == 1
            assert f"--margin: got {margin}; expected points above 0 and below 100, e.g. 0.2" in done.err
