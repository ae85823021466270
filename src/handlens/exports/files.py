"""A file that is whole or not there, and never written over another one unasked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handlens.errors import StoreError


def check_target(target: Path, *, force: bool) -> None:
    """Whether a file can be written there.

    Raises:
        StoreError: it exists and `force` is false, or it is a folder.
    """
    if target.is_dir():
        raise StoreError("is a folder", where=target, expected="a file's name")
    if not force and (target.exists() or target.is_symlink()):
        raise StoreError(
            "exists already", where=target, remedy="add --force to write over it, or give another name"
        )


@contextmanager
def placing(target: Path, *, force: bool) -> Iterator[Path]:
    """A place of the same name, beside; what lies there in the end is flushed and moves to the target, whole.

    The target's folder is made if need be.

    Raises:
        StoreError: as `check_target`, or it cannot be written.
    """
    check_target(target, force=force)
    beside = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=target.parent))
        yield beside / target.name
        with (beside / target.name).open("rb") as file:
            os.fsync(file.fileno())
        check_target(target, force=force)
        (beside / target.name).replace(target)
    except OSError as error:
        raise StoreError(
            f"cannot be written ({error.strerror or error})", where=target, remedy="choose another place"
        ) from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def put(target: Path, content: bytes, *, force: bool) -> None:
    """Write a file.

    Raises:
        StoreError: it exists already and `force` is false, or it cannot be written.
    """
    with placing(target, force=force) as place:
        place.write_bytes(content)
