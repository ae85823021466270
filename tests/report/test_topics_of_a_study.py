"""What a study's report says beside the table: on the page, in `table.json`, and on the terminal."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from handlens import Store, load, run_study
from handlens import study as study_of
from handlens.cli.results import Saved, save
from handlens.report import write_study
from handlens.report.topic import Table, Topic, topic_text, write_topics

EVIL = "</p><script>alert(1)</script>"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    place = tmp_path_factory.mktemp("study")
    made = study_of(name="small", dataset="digits", recipes=["logistic", "mlp-64-64"], replicates=2)
    images, store = load("digits"), Store(place / "runs")
    found = run_study(made, images, store)
    return save(made, found, images, store, place / "reports", None)


@pytest.mark.parametrize("name", ["verdicts", "fitting", "classes", "calibration", "robustness"])
def test_every_topic_is_on_the_page_and_in_the_data(saved: Saved, name: str) -> None:
    topic = next(topic for topic in saved.topics if topic.name == name)
    page = (saved.folder / "report.html").read_text(encoding="utf-8")
    assert f'<section id="{name}"' in page
    assert f'<a href="#{name}">' in page
    assert topic.words[0] in html.unescape(page)
    assert all(f'data-chart="{figure.name}"' in page for figure in topic.figures)
    table = json.loads((saved.folder / "table.json").read_text(encoding="utf-8"))
    assert table["topics"][name]


def topic_of(words: str) -> Topic:
    table = Table(words, ("name", words), (("first", words), ("second", "2")), frozenset({1}))
    return Topic("odd", "Odd", (words,), tables=(table,))


def test_words_of_a_topic_are_text_and_never_markup(study, dataset, tmp_path: Path) -> None:
    write_topics("handlens", EVIL, [topic_of(EVIL)], tmp_path / "alone.html")
    write_study(study, dataset, tmp_path / "study.html", topics=[topic_of(EVIL)])
    for name in ("alone.html", "study.html"):
        page = (tmp_path / name).read_text(encoding="utf-8")
        assert EVIL not in page
        assert page.count(html.escape(EVIL)) >= 4


def test_a_topic_on_the_terminal_keeps_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    Console(width=100).print(topic_text(topic_of("98.1 [97.0–99.0]")))
    assert capsys.readouterr().out.count("[97.0–99.0]") == 4
