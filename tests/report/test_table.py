from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import numbers
from rich.console import Console

from handlens.evaluate import Interval
from handlens.report import formats, row_dict, table
from handlens.studies.storage.result import Row, StudyResult


def printed(rows: tuple[Row, ...], width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table(rows))
    return capture.get().splitlines()


def test_the_order_is_that_of_validation(study: StudyResult) -> None:
    lines = printed(study.rows, 100)
    places = [
        next(i for i, line in enumerate(lines) if line.split()[:1] == [row.model]) for row in study.rows
    ]
    assert places == sorted(places)
    validation = [row.validation.mean for row in study.rows]
    assert validation == sorted(validation, reverse=True)
    assert study.rows[-1].model == "guess"


def test_eighty_columns_show_every_number_whole(study: StudyResult) -> None:
    lines = printed(study.rows, 80)
    assert max(map(len, lines)) <= 80
    assert "…" not in "\n".join(lines)
    row = study.rows[0]
    at = next(i for i, line in enumerate(lines) if line.split()[:1] == [row.model])
    first, second = numbers(lines[at].replace(row.model, "")), numbers(lines[at + 1])
    assert round(100 * row.validation.mean, 1) in first
    assert round(100 * row.test.mean, 1) in first
    assert round(100 * row.error, 1) in first
    assert round(100 * row.test.low, 1) in second
    assert round(100 * row.test.high, 1) in second
    assert row.replicates in second


def test_what_all_rows_share_is_said_once(study: StudyResult) -> None:
    text = "\n".join(printed(study.rows, 120))
    assert text.count("CPU, 2 cores") == 1
    mixed = (replace(study.rows[0], device="another machine"), *study.rows[1:])
    assert "another machine" in "\n".join(printed(mixed, 160))


def test_names_are_not_markup(study: StudyResult) -> None:
    odd = (replace(study.rows[0], model="[red]x[/red]"),)
    assert "[red]x[/red]" in "\n".join(printed(odd, 120))


def test_row_dict_holds_the_numbers_themselves(study: StudyResult) -> None:
    row = study.rows[0]
    plain = json.loads(json.dumps(row_dict(row)))
    assert plain["test_accuracy"] == row.test.mean
    assert (plain["validation_low"], plain["validation_high"]) == (row.validation.low, row.validation.high)
    assert plain["test_error"] == 1 - row.test.mean
    assert plain["model_bytes"] == row.model_bytes
    assert plain["parameters"] == row.parameters


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=8), st.integers(0, 3))
def test_a_column_has_one_number_of_decimals_and_stays_true(values: list[float], most: int) -> None:
    shown = formats.column(values, most=most)
    decimals = {len(text.partition(".")[2]) for text in shown}
    assert len(decimals) == 1
    assert decimals.pop() <= most
    step = 10.0 ** -len(shown[0].partition(".")[2])
    for value, text in zip(values, shown, strict=True):
        if text.startswith("<"):
            assert 0 < value < float(text[1:])
        else:
            assert abs(float(text.replace(",", "")) - value) <= step / 2 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("intervals", "digits"),
    [
        ([Interval(0.97, 0.96, 0.98)], 1),
        ([Interval(0.97, 0.96, 0.98), Interval(0.98, 0.977, 0.983)], 2),
        ([], 1),
    ],
)
def test_digits_follow_the_intervals(intervals: list[Interval], digits: int) -> None:
    assert formats.percent_digits(intervals) == digits


@pytest.mark.parametrize("width", [60, 80, 120])
def test_test_and_error_are_two_headings(study: StudyResult, width: int) -> None:
    heading = next(line for line in printed(study.rows, width) if "error %" in line)
    assert "test   error %" in heading
