"""An executed notebook as a list of plain blocks, ready to be typeset.

Texts stay data from here to the page: nothing is ever put together as markup.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlens.report.notebooks.draw import MARKDOWN, PLAIN, PNG, SVG, VEGALITE, svg_of

if TYPE_CHECKING:
    from markdown_it.token import Token
    from nbformat import NotebookNode

Block = dict[str, Any]
WIDEST = 90  # characters of code that fit on a line
MOST_LINES = 18  # of a table that is kept on one page
LONG = 24  # characters of a cell that may have to be broken into lines
STYLES = {"strong": "strong", "em": "emph", "s": "strike"}


def blocks(book: NotebookNode, folder: Path) -> list[Block]:
    """The notebook's cells in order; figures are written into `folder` as PDF or PNG."""
    found: list[Block] = []
    for cell in book.cells:
        if cell.cell_type == "markdown":
            found += from_markdown(cell.source)
        elif cell.cell_type == "code":
            # Short code stays on the page of what it shows.
            sticky = bool(cell.outputs) and cell.source.count("\n") < 10
            found.append({"kind": "input", "text": _foldable(cell.source), "sticky": sticky})
            for output in cell.outputs:
                found += _output(output, folder / f"figure-{len(found)}")
    return found


def _output(output: NotebookNode, path: Path) -> list[Block]:
    """The richest form that a page can have; `path` is that of a figure, without its ending."""
    from vl_convert import svg_to_pdf

    if output.output_type == "stream":
        return [{"kind": "output", "text": _foldable(_text(output.text))}]
    bundle = output.get("data", {})
    if MARKDOWN in bundle:
        return from_markdown(_text(bundle[MARKDOWN]))
    chart = next((value for kind, value in bundle.items() if kind.startswith(VEGALITE)), None)
    alternative = _text(bundle.get(PLAIN, ""))
    if chart is not None or SVG in bundle:
        svg = svg_of(chart) if chart is not None else _text(bundle[SVG])
        path.with_suffix(".pdf").write_bytes(svg_to_pdf(svg))
        return [{"kind": "figure", "path": f"{path.name}.pdf", "alt": alternative}]
    if PNG in bundle:
        path.with_suffix(".png").write_bytes(base64.b64decode(_text(bundle[PNG])))
        return [{"kind": "figure", "path": f"{path.name}.png", "alt": alternative}]
    return [{"kind": "output", "text": _foldable(alternative)}] if alternative else []


def _text(value: str | Sequence[str]) -> str:
    """A notebook's text, which may be a list of lines."""
    return value if isinstance(value, str) else "".join(value)


def _foldable(text: str, widest: int = WIDEST) -> str:
    """The text with places without width to break at in words that are longer than `widest`."""
    parts = re.compile(rf"[/,]|[^/,]{{{widest}}}")
    return re.sub(rf"\S{{{widest},}}", lambda word: parts.sub("\\g<0>\u200b", word[0]), text)


def from_markdown(text: str) -> list[Block]:
    """CommonMark with tables; HTML in it is text."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return list(_blocks(_Tokens(parser.parse(text)), ""))


class _Tokens:
    """Tokens taken one after the other."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.left = list(reversed(tokens))

    def until(self, closing: str) -> Iterator[Token]:
        """The tokens up to one of this type, which is taken too; all of them for an empty type."""
        while self.left:
            token = self.left.pop()
            if token.type == closing:
                return
            yield token


def _blocks(tokens: _Tokens, closing: str) -> Iterator[Block]:
    for token in tokens.until(closing):
        match token.type:
            case "heading_open":
                (inline,) = tokens.until("heading_close")
                yield {"kind": "heading", "level": int(token.tag[1:]), "spans": _spans(inline)}
            case "paragraph_open":
                (inline,) = tokens.until("paragraph_close")
                yield {"kind": "paragraph", "spans": _spans(inline)}
            case "bullet_list_open" | "ordered_list_open":
                kind = token.type.removesuffix("_open")
                items = [list(_blocks(tokens, "list_item_close")) for _ in tokens.until(f"{kind}_close")]
                yield {"kind": "list", "ordered": kind == "ordered_list", "items": items}
            case "blockquote_open":
                yield {"kind": "quote", "blocks": list(_blocks(tokens, "blockquote_close"))}
            case "table_open":
                yield _table(tokens)
            case "fence" | "code_block":
                yield {
                    "kind": "code",
                    "text": _foldable(token.content.rstrip("\n")),
                    "lang": token.info.strip(),
                }
            case "hr":
                yield {"kind": "rule"}


def _table(tokens: _Tokens) -> Block:
    rows: list[list[list[Block]]] = []
    align: list[str] = []
    for token in tokens.until("table_close"):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            if len(rows) == 1:
                found = re.search(r"text-align:(\w+)", str(token.attrGet("style") or ""))
                align.append(found[1] if found else "left")
            (inline,) = tokens.until(token.type.replace("open", "close"))
            rows[-1].append(_spans(inline))
    columns = zip(align, zip(*rows, strict=True), strict=True)
    weights = [_weight(name, [_length(cell) for cell in cells]) for name, cells in columns]
    lines = sum(max(1 + _length(cell) // (2 * LONG) for cell in row) for row in rows)
    whole = lines <= MOST_LINES
    return {"kind": "table", "align": align, "rows": rows, "weights": weights, "whole": whole}


def _length(cell: Sequence[Block]) -> int:
    return sum(len(span["text"]) for span in cell)


def _weight(align: str, lengths: Sequence[int]) -> int:
    """Which share of the free room a column gets: none where it needs no more than its longest text."""
    longest = max(lengths)
    return 0 if align == "right" or longest <= LONG else min(longest, 3 * LONG)


def _spans(inline: Token) -> list[Block]:
    """Runs of text with their styles."""
    spans: list[Block] = []
    styles: list[str] = []
    for token in inline.children or ():
        name, _, ending = token.type.rpartition("_")
        if ending == "open" and name in STYLES:
            styles.append(STYLES[name])
        elif ending == "close" and name in STYLES:
            styles.remove(STYLES[name])
        elif token.type == "code_inline":
            spans.append({"text": _foldable(token.content, LONG), "styles": [*styles, "code"]})
        elif token.type == "hardbreak":
            spans.append({"text": "\n", "styles": []})
        elif token.type == "softbreak":
            spans.append({"text": " ", "styles": []})
        elif token.content:
            spans.append({"text": _foldable(token.content, LONG), "styles": list(styles)})
    return spans
