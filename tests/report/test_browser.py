"""The report in a real browser: drawn whole, silent, offline and as wide as the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handlens.data.images import Dataset
from handlens.engines import Model
from handlens.records import Run
from handlens.report import write_look, write_study
from handlens.report.explain import write_explain
from handlens.report.explanation import explain
from handlens.studies.storage.result import StudyResult


@pytest.fixture(scope="module")
def pages(
    study: StudyResult,
    dataset: Dataset,
    sweep: StudyResult,
    unopened: StudyResult,
    hostile_study: StudyResult,
    hostile_dataset: Dataset,
    taught: dict[str, tuple[Run, Model]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    write_study(study, dataset, folder / "study.html")
    write_study(sweep, dataset, folder / "sweep.html")
    write_study(unopened, dataset, folder / "unopened.html")
    write_study(hostile_study, hostile_dataset, folder / "hostile.html")
    write_look(dataset, folder / "look.html")
    seen = explain(*taught["convolutions"], dataset.test.images[0], picture="scan.png")
    write_explain(seen, folder / "explain.html")
    return folder


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize(
    ("name", "least"),
    [("study", 7), ("sweep", 7), ("unopened", 7), ("hostile", 7), ("look", 7), ("explain", 1)],
)
def test_a_page_is_drawn_whole_and_asks_for_nothing(
    browser: Any, pages: Path, name: str, least: int, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((pages / f"{name}.html").as_uri())
    page.wait_for_function("document.documentElement.dataset.charts", timeout=30_000)
    assert page.evaluate("document.documentElement.dataset.charts") == "drawn"
    places = page.evaluate("document.querySelectorAll('[data-chart]').length")
    drawn = page.evaluate(
        "[...document.querySelectorAll('[data-chart] svg')]"
        ".filter((svg) => svg.clientWidth > 100 && svg.querySelectorAll('path, rect').length > 2).length"
    )
    assert drawn == places >= least
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()


def test_ink_follows_the_colour_scheme(browser: Any, pages: Path) -> None:
    inks = []
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto((pages / "look.html").as_uri())
        page.wait_for_function("document.documentElement.dataset.charts === 'drawn'", timeout=30_000)
        inks.append(page.evaluate("getComputedStyle(document.querySelector('[data-chart] svg text')).fill"))
        page.close()
    assert inks[0] != inks[1]
