"""A TOML file as people's editors save it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from handlens.errors import SpecError


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says; the mark of UTF-8 that Windows' editors put in front is no part of it.

    Raises:
        SpecError: unreadable, another encoding, not TOML.
    """
    other = SpecError(
        "not text in UTF-8", where=path, remedy='save it with the encoding UTF-8 (in Notepad: "Save as")'
    )
    try:
        text = path.read_text(encoding="utf-8-sig")
        if "\0" in text:  # UTF-16 without a mark
            raise other
        return tomllib.loads(text)
    except OSError as error:
        raise SpecError(error.strerror or str(error), where=path, expected="a study's TOML file") from None
    except UnicodeDecodeError:
        raise other from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"not TOML: {error}", where=path) from None
