"""Output that any terminal can say: what its encoding lacks is written with characters that every one has."""

from __future__ import annotations

import codecs
import io
import sys

# A character for a character, so that columns stay in line. A sign or dash must not become a question mark:
# `?1.5` says less than `-1.5`.
PLAIN = str.maketrans("–−—×·µ’‘“”→←≤≥█▀▄", "---x.u''\"\"><<>###")


def plain_where_needed() -> None:
    """Let standard output and standard error replace what their encoding lacks, instead of raising."""
    codecs.register_error("handlens.plain", _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a program that imports us may have put something else there
            stream.reconfigure(errors="handlens.plain")


def says_everything() -> bool:
    """Whether standard output's encoding has every character."""
    return str(getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacked = error.object[error.start : error.end].translate(PLAIN)
    return "".join(c if c.isascii() else "?" for c in lacked), error.end
