"""The model card: every figure is the run's, no name is markup, and its recipe trains the same run."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handlens import read_study
from handlens.data import Dataset
from handlens.evaluate import wilson
from handlens.exports.card import card, code, mono, recipe_toml, text
from handlens.exports.passport import answers, passport
from handlens.report import formats
from handlens.studies.planning.plan import plan


def written(bench: Any, recipe: str, **changes: Any) -> str:
    store, hash = bench.store, bench.hashes[recipe]
    run = dataclasses.replace(store.read(hash), **changes)
    test = store.look(hash).scores if store.opened(hash) else None
    return card(run, passport(store, run, {"kind": "unit"}), test)


def test_it_says_what_the_run_says(bench: Any) -> None:
    run, look = (read(bench.hashes["lenet5"]) for read in (bench.store.read, bench.store.look))
    made = written(bench, "lenet5")
    for heading in (
        "Model details", "Intended use", "Factors", "Metrics", "Training and evaluation data",
        "Quantitative analyses", "Ethical considerations, caveats and recommendations", "How to reproduce",
    ):  # fmt: skip
        assert f"\n## {heading}\n" in made
    right = sum(row[i] for i, row in enumerate(look.scores.confusion))
    interval = wilson(right, 1000)
    assert f"{formats.percent(interval.mean)} % (95 % interval {formats.spread(interval)})".replace(
        " %", "\u00a0%"
    ) in made.replace(" %", "\u00a0%")
    assert f"`{run.trial.hash}`, seed 0" in made
    assert f"`{run.trial.data}`" in made
    assert "CC BY-SA 3.0" in made
    rows = re.findall(r"^\| (\d) \| ([\d,]+) \| ([\d.]+) ", made, re.MULTILINE)
    assert [name for name, _, _ in rows] == list("0123456789")
    for name, images, recall in rows:
        row = look.scores.confusion[int(name)]
        assert int(images) == sum(row)
        assert float(recall) == round(100 * row[int(name)] / sum(row), 1)


def test_a_run_whose_test_images_are_closed(classic: Any) -> None:
    run = classic.store.read(classic.hashes["dummy"])
    made = card(run, dataclasses.replace(passport(classic.store, run, {"kind": "unit"}), test=None), None)
    assert "The test images were not opened for this run." in made
    assert f"Of the {run.validation.images:,} validation images" in made
    assert "| test |" not in made


def test_its_recipe_is_the_same_run(bench: Any, classic: Any, mnist: Dataset, tmp_path: Any) -> None:
    for store, hash in [
        *((bench.store, hash) for hash in bench.hashes.values()),
        *((classic.store, hash) for hash in classic.hashes.values()),
    ]:
        toml = recipe_toml(store.read(hash))
        assert toml is not None
        (tmp_path / "again.toml").write_text(toml, encoding="utf-8")
        (planned,) = plan(read_study(tmp_path / "again.toml"), mnist)
        assert planned.trial.hash == hash


def test_names_from_outside_are_text(bench: Any) -> None:
    evil = ["</td><script>alert(1)</script>", "| a | b |\n\n# c", "[x](javascript:1)", "![](http://e.org/i.png)",
            "`` ` ``", "x" * 5000, "**b** _i_ ~~s~~", "<!--", "&lt;", "www.evil.org \u202e"]  # fmt: skip
    made = written(
        bench, "lenet5", classes=tuple(evil), name="# <img src=x onerror=alert(1)>", model="`<b>`",
        notes=("<script>",), dataset="<i>",
    )  # fmt: skip
    outside = re.sub(r"^(`{3,})\w*\n.*?\n\1$", "", made, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"`[^`\n]+`", "", re.sub(r"\\`", "", outside))
    assert "<" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
    assert "http://" not in outside
    table = outside[outside.index("| Class |") :].split("\n\n")[0].split("\n")
    assert len(table) == 12
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert max(map(len, table)) < 300


@given(st.text())
def test_any_text_stays_a_line_of_text(words: str) -> None:
    made = text(words)
    assert "\n" not in made
    assert not re.search(r"(?<!\\)[`*_\[\]|~$<>]", made.replace("\\\\", ""))
    assert "\n" not in mono(words)


@given(st.text(alphabet="`~a\n", max_size=30))
def test_nothing_ends_a_block_of_code_early(words: str) -> None:
    first, *inner, last = code(words).split("\n")
    assert first == last
    assert set(first) == {"`"}
    assert not any(set(line) == {"`"} and len(line) >= len(last) for line in inner)


def test_a_confusion_matrix_as_answers() -> None:
    matrix = np.random.default_rng(0).integers(0, 5, (4, 4))
    labels, predicted = answers(tuple(map(tuple, matrix.tolist())))
    found = np.zeros_like(matrix)
    np.add.at(found, (labels, predicted), 1)
    np.testing.assert_array_equal(found, matrix)
