"""Files that last: flushed to the disk, and put in their place by a rename, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from handlens.errors import StoreError

UNFINISHED = ".unfinished-"
TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


@contextlib.contextmanager
def beside(root: Path, what: str) -> Iterator[Path]:
    """A folder under `root` to prepare something in, which is gone afterwards; `root` is made if need be.

    Raises:
        StoreError: cannot do `what`, because the disk is full or the folder may not be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=root, ignore_cleanup_errors=True) as made:
            yield Path(made)
    except OSError as error:
        raise StoreError(
            f"cannot {what} ({error.strerror or error})",
            where=root,
            remedy="free space or name another folder with --runs; finished runs are kept",
        ) from error


def files(folder: Path) -> Iterator[Path]:
    """Every file below."""
    return (path for path in folder.rglob("*") if path.is_file())


def flush(folder: Path) -> None:
    """Every file and folder below, to the disk.

    Raises:
        OSError: the disk refuses.
    """
    for path in files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for path in (*(p for p in folder.rglob("*") if p.is_dir()), folder):
        flush_folder(path)


def flush_folder(folder: Path) -> None:
    """The names in a folder, to the disk.

    Raises:
        OSError: the disk refuses.
    """
    if os.name == "nt":  # Windows cannot open a folder, and renames are durable there without it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def place(folder: Path, at: Path, records: Collection[str]) -> bool:
    """Rename a folder to its place; whether that was free. A folder with one of the `records` there stays.

    Without a record it is what a hand or a crash left, and makes way: it is moved beside `folder`, where the
    caller's clearing up takes it along.

    Raises:
        OSError: the disk refuses.
    """
    if _rename(folder, at):
        return True
    if _has(at, records):
        return False
    aside = folder.with_name(f"{folder.name}-aside")
    at.rename(aside)
    if _has(aside, records):  # another process finished it between the look and the rename
        _rename(aside, at)
        return False
    return _rename(folder, at)


def _has(folder: Path, records: Collection[str]) -> bool:
    return any((folder / record).is_file() for record in records)


def _rename(folder: Path, at: Path) -> bool:
    """Whether `at` was free, or an empty folder."""
    try:
        folder.rename(at)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True
