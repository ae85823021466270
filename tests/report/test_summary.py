from __future__ import annotations

from dataclasses import replace

import pytest

from handlens.evaluate import Interval
from handlens.report import summary
from handlens.studies.storage.result import Row, StudyResult


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def rows_with(study: StudyResult, *tests: tuple[float, float, float]) -> list[Row]:
    names = "abcdef"
    return [
        replace(study.rows[0], model=name, test=Interval(*test))
        for name, test in zip(names, tests, strict=False)
    ]


BEST = (0.95, 0.94, 0.96)


@pytest.mark.parametrize(
    ("second", "said", "unsaid"),
    [
        ((0.94, 0.93, 0.95), "do not settle", "do not overlap"),
        ((0.94, 0.92, 0.94), "do not settle", "do not overlap"),  # they touch
        ((0.90, 0.89, 0.91), "do not overlap, and its interval is the lower one", "settle"),
        ((0.98, 0.97, 0.99), "do not overlap, and its interval is the higher one", "settle"),
    ],
)
def test_the_runner_up_is_judged_by_the_intervals(
    study: StudyResult, second: tuple[float, float, float], said: str, unsaid: str
) -> None:
    text = " ".join(summary.comparison(rows_with(study, BEST, second)))
    assert said in text
    assert unsaid not in text


def test_the_others_are_sorted_by_where_their_intervals_lie(study: StudyResult) -> None:
    rows = rows_with(study, BEST, BEST, (0.955, 0.945, 0.965), (0.5, 0.4, 0.6), (0.6, 0.5, 0.7))
    text = " ".join(summary.comparison(rows))
    assert "The interval of c overlaps with that of a as well." in text
    assert "The intervals of d and e lie wholly below that of a." in text
    assert text.endswith("is for the verdicts to say.")


def test_one_recipe_is_compared_with_nothing(study: StudyResult) -> None:
    alone = replace(study, members=study.members[:1], rows=study.rows[:1])
    assert "only recipe" in summary.headline(alone)
    assert summary.comparison(alone.rows) == []


def test_it_says_what_the_intervals_allow_for(study: StudyResult) -> None:
    once = [replace(row, replicates=1) for row in study.rows]
    assert "not for that of the seed" in summary.covers(once)
    assert "of seeds." in summary.covers(study.rows)
    assert "images alone" in summary.covers([once[0], study.rows[1]])


def test_the_numbers_are_those_of_the_rows(study: StudyResult) -> None:
    best = study.rows[0]
    assert f"{100 * best.validation.mean:.1f} % of the" in plain(summary.headline(study))
    text = plain(" ".join(summary.paragraphs(study)))
    assert f"{100 * best.test.low:.1f} to {100 * best.test.high:.1f} %" in text
    assert "500 test images" in text
    assert plain(summary.choice(study)) in text


def test_a_tie_is_called_one(study: StudyResult) -> None:
    tied = tuple(replace(row, validation=study.rows[0].validation) for row in study.rows[:2])
    text = summary.headline(replace(study, members=study.members[:2], rows=tied))
    assert f"as was {tied[1].model}; fewer parameters decide a tie" in text
