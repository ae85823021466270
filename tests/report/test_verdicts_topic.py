"""Verdicts in words, matrix and chart."""

import dataclasses
import json

import pytest

from handlens.evaluate import Interval, Verdict, mcnemar
from handlens.report.charts.verdicts import matrix, symbols
from handlens.report.topic import write_topics
from handlens.report.topics.verdicts import (
    headline,
    matrix_table,
    method,
    plain,
    sentence,
    sentences,
    verdicts,
)
from handlens.studies.judging.verdicts import Judged, Pair
from handlens.studies.storage.result import result


def found(kind, mean=0.0062, low=0.0041, high=0.0083, **words):
    given = {"margin": 0.002, "images": 1000, "replicates": 3, "p_different": 0.2, "p_equivalent": 0.3}
    return Verdict(kind, Interval(mean, low, high), **(given | words))


def said(kind, *numbers, part="test", **words):
    return sentence(Pair("forest", "knn", part, found(kind, *numbers, **words)))


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (said("better"), "forest is better than knn by 0.62 points (0.41 to 0.83)."),
        (
            said("worse", -0.0062, -0.0083, -0.0041),
            "knn is better than forest by 0.62 points (0.41 to 0.83).",
        ),
        (
            said("better", 0.1, 0.05, 0.15),
            "forest is better than knn by 10.0 points (5.0 to 15.0).",
        ),
        (
            said("equivalent", 0.0, -0.001, 0.001),
            "forest and knn are equivalent: difference 0.00 points, -0.10 to 0.10.",
        ),
        (
            said("equivalent", 0.001, 0.0002, 0.0018, p_different=0.01),
            "forest and knn are equivalent: difference 0.10 points, 0.02 to 0.18, clearly not zero but less "
            "than matters.",
        ),
        (
            said("undecided", 0.001, -0.003, 0.005, further=4),
            "forest and knn cannot be told apart yet (difference 0.10 points, -0.30 to 0.50): about 4 more "
            "replicates would settle it.",
        ),
        (
            said("undecided", 0.001, -0.003, 0.005, further=1),
            "forest and knn cannot be told apart yet (difference 0.10 points, -0.30 to 0.50): about 1 more "
            "replicate would settle it.",
        ),
        (
            said("undecided", 0.004, 0.001, 0.007, further=4, pairs=10),
            "forest and knn cannot be told apart yet (difference 0.40 points, 0.10 to 0.70; alone that would "
            "leave out zero, not among 10 pairs): about 4 more replicates would settle it.",
        ),
        (
            said("undecided", 0.001, -0.03, 0.03, images_needed=12_345, part="validation"),
            "forest and knn cannot be told apart yet (difference 0.1 points, -3.0 to 3.0): more "
            "replicates alone will hardly settle it on these 1,000 validation images; about 12,000 images "
            "would, as likely as not.",
        ),
        (
            said("undecided", 0.001, -0.03, 0.03, images_needed=1000),
            "forest and knn cannot be told apart yet (difference 0.1 points, -3.0 to 3.0): more than 200 "
            "further replicates would be needed.",
        ),
        (
            said("undecided", 0.001, -0.03, 0.03),
            "forest and knn cannot be told apart yet (difference 0.1 points, -3.0 to 3.0): neither 200 more "
            "replicates nor 10,000 times as many test images would settle it.",
        ),
    ],
)
def test_a_sentence_for_every_kind(pair, words):
    assert pair == words


def test_one_replicate_is_said_to_say_nothing_of_recipes():
    import numpy as np

    first, second = np.ones(100, bool), np.arange(100) > 20
    words = said("undecided", replicates=1, mcnemar=mcnemar(first, second))
    assert "one replicate in common, which cannot tell recipe from seed" in words
    assert "These two models differ (McNemar p < 0.001)." in words
    assert "do not clearly differ" in said("undecided", replicates=1, mcnemar=mcnemar(first, first))


def test_a_real_study(study):
    made = verdicts(study)
    names = [row.model for row in study.rows]
    assert names[-1] == "guess"
    assert any(f"{names[0]} is better than guess by " in words for words in made.words)
    assert len(made.words) == 2 + 3
    assert len(made.tables[0].rows) == 3
    assert json.loads(json.dumps(made.plain))["compared"] == names
    assert {pair["images_of"] for pair in made.plain["pairs"]} == {"test"}
    assert verdicts(result("s", "", "", study.members[:1])) is None


def test_a_heading_says_that_p_is_corrected(study):
    (table,) = (t for t in verdicts(study).tables if t.title == "Every pair")
    assert "p (Holm)" in table.columns
    assert "p" not in table.columns


def test_the_margin_is_the_users(study):
    assert verdicts(study, margin=0.5).plain["pairs"][0]["kind"] == "equivalent"


def test_closed_test_images_are_not_asked(unopened):
    made = verdicts(unopened)
    assert {pair["images_of"] for pair in made.plain["pairs"]} == {"validation"}
    assert "validation images" in made.words[1]
    assert "flatters" in made.words[1]


def test_a_sweep_compares_what_was_chosen(sweep):
    made = verdicts(sweep)
    assert len(made.plain["compared"]) == 3
    assert made.plain["left_out"] == 37
    assert (
        "Compared are 3, the chosen configuration of each recipe; 37 configurations more are not."
        in made.words[1]
    )


def judged(n, kind="undecided"):
    names = tuple(f"recipe-{i}" for i in range(n))
    pairs = [Pair(a, b, "test", found(kind, further=3)) for i, a in enumerate(names) for b in names[i + 1 :]]
    return Judged(names, tuple(pairs), 0, False, 0.002)


def test_a_dozen_sentences_and_the_rest_counted():
    lines = sentences(judged(12))
    assert len(lines) == 13
    assert lines[-1] == "Of 54 more pairs 0 differ, 0 are equivalent and 54 undecided."
    assert len(sentences(judged(4))) == 6


def test_the_matrix_is_turned_below_its_diagonal():
    one = judged(3, "better")
    kinds = symbols(one)
    assert kinds["recipe-0", "recipe-2"] == "better"
    assert kinds["recipe-2", "recipe-0"] == "worse"
    rows = matrix_table(one).rows
    assert rows == (
        ("1 recipe-0", "·", ">", ">"),
        ("2 recipe-1", "<", "·", ">"),
        ("3 recipe-2", "<", "<", "·"),
    )
    assert headline(one) == "recipe-0 is better than recipe-1 and recipe-2."
    assert headline(judged(9)) == "recipe-0 is not told apart from 8 others."
    assert "0.2 points" in method(one)


def test_the_chart_is_drawn():
    figure = matrix(judged(5, "equivalent"))
    svg = figure.svg()
    assert "4 recipe-3" in svg
    assert svg.count(">=<") == 20  # two squares a pair
    assert len(figure.page_spec()["layer"]) == 2
    assert len(plain(judged(5))["pairs"]) == 10


def test_a_page(study, tmp_path):
    write_topics("handlens compare", "Verdicts", [verdicts(study)], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert 'id="verdicts"' in text
    assert "is better than guess by" in text


def test_names_cannot_break_the_page(study, tmp_path):
    member = dataclasses.replace(study.members[0], name="<script>alert(1)</script>")
    made = verdicts(result("s", "", "", [member, *study.members[1:]]))
    write_topics("k", "t", [made], tmp_path / "page.html")
    assert "<script>alert(1)" not in (tmp_path / "page.html").read_text()
