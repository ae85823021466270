"""Typeset an executed notebook as PDF, with Typst: one wheel with fonts and all, no LaTeX, no browser."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from handlens.errors import HandlensError
from handlens.report.notebooks.blocks import blocks

if TYPE_CHECKING:
    from nbformat import NotebookNode

TEMPLATE = Path(__file__).parent / "notebook.typ"


def typeset(book: NotebookNode) -> bytes:
    """The notebook as a PDF file's bytes.

    The template is fixed and reads all texts as data (JSON), so none of them is markup, whatever it
    contains; the compiler sees no files but those of a folder made for it.

    Raises:
        HandlensError: it cannot be typeset.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="handlens-") as made:
        folder = Path(made)
        document = {"title": book.metadata.get("title", ""), "blocks": blocks(book, folder)}
        (folder / "document.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        (folder / "main.typ").write_bytes(TEMPLATE.read_bytes())
        try:
            return bytes(typst.compile(str(folder / "main.typ"), root=str(folder)))
        except RuntimeError as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
            raise HandlensError(
                f"the notebook cannot be typeset ({first})", remedy="write it with --no-pdf and print that"
            ) from None
