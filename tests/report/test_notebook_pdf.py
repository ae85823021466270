"""What a page can show of any notebook."""

from __future__ import annotations

import base64
import io
from typing import Any

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
