"""A study of many configurations, whose test images were opened for a few of them or for none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import Page, numbers, values
from rich.console import Console

from handlens.data.images import Dataset
from handlens.report import notebook, row_dict, study_table, summary, write_study
from handlens.report.formats import MISSING
from handlens.report.selection import MOST, drawn_words, select
from handlens.studies.storage.result import Looks, Member, StudyResult, chosen_of_each

TOTAL = 40


@pytest.fixture(scope="module")
def page(sweep: StudyResult, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("sweep") / "sweep.html"
    write_study(sweep, dataset, path)
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def unopened_page(unopened: StudyResult, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("unopened") / "unopened.html"
    write_study(unopened, dataset, path)
    return Page(path.read_text(encoding="utf-8"))


def squeezed(text: str) -> str:
    return " ".join(text.split())


def printed(result: StudyResult, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(study_table(result))
    return capture.get()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from("abcdefghijklmnopq"), min_size=1, max_size=60))
def test_the_chosen_are_always_seen(study: StudyResult, families: list[str]) -> None:
    runs = study.members[0].runs[:1]
    members = tuple(Member(f"{family} {i}", runs, (), (), family) for i, family in enumerate(families))
    result = StudyResult("s", "S", "", members, ())
    chosen, selection = set(chosen_of_each(members)), select(result)
    assert sorted(selection.shown + selection.folded) == list(range(len(members)))
    assert chosen <= {members[i] for i in selection.shown}
    assert len(selection.shown) == min(len(members), max(MOST, len(chosen)))
    assert list(selection.shown) == sorted(selection.shown)
    assert len(selection.drawn) == min(MOST, len(members))
    assert set(selection.drawn) <= set(selection.shown)
    tagged = {member for member, tag in zip(members, selection.tags, strict=True) if tag}
    assert {members[0]} <= tagged <= chosen
    assert bool(drawn_words(result)) == (len(members) > MOST)


def test_the_page_lists_the_chosen_and_folds_the_rest_away(page: Page, sweep: StudyResult) -> None:
    (_, *lines), (_, *folded) = page.tables[:2]
    assert (len(lines), len(folded)) == (MOST, TOTAL - MOST)
    assert "The other 28 configurations" in page.words["summary"]
    names = [squeezed(line[0]) for line in lines]
    assert "chosen" in names[0]
    mlp = next(member for member in sweep.members if member.family == "mlp")
    (tagged,) = (name for name in names if "chosen of mlp" in name)
    assert tagged.startswith(mlp.name)
    assert any(name.startswith("guess") for name in names)  # chosen, though the last of all
    assert not [line for line in folded if "chosen" in line[0]]
    shown = {row.model for row in sweep.rows if any(name.startswith(row.model) for name in names)}
    left = [row.model for row in sweep.rows if row.model not in shown]
    assert [squeezed(line[0]).startswith(name) for line, name in zip(folded, left, strict=True)] == [
        True
    ] * 28


def test_what_was_not_opened_is_a_dash(page: Page, sweep: StudyResult) -> None:
    head, *lines = page.tables[0]
    columns = [squeezed(name) for name in head]
    rows = [sweep.rows[i] for i in select(sweep).shown]
    opened = 0
    for line, row in zip(lines, rows, strict=True):
        for column, value in (("Test, %", row.test), ("F1, %", row.macro_f1), ("Error, %", row.error)):
            cell = line[columns.index(column)]
            assert bool(numbers(cell)) == (value is not None)
            assert (squeezed(cell) == MISSING) == (value is None)
        assert numbers(line[columns.index("Validation, %")])[0] == round(100 * row.validation.mean, 1)
        opened += row.test is not None
    assert opened == 3
    of_runs = [line for line in page.tables[-1][1:] if squeezed(line[5]) != MISSING]
    assert len(of_runs) == 9


def test_charts_draw_a_dozen_and_say_so(page: Page, sweep: StudyResult) -> None:
    rows = values(page.specs["accuracy"])
    assert len({row["recipe"] for row in rows}) == MOST
    (words,) = (text for text in page.words["figcaption"] if text.startswith("Dot"))
    assert "Drawn are 12 of 40 configurations: the chosen configuration of each recipe and the best" in words
    assert "A ring alone: the test images were not opened." in words
    drawn = {row["recipe"] for row in values(page.specs["curve-loss"])}
    assert drawn <= {row["recipe"] for row in rows}
    assert len(drawn) < sum(bool(member.runs[0].history) for member in sweep.members)
    assert "chart of accuracies" in page.words["main"][0]


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        (Looks(1, 1), "So far these test images were looked at once, by 1 configuration."),
        (Looks(2, 2), "So far these test images were looked at twice, by 2 configurations."),
        (Looks(1200, 40), "So far these test images were looked at 1,200 times, by 40 configurations."),
        (None, ""),
    ],
)
def test_looks_are_counted_in_words(study: StudyResult, looks: Looks | None, said: str) -> None:
    assert summary.looks(replace(study, looks=looks)) == said


def test_it_says_for_whom_the_test_images_were_opened(
    swept: Callable[..., StudyResult],
    study: StudyResult,
    dataset: Dataset,
    sweep: StudyResult,
    unopened: StudyResult,
    page: Page,
) -> None:
    said = (
        "So far these test images were looked at 9 times, by 3 configurations; here they were opened only "
        "for the chosen configuration of each recipe."
    )
    assert summary.looks(sweep) == said
    assert said in [squeezed(text) for text in page.words["p"]]
    assert said in squeezed(printed(sweep))
    assert "here" not in summary.looks(swept(study, dataset, opened="all"))
    assert summary.looks(unopened) == "The test images were not opened."
    rows = (replace(study.rows[0], test=None, macro_f1=None), *study.rows[1:])
    assert summary.looks(replace(study, rows=rows, looks=None)) == "Here they were opened for 2 of 3 recipes."
    two = replace(sweep, members=sweep.members[:2], rows=sweep.rows[:2], looks=None)
    assert summary.looks(two) == "Here they were opened only for the chosen configuration."
    other = replace(two, rows=sweep.rows[1::-1])
    assert summary.looks(other) == "Here they were opened for 1 of 2 configurations."


def test_sentences_compare_only_what_was_opened(
    swept: Callable[..., StudyResult], study: StudyResult, dataset: Dataset, sweep: StudyResult
) -> None:
    text = " ".join(summary.paragraphs(sweep))
    mlp = next(row for row in sweep.rows if row.model.startswith("mlp"))
    assert f"of those whose test images were opened, {mlp.model}, got" in text
    for row in sweep.rows:
        assert (row.model in text) == (row.test is not None)
    assert "any of the other" in summary.headline(sweep) or "parameters decide a tie" in summary.headline(
        sweep
    )
    many = " ".join(summary.paragraphs(swept(study, dataset, opened="all")))
    assert "other configurations overlap" in many
    assert len(many) < 1500


def test_without_test_scores_no_error_is_claimed(unopened: StudyResult, study: StudyResult) -> None:
    text = " ".join([summary.headline(unopened), *summary.paragraphs(unopened)])
    assert "The test images were not opened for any recipe here" in text
    assert "counted afterwards" not in text
    assert summary.comparison(unopened.rows) == []
    first = (replace(study.rows[0], test=None, macro_f1=None), *study.rows[1:])
    text = " ".join(summary.paragraphs(replace(study, rows=first)))
    assert f"The test images were not opened for {first[0].model}" in text
    assert summary.comparison(first) == []


def test_a_page_without_test_scores(unopened_page: Page, unopened: StudyResult) -> None:
    assert "confusion" not in unopened_page.specs
    assert "Validation accuracy" in unopened_page.words["h3"]
    sections = unopened_page.words["section"]
    assert sum(f"not opened for {unopened.chosen.name}" in text for text in sections) == 2
    labels = [attrs["aria-label"] or "" for _, attrs in unopened_page.tags if attrs.get("role") == "img"]
    assert not [label for label in labels if label.startswith("Test image")]
    head, *lines = unopened_page.tables[0]
    at = [squeezed(name) for name in head].index("Test, %")
    assert [squeezed(line[at]) for line in lines] == [MISSING] * 3


def test_the_terminal_shows_a_dozen(sweep: StudyResult, unopened: StudyResult) -> None:
    text = printed(sweep)
    assert max(map(len, text.splitlines())) <= 80
    assert (
        len([line for line in text.splitlines() if line.lstrip().startswith(("mlp", "logistic", "guess"))])
        == 12
    )
    assert "Listed are 12 of 40 configurations" in squeezed(text)
    assert "chosen of mlp" in squeezed(printed(sweep, 160))
    assert MISSING in text
    bare = squeezed(printed(unopened))
    assert "The test images were not opened." in bare
    assert "Listed" not in bare


def test_a_program_reads_null(sweep: StudyResult) -> None:
    row = next(row for row in sweep.rows if row.test is None)
    plain = row_dict(row)
    keys = [key for key in plain if key.startswith("test_")]
    assert len(keys) == 5
    assert {plain[key] for key in keys} == {None}


def test_a_notebook_shows_a_dozen_and_dashes(sweep: StudyResult, unopened: StudyResult) -> None:
    (table,) = Page(notebook.study_html(sweep)).tables
    assert len(table) == 1 + MOST
    html = notebook.study_html(unopened)
    (table,) = Page(html).tables
    assert [[squeezed(cell) for cell in line[4:7]] for line in table[1:]] == [[MISSING] * 3] * 3
    assert "The test images were not opened." in html


def test_predictions_of_other_test_images_are_refused(
    sweep: StudyResult, dataset: Dataset, tmp_path: Path
) -> None:
    from handlens.errors import StoreError

    last = sweep.members[-1]
    short = tuple(replace(t, probabilities=t.probabilities[:-1]) for t in last.tests)
    wrong = replace(sweep, members=(*sweep.members[:-1], replace(last, tests=short)))
    assert last.tests
    assert np.all([len(t.probabilities) == 499 for t in short])
    with pytest.raises(StoreError, match="not of the data set"):
        write_study(wrong, dataset, tmp_path / "x.html")
