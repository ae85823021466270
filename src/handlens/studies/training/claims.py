"""Who is at work in a store: each trial is claimed by the process that trains it, and the dead hold nothing.

A claim is a file in `runs/claims/` that the live process holds a lock of the operating system on; with the
process, however it ends, goes the lock. No clock takes part. Where a network's folder knows no locks every
claim is granted: two processes may then do the same work, and the first run that is stored stays.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from handlens.errors import StoreError
from handlens.studies.storage import disk
from handlens.studies.storage.store import HASH, Store

CLAIMS, CHECKPOINTS = "claims", "checkpoints"
IN_USE = "in-use"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextlib.contextmanager
def claim(root: Path, hash: str) -> Iterator[bool]:
    """Whether the trial is this block's alone, for as long as it lasts; false if it is somebody else's.

    Raises:
        StoreError: the claim cannot be written.
    """
    path = root / CLAIMS / hash
    handle = _locked(path)
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(handle)


def claimed(root: Path, hash: str) -> bool:
    """Whether a live process has claimed the trial.

    Raises:
        StoreError: this cannot be found out.
    """
    with claim(root, hash) as mine:
        return not mine


@contextlib.contextmanager
def at_work(store: Store, *, clear: bool = False) -> Iterator[None]:
    """Nobody clears up in the store meanwhile: what is unfinished there may be this block's.

    Args:
        clear: first clear up what the dead have left, if nobody else is at work.
    """
    handle = _door(store.root)
    try:
        if handle is not None:
            if clear and _lock(handle, only=True):
                _clear(store)
            _lock(handle, only=False)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _door(root: Path) -> int | None:
    """The open file that tells who is at work; None where nothing can be written, or spoilt."""
    try:
        (root / CLAIMS).mkdir(parents=True, exist_ok=True)
        return os.open(root / CLAIMS / IN_USE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return None


def _clear(store: Store) -> None:
    """Remove what writers that were killed have left: unfinished folders, claims, needless checkpoints."""
    for path in store.root.glob(f"{disk.UNFINISHED}*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in (store.root / CHECKPOINTS).glob("*"):
        if store.has(path.name):
            shutil.rmtree(path, ignore_errors=True)
    for path in (store.root / CLAIMS).glob("*"):
        if HASH.fullmatch(path.name):
            with contextlib.suppress(StoreError), claim(store.root, path.name):
                pass


def _locked(path: Path) -> int | None:
    """The open, locked file; None where another process has it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            if not _lock(handle, only=True):
                os.close(handle)
                return None
            if _is_at(handle, path):
                return handle
            os.close(handle)  # whoever had the claim has given it back since, and the file with it
    except OSError as error:
        raise StoreError(
            f"cannot claim the trial ({error.strerror or error})",
            where=path.parent,
            remedy="free space or name another folder with --runs; finished runs are kept",
        ) from error


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, *, only: bool) -> bool:
        """Windows locks for one alone: what nobody else may have is tried, what many may have is not."""
        if not only:
            return True
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int, *, only: bool) -> bool:
        """Lock an open file: for this handle only, if it is free; or together with others, when it is."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if only else fcntl.LOCK_SH)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        return True
