"""Files that are whole or not there: written beside, flushed to the disk, renamed into place."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def put(path: Path, text: str) -> None:
    """Write a text file (UTF-8, lines ended by `\\n` alone), or leave what was there.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
