"""Texts of whatever origin as Markdown that shows them as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

# As entities, since a backslash before them means something else to one renderer or another: `\\[` is where
# Jupyter's formulas begin, `\\|` still ends a cell for some. Entities are text to all of them.
_SPECIAL = re.compile(r"[\\`*\[\]{}<>#|~$&@_]|(?<=\w):(?=//)")


NO_BREAK = "\N{NO-BREAK SPACE}"


def escape(text: object) -> str:
    """A text on one line without any power over the Markdown, formulas or HTML around it."""
    plain = re.sub(
        " +", " ", "".join(c if c.isprintable() or c == NO_BREAK else " " for c in str(text))
    ).strip()
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", plain)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table whose first `left` columns are words and the others numbers; texts are escaped here."""
    marks = [":---" if i < left else "---:" for i in range(len(header))]
    lines = [[escape(name) for name in header], marks, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(texts: Sequence[str]) -> str:
    """A list of texts, escaped here."""
    return "\n".join(f"- {escape(text)}" for text in texts)
