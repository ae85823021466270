"""Tables in narrow terminals: names are there, numbers are whole, what is left out is said."""

from __future__ import annotations

import pytest
from rich.console import Console

from handlens.report import table
from handlens.report.fitted import FittedTable
from handlens.report.topic import Table, rich_table
from handlens.studies.storage.result import StudyResult


def printed(shown: object, width: int) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(shown)
    assert max(map(len, capture.get().splitlines())) <= width
    return capture.get()


@pytest.mark.parametrize("width", [40, 50, 60, 64, 68, 80, 100, 120])
def test_results_keep_whole_names_and_numbers(study: StudyResult, width: int) -> None:
    text = printed(table(study.rows), width)
    assert "…" not in text
    words = text.split()
    for row in study.rows:
        assert set(row.model.split()) <= set(words)
        assert f"{100 * row.validation.mean:.1f}" in words
    assert ("Too narrow for:" in text) == (width < 80)


def test_a_lab_in_eighty_columns_cuts_no_interval() -> None:
    names = ("row", "engine", "metric", "published", "obtained", "verdict")
    cells = ("dense-500-300 l2=0.0005005", "from scratch", "accuracy", "98.087 % ± 0.158, 3 runs")
    row = (*cells, "80.70 % 49.22–94.75", "quick run: not judged")
    text = printed(rich_table(Table("Lab B", names, (row,), frozenset({3, 4}))), 80)
    assert {"49.22–94.75", "l2=0.0005005", "dense-500-300", "98.087"} <= set(text.split())


def test_the_least_important_columns_go_first_and_are_named() -> None:
    shown = FittedTable(least=(1, 3, 2))
    for name in ("recipe", "seconds", "accuracy", "epochs"):
        shown.add_column(name, no_wrap=True)
    shown.add_row("a-long-name-of-a-recipe", "12.5", "97.31", "15")
    assert "Too narrow" not in printed(shown, 60)
    text = printed(shown, 42)
    assert "Too narrow for: seconds." in text
    assert "12.5" not in text
    text = printed(shown, 36)
    assert "97.31" in text
    assert "Too narrow for: seconds; epochs." in text


def test_only_a_word_of_half_a_terminal_is_folded() -> None:
    shown = FittedTable(caption="said")
    shown.add_column("file", overflow="fold")
    shown.add_column("size", no_wrap=True)
    shown.add_row("x" * 70, "12.5")
    lines = printed(shown, 40).splitlines()
    assert sum(line.count("x") for line in lines) == 70
    assert any("12.5" in line for line in lines)
