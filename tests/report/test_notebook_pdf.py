"""What a page can show of any notebook."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("typst")
pdfium = pytest.importorskip("pypdfium2")
nbformat = pytest.importorskip("nbformat")

from handlens.report.notebooks.blocks import from_markdown  # noqa: E402
from handlens.report.notebooks.pdf import typeset  # noqa: E402

MARKDOWN = """
# A title with *emphasis*, **strength** and `code`

> A quotation with a [link](https://example.org) & more.

1. first
   - inside
2. second

| name | value |
| :--- | ---: |
| a cell with many words that has to be broken into more than one line of the column | 1.5 |

---

```python
print("#set page(width: 1pt)")
```
"""


def png() -> str:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def book(*cells: Any) -> Any:
    return nbformat.v4.new_notebook(cells=list(cells), metadata={"title": 'A "title" #1 \\ x'})


def text_of(content: bytes) -> str:
    pages = pdfium.PdfDocument(content)
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in pages)


def test_all_kinds_of_blocks_and_outputs_are_typeset() -> None:
    v4 = nbformat.v4
    outputs = [
        v4.new_output("stream", name="stdout", text="printed #let x = 1 <label> @ref $math$\n"),
        v4.new_output("display_data", data={"image/png": png(), "text/plain": "a picture"}),
        v4.new_output("execute_result", data={"text/plain": "[1, 2]"}),
    ]
    code = v4.new_code_cell("x = '''#import \"/etc/passwd\"'''  # " + "long " * 40, outputs=outputs)
    content = typeset(book(v4.new_markdown_cell(MARKDOWN), code, v4.new_raw_cell("left out")))
    text = text_of(content)
    for words in (
        "A title with emphasis, strength and code",
        "A quotation with a link & more.",
        "1. first",
        "inside",
        "1.5",
        'print("#set page(width: 1pt)")',
        "printed #let x = 1 <label> @ref $math$",
        '#import "/etc/passwd"',
        "[1, 2]",
    ):
        assert words in text
    assert "left out" not in text
    assert len(list(pdfium.PdfDocument(content)[0].get_objects(filter=[pdfium.raw.FPDF_PAGEOBJ_IMAGE]))) == 1


def test_markdown_becomes_blocks() -> None:
    kinds = [block["kind"] for block in from_markdown(MARKDOWN)]
    assert kinds == ["heading", "quote", "list", "table", "rule", "code"]
    (outer,) = (block for block in from_markdown(MARKDOWN) if block["kind"] == "list")
    assert outer["ordered"]
    assert [block["kind"] for block in outer["items"][0]] == ["paragraph", "list"]
    (table,) = (block for block in from_markdown(MARKDOWN) if block["kind"] == "table")
    assert table["align"] == ["left", "right"]
    assert table["weights"][0] > 0 == table["weights"][1]
    assert [span["text"] for span in table["rows"][0][1]] == ["value"]


def test_html_stays_text() -> None:
    (block,) = from_markdown("a <script>x()</script> b")
    assert "".join(span["text"] for span in block["spans"]) == "a <script>x()</script> b"


@pytest.mark.parametrize("text", ["", "x" * 300, "a" + "\u0301" * 20, "😀 数字 ‮rtl", "=== \\ } ] # $"])
def test_odd_texts_do_not_stop_it(text: str) -> None:
    v4 = nbformat.v4
    table = f"| a | b |\n| :--- | ---: |\n| {text} | 1 |"
    cells = [v4.new_markdown_cell(f"# {text}"), v4.new_markdown_cell(table), v4.new_code_cell(text)]
    document = pdfium.PdfDocument(typeset(book(*cells)))
    for page in document:
        characters = page.get_textpage()
        width = page.get_width()
        boxes = [characters.get_charbox(i) for i in range(characters.count_chars())]
        assert all(box[2] <= width - 30 for box in boxes)


def overprinted(content: bytes) -> list[str]:
    """Letters that lie upon others, a text a page."""
    found = []
    for page in pdfium.PdfDocument(content):
        characters = page.get_textpage()
        text = [characters.get_text_range(i, 1) for i in range(characters.count_chars())]
        inked = [i for i, letter in enumerate(text) if letter.strip()]
        left, bottom, right, top = np.array([characters.get_charbox(i) for i in inked]).T
        across = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
        up = np.minimum(top[:, None], top) - np.maximum(bottom[:, None], bottom)
        upon = (across > 1.0) & (up > 1.0) & ~np.eye(len(inked), dtype=bool)
        found.append("".join(text[inked[i]] for i in np.flatnonzero(upon.any(axis=1))))
    return found


@pytest.mark.parametrize(
    "name",
    [
        "logistic",
        "one layer learning_rate=1.0 units=64",
        "a-recipe-with-a-name-of-sixty-characters-and-not-a-single-blank-in-it",
    ],
)
@pytest.mark.parametrize("more", [0, 6])
def test_columns_do_not_overprint_each_other(name: str, more: int) -> None:
    columns = ["Recipe", "Curves", "Training, % [95 %]", "Validation, % [95 %]", "Test, % [95 %]"]
    columns += [f"{a} − {b}, points [95 %]" for a, b in (("Training", "validation"), ("Validation", "test"))]
    columns.append("Training − test, points [95 %]")
    row = [name, "cannot tell", "98.0 [97.1–98.7]", "96.9 [94.0–98.4]", "95.8 [93.7–97.3]"]
    row += ["−1.5 [−32.2 to 30.3]"] * 3
    columns += ["Learning rate"] * more
    row += ["0.0003162"] * more
    rows = [columns, [":---"] * 2 + ["---:"] * (6 + more), row]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    content = typeset(book(nbformat.v4.new_markdown_cell(table)))
    assert overprinted(content) == [""]
    page = pdfium.PdfDocument(content)[0]
    letters = page.get_textpage()
    assert max(letters.get_charbox(i)[2] for i in range(letters.count_chars())) <= page.get_width() - 50
    assert "cannot tell" in text_of(content)
