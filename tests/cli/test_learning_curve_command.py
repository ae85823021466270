"""`handlens learning-curve` as a user calls it."""

import pytest

from handlens.cli.learning_curve import asked_size
from handlens.errors import SpecError

WORDS = ("learning-curve", "--dataset", "digits", "--models", "dummy,logistic", "--replicates", 2)


def test_sizes_are_counts_or_shares():
    assert [asked_size(word) for word in ("1/16", " 0.5", "1", "500", "1e3")] == [0.0625, 0.5, 1.0, 500, 1000]
    for wrong in ("x", "1/0", "", "1/2/3"):
        with pytest.raises(SpecError):
            asked_size(wrong)


def test_a_curve_its_page_and_its_json(handlens, tmp_path):
    done = handlens(*WORDS, "--sizes", "1/4,1/2,1")
    assert done.status == 0
    assert "logistic: the error fell from" in done.out
    assert "What ten times as many images would do cannot be told" in done.out
    assert "The test images were not opened" in " ".join(done.out.split())
    assert done.err.count("(kept)") == 0
    page = tmp_path / "reports" / "digits-dummy-logistic" / "learning-curve.html"
    assert "Error by number of training images" in page.read_text(encoding="utf-8")
    again = handlens(*WORDS, "--sizes", "1/4,1/2,1", "--json")
    logistic = next(r for r in again.json["recipes"] if r["recipe"] == "logistic")
    assert [len(size["runs"]) for size in logistic["sizes"]] == [2, 2, 2]
    assert logistic["sizes"][0]["error"]["mean"] > logistic["sizes"][-1]["error"]["mean"]
    assert again.json["test_images_opened"] is False
    assert logistic["power_law"]["supported"] is False
    runs = {name for size in logistic["sizes"] for name in size["runs"]}
    assert all((tmp_path / "runs" / name / "run.json").is_file() for name in runs)
    assert not any((tmp_path / "runs" / name / "test").exists() for name in runs)


def test_what_cannot_be_is_one_line(handlens):
    done = handlens(*WORDS, "--sizes", "half")
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "--sizes has 'half'" in done.err
    done = handlens(*WORDS, "--sizes", "5")
    assert done.status == 2
    assert "5 as a number of training images" in done.err
    assert handlens("learning-curve").status == 2
