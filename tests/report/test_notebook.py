from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest
from pages import Page

from handlens.data.images import Dataset
from handlens.report import notebook
from handlens.studies.storage.result import StudyResult

formatters = pytest.importorskip("IPython.core.formatters")


@pytest.fixture(scope="module")
def shell() -> SimpleNamespace:
    shell = SimpleNamespace(display_formatter=formatters.DisplayFormatter())
    notebook.load_ipython_extension(shell)
    return shell


def html_of(shell: SimpleNamespace, thing: object) -> str:
    formats, _ = shell.display_formatter.format(thing)
    assert "text/html" in formats
    html: str = formats["text/html"]
    assert "<script" not in html
    assert "http:" not in html.replace("http://www.w3.org/", "")
    return html


def test_data_show_a_grid(shell: SimpleNamespace, dataset: Dataset) -> None:
    for thing in (dataset, dataset.train):
        html = html_of(shell, thing)
        assert html.count("<image ") == html.count("data:image/png;base64,") == 10
        assert "8 × 8 pixels" in html
    assert dataset.title in html_of(shell, dataset)


def test_a_study_shows_table_and_charts(shell: SimpleNamespace, study: StudyResult) -> None:
    html = html_of(shell, study)
    (table,) = Page(html).tables
    assert [line[0].strip() for line in table[1:]] == [row.model for row in study.rows]
    assert [float(line[4]) for line in table[1:]] == [round(100 * row.test.mean, 1) for row in study.rows]
    assert html.count("<svg") == 4


def test_a_run_shows_its_scores_and_curves(shell: SimpleNamespace, study: StudyResult) -> None:
    for member in study.members:
        run = member.runs[0]
        html = html_of(shell, run)
        assert f"{100 * run.validation.accuracy:.2f} %" in html
        assert html.count("<svg") == (3 if run.history else 0)
        assert run.trial.hash in html


def test_hostile_names_are_escaped(
    shell: SimpleNamespace, hostile_study: StudyResult, hostile_dataset: Dataset
) -> None:
    for thing in (hostile_study, hostile_dataset, hostile_study.chosen.runs[0]):
        tags = Page(html_of(shell, thing)).tags
        assert not [attrs for _, attrs in tags if "onerror" in attrs]
        assert not {"script", "b", "img"} & {tag for tag, _ in tags}


def test_a_real_notebook_shows_a_dataset() -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cell = (
        "import numpy as np\n"
        "import handlens\n"
        "from handlens.data.images import ImageSet\n"
        "ImageSet(np.zeros((2, 4, 4, 1), np.uint8), np.array([0, 1]), ('left', 'right'))"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook machinery, not ours
        nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()
    html = book.cells[0].outputs[0]["data"]["text/html"]
    assert "2 images of 2 classes" in html
    assert html.count("<image ") == 2
