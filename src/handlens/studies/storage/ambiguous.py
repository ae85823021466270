"""The error of a name that is no run's, or that of several: which ones it may mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from handlens.errors import StoreError
from handlens.records import Run

LISTED = 5  # runs that the line names


def not_one(prefix: str, found: Sequence[str], root: Path, read: Callable[[str], Run]) -> StoreError:
    """What is said of a beginning that no run has, or several."""
    if not found:
        remedy = "`handlens runs list` lists the runs"
        return StoreError(f"no run begins with {prefix!r}", where=root, remedy=remedy)
    shown = [_described(hash, max(8, len(prefix) + 2), read) for hash in sorted(found)[:LISTED]]
    more = f" and {len(found) - LISTED:,} more" if len(found) > LISTED else ""
    what = f"{len(found):,} runs begin with {prefix!r}: {', '.join(shown)}{more}"
    return StoreError(what, where=root, remedy="give more of its name")


def _described(hash: str, length: int, read: Callable[[str], Run]) -> str:
    try:
        run = read(hash)
    except StoreError:
        return f"{hash[:length]} (damaged)"
    return f"{hash[:length]} ({run.name}, {run.dataset})"
