"""Keeping a store in order: are its runs what was written, and away with those that are not."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from handlens.errors import StoreError
from handlens.records import Run, from_json
from handlens.studies.storage import disk, manifest
from handlens.studies.storage.store import HASH, RECORD_LIMIT, TEST, Store

BELONGINGS = ("failed", "checkpoints")  # what trials leave there is called after them too


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file of a run folder.

    Attributes:
        run: the folder's name.
        file: path below it, with slashes.
        harm: whether the run has lost something; a file that somebody added does it none.
    """

    run: str
    file: str
    what: str
    harm: bool = True

    def __str__(self) -> str:
        return f"{self.run}/{self.file} {self.what}"


@dataclass(frozen=True)
class Verified:
    """How many runs and files were looked at, and what is wrong with them."""

    runs: int
    files: int
    faults: tuple[Fault, ...]


def verify(store: Store, hashes: Sequence[str]) -> Verified:
    """Compute the sha256 of every file of these runs again, and hold it against what was written."""
    faults: list[Fault] = []
    count = 0
    for hash in hashes:
        folder = store.folder(hash)
        faults += _faults(folder, hash)
        count += sum(1 for _ in disk.files(folder))
    return Verified(len(hashes), count, tuple(faults))


def mend(store: Store, faults: Sequence[Fault]) -> tuple[str, ...]:
    """Remove what is damaged, so that the next `handlens run` makes it again: a run, or its test/ alone.

    Returns the names of the runs concerned. Files that were added stay.

    Raises:
        StoreError: cannot be removed.
    """
    harmed = {fault.run: True for fault in faults if fault.harm}
    for hash in harmed:
        # A trained model is dear, a look at the test images cheap, and counted once for each run.
        spoilt = [fault.file for fault in faults if fault.run == hash and fault.harm]
        if all(file.startswith(f"{TEST}/") for file in spoilt):
            _remove(store, [store.folder(hash) / TEST])
        else:
            remove(store, hash)
    return tuple(harmed)


def remove(store: Store, hash: str) -> None:
    """Remove a run and what else its trial left; that it looked at test images stays noted.

    The folder is renamed first: no instant leaves half a run under its name.

    Raises:
        StoreError: no run of this store, or it cannot be removed.
    """
    if store.folder(hash).parent != store.root or hash not in store.names():
        raise StoreError("is no run of this store", where=hash, remedy="`handlens runs list` lists the runs")
    left = [path for name in BELONGINGS for path in (store.root / name).glob(f"{hash}*")]
    _remove(store, [store.folder(hash), *(left if HASH.fullmatch(hash) else [])])


def _remove(store: Store, paths: Sequence[Path]) -> None:
    try:
        for path in paths:
            aside = store.root / f"{disk.UNFINISHED}{uuid.uuid4().hex}"  # takes no space on a full disk
            path.rename(aside)
            disk.flush_folder(path.parent)
            if aside.is_dir() and not aside.is_symlink():
                shutil.rmtree(aside)
            else:
                aside.unlink()
    except OSError as error:
        raise StoreError(f"cannot be removed ({error.strerror or error})", where=path) from None


def _faults(folder: Path, hash: str) -> Iterator[Fault]:
    yield from _changes(folder, hash, "")
    if (folder / TEST).exists():
        yield from _changes(folder / TEST, hash, f"{TEST}/")
    try:
        raw = manifest.content(folder, "run.json", RECORD_LIMIT)
    except StoreError:
        return  # named already
    try:
        trial = from_json(Run, raw).trial
    except StoreError as error:
        yield Fault(hash, "run.json", error.what)
        return
    if trial.hash != Path(hash).name:
        yield Fault(hash, "run.json", f"is the record of run {trial.hash}")


def _changes(folder: Path, hash: str, part: str) -> Iterator[Fault]:
    """Damaged, missing and added files of a folder with a list of its own."""
    try:
        listed = manifest.read(folder)
    except StoreError as error:
        yield Fault(hash, part + manifest.NAME, error.what)
        return
    for name, known in sorted(listed.items()):
        what = manifest.fault(folder / name, known)
        if what:
            yield Fault(hash, part + name, what)
    for path in sorted(disk.files(folder)):
        name = path.relative_to(folder).as_posix()
        ours = name in listed or name == manifest.NAME or (not part and name.startswith(f"{TEST}/"))
        if not ours:
            yield Fault(hash, part + name, "is not one of the run's files", harm=False)
