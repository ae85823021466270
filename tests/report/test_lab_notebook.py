"""A real study's notebook, executed in a kernel and typeset; and the parts that it is made of."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import handlens
from handlens.data.images import Dataset
from handlens.errors import HandlensError, MissingExtra
from handlens.records import Split
from handlens.report.charts.roc import Roc, curve, points, roc_figures, rocs
from handlens.report.notebooks import code, findings, markdown, show, write
from handlens.report.topics.fitting import fitting
from handlens.spec import zoo_names
from handlens.studies.planning.plan import Study
from handlens.studies.storage.result import StudyResult

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("typst")
pdfium = pytest.importorskip("pypdfium2")

EVIL = "Digits </script><script>alert(1)</script> #eval & $x^2$ `code` | a_b*c [link](http://e.vil) \\"


def small_study(**fields: Any) -> Study:
    dense = {"layers": ["Flatten()", "Dense(16, activation='relu')"], "optimizer": "Adam(0.01)", "epochs": 4}
    recipes = [handlens.recipe({"name": "dense <b>|16", **dense}), "dummy"]
    said = {"name": "digits lab", "title": EVIL, "dataset": "digits", "replicates": 2, "recipes": recipes}
    return handlens.study(**said | {"split": Split(0.2)} | fields)


@dataclass(frozen=True)
class Lab:
    folder: Path
    store: handlens.Store
    study: Study
    result: StudyResult
    before: dict[Path, int]

    @property
    def book(self) -> dict[str, Any]:
        return json.loads((self.folder / "notebook.ipynb").read_text(encoding="utf-8"))

    @property
    def code_cells(self) -> list[dict[str, Any]]:
        return [cell for cell in self.book["cells"] if cell["cell_type"] == "code"]

    def outputs(self, kind: str) -> list[Any]:
        found = [output["data"] for cell in self.code_cells for output in cell["outputs"]]
        return [data[key] for data in found for key in data if key.startswith(kind)]


def contents(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    place = tmp_path_factory.mktemp("a lab")
    study, store = small_study(), handlens.Store(place / "runs")
    result = handlens.run_study(study, handlens.load("digits"), store)
    before = contents(place / "runs")
    write.write_notebook(study, place / "runs", place / "reports" / study.name)
    return Lab(place / "reports" / study.name, store, study, result, before)


def test_every_cell_was_run_and_none_complains(lab: Lab) -> None:
    cells = lab.code_cells
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert all(output["output_type"] == "execute_result" for output in cell["outputs"]), cell
    silent = [cell["id"] for cell in cells if not cell["outputs"]]
    assert silent == ["imports", "recipes", "study"]
    assert sorted(path.name for path in lab.folder.iterdir()) == ["notebook.ipynb", "notebook.pdf"]


def test_writing_it_trains_nothing_and_looks_at_no_test_image_again(lab: Lab) -> None:
    assert contents(lab.store.folder("x").parent) == lab.before


def test_the_cells_run_on_their_own(lab: Lab) -> None:
    """Without Jupyter, in the notebook's folder: they find the runs and what they say is what is there."""
    last = "\nprint([row.validation.mean for row in result.rows], result.looks.runs)"
    script = "\n".join("".join(cell["source"]) for cell in lab.code_cells) + last
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=lab.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    means = [row.validation.mean for row in lab.result.rows]
    assert done.stdout.strip() == f"{means} {lab.result.looks.runs}"
    assert contents(lab.store.folder("x").parent) == lab.before


def test_plots_have_titles_named_axes_and_a_picture_beside_them(lab: Lab) -> None:
    charts = lab.outputs("application/vnd.vegalite")
    grids = lab.outputs("image/svg+xml")
    assert len(charts) == 6
    assert len(grids) == 2
    assert len(lab.outputs("image/png")) == len(charts) + len(grids)
    for chart in charts:
        for part in chart.get("hconcat", [chart]):
            assert part["title"]
            marks = [layer["encoding"] for layer in part.get("layer", [part])]
            assert any(encoding["x"].get("title") or part["title"].endswith(("%", "s")) for encoding in marks)


def test_findings_are_said_in_words(lab: Lab) -> None:
    said = "\n".join(lab.outputs("text/markdown"))
    best = lab.result.rows[0]
    assert f"{100 * best.validation.mean:.1f}" in said
    for words in (
        "95\N{NO-BREAK SPACE}% interval",
        "accuracy lies",
        "least often",
        "looked at",
        "How far to believe",
    ):
        assert words in said
    assert all(run.trial.hash in said for member in lab.result.members for run in member.runs)


