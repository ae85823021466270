"""What a folder was when it was written: `files.json`, with the sha256 and size of every file.

Its last line is the sha256 of the lines above, so that a damaged list is not taken for damaged files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handlens.errors import StoreError
from handlens.studies.storage.disk import files

NAME = "files.json"
LIMIT = 16 * 2**20  # bytes of files.json: a longer one is not ours
LAST = ' "sha256": "%s"\n}\n'
HEX = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    """What a file was: sha256 (hex) of its content, and its size in bytes."""

    sha256: str
    bytes: int


Manifest = dict[str, File]  # by path below the folder, with slashes


def write(folder: Path) -> None:
    """Write down what a folder holds now.

    Raises:
        OSError: a file cannot be read, or the list cannot be written.
    """
    found = {path.relative_to(folder).as_posix(): asdict(_measured(path)) for path in sorted(files(folder))}
    body = f'{{\n "files": {json.dumps(found, indent=1)},\n'.encode()
    (folder / NAME).write_bytes(body + (LAST % hashlib.sha256(body).hexdigest()).encode())


def read(folder: Path) -> Manifest:
    """What a folder is to hold.

    Raises:
        StoreError: the list is missing, damaged or not ours.
    """
    path = folder / NAME
    raw = _bytes(path, LIMIT)
    body, last = raw[: -len(LAST) - 62], raw[-len(LAST) - 62 :]  # 64 digits in the place of %s
    if last != (LAST % hashlib.sha256(body).hexdigest()).encode():
        raise StoreError("is damaged", where=path)
    try:
        return {_inside(name): _file(**facts) for name, facts in json.loads(raw)["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise StoreError("is not a list of files", where=path) from None


def content(folder: Path, name: str, limit: int, listed: Mapping[str, File] | None = None) -> bytes:
    """A file's content, if it is what was written.

    Args:
        limit: bytes that such a file may have at most.
        listed: what `read(folder)` said, where that is known.

    Raises:
        StoreError: the file or the list is missing or damaged, or the file is too large.
    """
    listed = read(folder) if listed is None else listed
    path, known = folder / name, listed.get(name)
    if known is None:
        raise StoreError("is not one of the files that were written here", where=path)
    found = _bytes(path, min(limit, known.bytes))
    if len(found) != known.bytes or hashlib.sha256(found).hexdigest() != known.sha256:
        raise StoreError("is damaged", where=path)
    return found


def fault(path: Path, known: File) -> str:
    """What is wrong with a file; nothing where it is what was written."""
    try:
        return "" if path.stat().st_size == known.bytes and _measured(path) == known else "is damaged"
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            found = file.read(size) if size <= limit else None
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError("is missing", where=path) from None
    except OSError as error:
        raise StoreError(f"cannot be read ({error.strerror or error})", where=path) from None
    if found is None:
        raise StoreError("is longer than what was written", where=path)
    return found


def _measured(path: Path) -> File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return File(digest, file.tell())


def _file(sha256: Any, bytes: Any) -> File:
    if not (isinstance(sha256, str) and HEX.fullmatch(sha256) and type(bytes) is int and bytes >= 0):
        raise ValueError
    return File(sha256, bytes)


def _inside(name: str) -> str:
    """The name, if it leads to a file below the folder."""
    if not name or name.startswith("/") or ".." in name or "\\" in name or ":" in name:
        raise ValueError
    return name
