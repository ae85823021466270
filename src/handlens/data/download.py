"""Published files: resumed where the server allows it, verified, from the next mirror if need be."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handlens.data.catalogue import Entry, File
from handlens.data.transfer import Failed, Patience, Report, transfer
from handlens.errors import DataError

TRIES = 3
PATIENCE = Patience()


def download(
    entry: Entry, folder: Path, patience: Patience = PATIENCE, progress: bool | None = None
) -> tuple[Path, ...]:
    """The files of an entry, from `folder` if they are there already, else from its mirrors.

    Args:
        entry: what to fetch.
        folder: where the files are kept; an unfinished one stays as `<name>.part` and is taken up again.
        patience: time-outs in seconds.
        progress: whether to draw a progress bar on stderr; None: if that is a terminal.

    Raises:
        DataError: no mirror gave a file that is what was published; it says what to put where by hand.
    """
    files = entry.files if entry.archive is None else (entry.archive,)
    paths = tuple(folder / file.name for file in entry.files)
    if all(path.is_file() for path in paths):
        return paths
    if not entry.mirrors:
        raise DataError(f"{entry.name} cannot be downloaded without a login", remedy=by_hand(entry, folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            _from_mirrors(file, entry, folder, patience, progress)
        if entry.archive is not None:
            _extract(entry, folder / entry.archive.name, folder)
    except OSError as error:
        raise DataError(
            f"{entry.name} cannot be downloaded ({error.strerror or error})",
            where=folder,
            remedy=by_hand(entry, folder),
        ) from error
    return paths


def by_hand(entry: Entry, folder: Path) -> str:
    """The sentence that says which files to get and where to put them."""
    names = ", ".join(file.name for file in entry.files)
    return (
        f"get {names} from {entry.page} and put them into {folder}, "
        f"or into {entry.name}/ in a folder of HANDLENS_DATA"
    )


def _from_mirrors(file: File, entry: Entry, folder: Path, patience: Patience, progress: bool | None) -> None:
    """One file from the first mirror that gives it; a broken transfer is taken up again while it gets on."""
    if (folder / file.name).is_file():
        return
    failures = []
    for mirror in entry.mirrors:
        for _ in range(TRIES):
            try:
                with _bar(file, progress) as report:
                    _fetch(mirror + file.name, file, folder, patience, report)
                return
            except Failed as failure:
                failures.append(f"{mirror}: {failure}")
                if not failure.further:
                    break
    raise DataError(
        f"{file.name} of {entry.name} cannot be downloaded ({'; '.join(dict.fromkeys(failures))})",
        remedy=by_hand(entry, folder),
    )


def _fetch(url: str, file: File, folder: Path, patience: Patience, report: Report) -> None:
    """One file from one address, verified and put into place by pooch."""
    import pooch

    part = folder / f"{file.name}.part"
    resumed = part.is_file()

    def fetch(address: str, target: str, _: Any) -> None:
        transfer(address, file, part, patience, report)
        part.replace(target)

    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(url, f"sha256:{file.sha256}", file.name, folder, downloader=fetch)
    except ValueError as error:
        # The beginning of an earlier transfer may be what is wrong: it is gone now, and worth one more try.
        raise Failed(f"not what was published: its sha256 is not {file.sha256[:16]}...", resumed) from error


def _extract(entry: Entry, archive: Path, folder: Path) -> None:
    """Put the members that an entry names into `folder` and remove the archive.

    Members are looked up by names of ours, so none can lead out of the folder, and none may be larger than
    the archive.
    """
    assert entry.archive is not None
    with zipfile.ZipFile(archive) as members:
        for file in entry.files:
            try:
                member = members.getinfo(f"{entry.archive.folder}/{file.name}")
            except KeyError:
                raise DataError(f"the archive lacks {file.name}", where=archive) from None
            if member.file_size > archive.stat().st_size:
                raise DataError(f"its member {file.name} promises {member.file_size:,} bytes", where=archive)
            beside = folder / f"{file.name}.part"
            with members.open(member) as source, beside.open("wb") as target:
                shutil.copyfileobj(source, target)
            beside.replace(folder / file.name)
    archive.unlink()


@contextmanager
def _bar(file: File, progress: bool | None) -> Iterator[Report]:
    """What to call with the number of bytes that arrived; draws a progress bar on stderr if wanted."""
    if not (sys.stderr.isatty() if progress is None else progress):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns: Sequence[Any] = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=file.size)
        yield lambda count: bar.advance(task, count)