def test_names_are_harmless_in_markdown(lab: Lab) -> None:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    texts = [c["source"] for c in lab.book["cells"] if c["cell_type"] == "markdown"]
    html = [parser.render("".join(text)) for text in (*texts, *lab.outputs("text/markdown"))]
    assert not any("<script" in text or "<b>" in text or "<a " in text for text in html)
    assert any(
        f"<h1>{EVIL.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</h1>" in t for t in html
    )
    assert all("$" not in "".join(text) for text in texts)
    (table,) = (text for text in html if "<td" in text and "error, %" in text)
    assert table.count("<td") == 10 * len(lab.result.rows)
    assert "dense &lt;b&gt;|16" in table


def test_the_pdf_has_its_pages_and_its_text(lab: Lab) -> None:
    document = pdfium.PdfDocument((lab.folder / "notebook.pdf").read_bytes())
    pages = [page.get_textpage() for page in document]
    texts = [" ".join(page.get_text_range().split()) for page in pages]
    assert len(texts) >= 5
    assert document.get_metadata_dict()["Title"] == EVIL
    whole = " ".join(texts)
    for words in (
        "The data",
        "Results",
        "Learning curves",
        "Conclusions",
        "handlens.run_study(study, images, store)",
    ):
        assert words in whole
    assert "Digits </script><script>alert(1)</script> #eval & $x^2$ `code` | a_b*c" in whole
    assert "ROC curve of each class" in whole, "plots are drawings with text, not pictures of it"
    best = lab.result.rows[0]
    assert f"{100 * best.test.mean:.1f} ({100 * best.test.low:.1f}–{100 * best.test.high:.1f})" in whole
    assert all(f"{number} / {len(texts)}" in text for number, text in enumerate(texts, 1))


def test_nothing_leaves_the_pages(lab: Lab) -> None:
    for page in pdfium.PdfDocument((lab.folder / "notebook.pdf").read_bytes()):
        width, height = page.get_size()
        text = page.get_textpage()
        boxes = np.array([text.get_charbox(i) for i in range(text.count_chars())])
        assert boxes[:, [0, 1]].min() > 20
        assert boxes[:, 2].max() < width - 40
        assert boxes[:, 3].max() < height - 20


def test_a_cell_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "notebook.ipynb").write_text("old")
    study = replace(small_study(), dataset=str(tmp_path / "gone.csv"))
    with pytest.raises(HandlensError, match=r"cell 'data' failed \(DataError: .*gone.csv") as raised:
        write.write_notebook(study, tmp_path / "runs", folder)
    assert "\n" not in str(raised.value)
    assert [path.name for path in folder.iterdir()] == ["notebook.ipynb"]
    assert (folder / "notebook.ipynb").read_text() == "old"


def test_files_are_put_all_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(HandlensError, match="cannot be written"):
        write.put_all({tmp_path / "a": b"new", tmp_path / "none" / "b": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize(("package", "pdf"), [("nbclient", False), ("typst", True)])
def test_a_missing_package_is_named_with_its_remedy(
    package: str, pdf: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from importlib.util import find_spec

    monkeypatch.setattr(
        write.importlib.util, "find_spec", lambda name: None if name == package else find_spec(name)
    )
    with pytest.raises(
        MissingExtra, match=rf"{package} is not installed.*pip install 'handlens\[notebook\]'"
    ):
        write.write_notebook(small_study(), tmp_path, tmp_path / "new", pdf=pdf)
    assert not (tmp_path / "new").exists()


def made(study: Study, folder: Path) -> Study:
    """What the code that stands for a study makes."""
    names: dict[str, Any] = {}
    lines = (code.imports(study, folder), code.recipes_code(study), code.study_code(study, folder))
    exec("\n".join(lines), names)  # noqa: S102
    return names["study"]


def test_the_code_makes_the_same_study(tmp_path: Path) -> None:
    from handlens.data import Options

    sweep = {
        "layers.l2": [0.0, 1e-5],
        "zip": [{"epochs": [1, 2], "batch_size": [64, 128]}],
        "layers.1.units": [3, 5],
    }
    dense = handlens.recipe({"name": 'it\'s "one"\n\\', "layers": ["Flatten()", "Dense(9)"]})
    recipes = [*zoo_names(), dense]
    study = small_study(recipes=recipes, charts=True, test="all", seed=3, reading=Options(size=(8, 9)))
    assert made(study, tmp_path) == study
    swept = small_study(recipes=[dense], sweep=sweep, split=Split(30, 5))
    assert made(swept, tmp_path) == swept
    assert max(map(len, code.recipes_code(study).splitlines())) <= 110


def test_paths_are_seen_from_the_notebook(tmp_path: Path) -> None:
    study = small_study(dataset=str(tmp_path / "pictures"))
    assert made(study, tmp_path / "reports" / "x").dataset == "../../pictures"
    assert made(replace(study, dataset="mnist:pooled"), tmp_path).dataset == "mnist:pooled"


def test_a_module_of_ones_own_is_found_from_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mynet.py").write_text("def build(shape, classes): ...\n")
    study = small_study(recipes=[handlens.recipe({"name": "own", "model": "mynet:build"})])
    folder = tmp_path / "reports" / "x"
    folder.mkdir(parents=True)
    text = code.imports(study, folder)
    assert "sys.path.insert(0, '../..')" in text
    assert "source" not in code.recipes_code(study)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert made(study, folder) == study


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.lists(inner).map(tuple),
    max_leaves=12,
)


@given(plain)
def test_literals_are_read_back_equal(value: Any) -> None:
    assert ast.literal_eval(code.literal(value)) == value


@given(st.text())
@example("a <b>x</b> &lt; &amp; <!-- c --> <https://a.b>")
@example("[a](b) ![c](d) [e]: f *g* **h** _i_ __j__ ~~k~~ `l` $m$ \\n \\[o\\] # p | q\\|r")
def test_escaped_text_has_no_power(text: str) -> None:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    shown = " ".join("".join(c if c.isprintable() or c == "\xa0" else " " for c in text).split(" "))
    shown = re.sub(" +", " ", shown).strip()
    row = markdown.table(["a", "b"], [[text, "x"]])
    inline = [token for token in parser.parse(row) if token.type == "inline"]
    assert ["".join(child.content for child in token.children) for token in inline] == ["a", "b", shown, "x"]
    assert all(child.type in ("text", "text_special") for token in inline for child in token.children)


def test_over_fitting_is_the_reports_topic(study: StudyResult) -> None:
    said = show.overfitting(study).bundle["text/markdown"]
    topic = fitting(study)
    assert topic is not None
    assert all(markdown.escape(text) in said for text in topic.words)
    assert all(row[0] in said for row in topic.tables[0].rows)
    (*_, bare) = (member for member in study.members if not member.runs[0].history)
    alone = replace(study, members=(replace(bare, tests=()),), rows=(study.rows[study.members.index(bare)],))
    assert "keeps scores" in show.overfitting(alone).bundle["text/markdown"]


def test_roc_curves_are_scikit_learns(study: StudyResult) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    for member in study.members:
        tested = member.tests[0]
        for roc in rocs(tested):
            own, said = tested.labels == roc.class_index, tested.probabilities[:, roc.class_index]
            false, true = curve(said, own)
            expected = roc_curve(own, said, drop_intermediate=False)
            assert np.allclose(false, expected[0])
            assert np.allclose(true, expected[1])
            assert roc.area == pytest.approx(roc_auc_score(own, said))


def test_roc_is_drawn_by_its_corners(study: StudyResult, dataset: Dataset) -> None:
    whole, corner = roc_figures(study.chosen.tests[0], dataset.classes)
    rows = whole.chart.layer[1].data.values
    for roc in rocs(study.chosen.tests[0]):
        line = [
            (row["false"], row["true"]) for row in rows if row["class"] == dataset.classes[roc.class_index]
        ]
        assert line[0] == (0, 0)
        assert line[-1] == (100, 100)
        x, y = np.array(line).T
        assert np.trapezoid(y, x) / 1e4 == pytest.approx(roc.area, abs=1e-4)
    (enlarged,) = corner.file_spec()["datasets"].values()
    there = [roc for roc in rocs(study.chosen.tests[0]) if ((roc.false <= 0.1) & (roc.true >= 0.9)).any()]
    assert {row["class"] for row in enlarged} == {dataset.classes[roc.class_index] for roc in there}
    assert all(0 <= row["false"] <= 10 and 90 <= row["true"] <= 100 for row in enlarged)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_a_corner_holds_what_the_curve_has_there(said: list[tuple[int, bool]]) -> None:
    """At every share of others the enlarged curve is as high as the whole one."""
    scores, own = np.array([s for s, _ in said]) / 10, np.array([o for _, o in said])
    if own.all() or not own.any():
        return
    roc = Roc(0, *curve(scores, own), 0.0)
    corner = points(roc, "a", 30)
    for point in corner:
        reached = np.interp(point["false"], 100 * roc.false, 100 * roc.true)
        jumps = 100 * roc.true[np.isclose(100 * roc.false, point["false"], atol=2e-3)]
        low, high = min([reached, *jumps]), max([reached, *jumps])
        assert low - 0.1 <= point["true"] <= high + 0.1
        assert 0 <= point["false"] <= 30
        assert 70 <= point["true"] <= 100
    if np.interp(30, 100 * roc.false, 100 * roc.true) >= 70:
        assert corner[-1]["false"] == 30
    else:
        assert not [point for point in corner if point["false"] > 30]


def test_conclusions_claim_what_was_measured(
    study: StudyResult, unopened: StudyResult, dataset: Dataset
) -> None:
    said = " ".join(findings.conclusions(study, dataset))
    assert study.chosen.name in said
    assert "One training took from" in said
    closed = " ".join(findings.conclusions(unopened, dataset))
    assert "were not opened" in closed
    assert "least often" not in closed
