"""A run on its way from the machine that trained it: one file, a parcel, which the receiver does not trust.

A parcel is a zip of the run's folder without compression: what compresses is compressed already, and the
content of a parcel then is never larger than the parcel. It travels as bytes or lies at a `Shelf`, an address
that every machine reaches.
"""

from __future__ import annotations

import re
import shutil
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlens.errors import HandlensError, MissingExtra, StoreError
from handlens.records import Run
from handlens.studies.storage import disk
from handlens.studies.storage.result import Predictions
from handlens.studies.storage.store import Store

SIZE_LIMIT = 16 * 2**30  # bytes of a parcel
FILES_LIMIT = 1000
NAME = re.compile(r"[\w-][\w.-]{0,99}(/[\w-][\w.-]{0,99}){0,7}", re.ASCII)  # no part begins with a dot
HEADER = 30  # bytes that a zip spends on a file's header at least


@dataclass(frozen=True, eq=False)
class Received:
    """A run out of a parcel, checked; `model` is the folder of its model."""

    run: Run
    predictions: Predictions
    model: Path

    def store_in(self, store: Store) -> Run:
        """Write the run into a store, whole or not at all.

        Raises:
            StoreError: the folder cannot be written, the disk is full.
        """
        return store.write(self.run, self.predictions, self._copy_model, name=self.run.trial.hash)

    def _copy_model(self, folder: Path) -> None:
        shutil.copytree(self.model, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)


def pack(store: Store, hash: str, parcel: Path) -> Path:
    """Write a stored run into the file `parcel`, which is returned.

    Raises:
        OSError: it cannot be read or written.
    """
    folder = store.folder(hash)
    with zipfile.ZipFile(parcel, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(disk.files(folder)):
            archive.write(path, path.relative_to(folder).as_posix())
    return parcel


def unpack(parcel: Path, hash: str, folder: Path) -> Received:
    """The run called `hash` in a parcel, unpacked into the empty `folder`.

    Raises:
        StoreError: not a parcel, damaged, hostile, or of another run.
    """
    inner = folder / hash
    inner.mkdir(parents=True)
    try:
        with zipfile.ZipFile(parcel) as archive:
            for member in _harmless(archive.infolist(), parcel):
                path = inner / member.filename
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, path.open("xb") as target:
                    shutil.copyfileobj(source, target)
    # A zip that lies about itself fails in many ways; a file where a folder should be is one of them.
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise _refused(f"is damaged ({error})", parcel) from None
    except (FileExistsError, NotADirectoryError):
        raise _refused("holds a file and a folder of one name", parcel) from None
    received = Store(folder)
    try:
        return Received(received.read(hash), received.predictions(hash), received.model(hash))
    except StoreError as error:  # names a folder that is gone when it is read
        raise _refused(f"is not as it left: {Path(error.where).name} {error.what}", parcel) from None


def _harmless(members: list[zipfile.ZipInfo], parcel: Path) -> list[zipfile.ZipInfo]:
    if len(members) > FILES_LIMIT:
        raise _refused(f"holds {len(members):,} files", parcel)
    for member in members:
        if not NAME.fullmatch(member.filename):
            raise _refused(f"holds a file called {member.filename[:60]!r}", parcel)
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise _refused(f"holds {member.filename!r} compressed", parcel)
    if sum(member.file_size + HEADER for member in members) > parcel.stat().st_size:
        raise _refused("would unpack to more than it holds", parcel)  # files that overlap
    return members


def _refused(what: str, parcel: Path) -> StoreError:
    return StoreError(f"the run that was sent {what}", where=parcel.name, expected="a run's files as a zip")


@dataclass(frozen=True)
class Shelf:
    """A folder for parcels that every machine reaches: a path of a shared disk or an fsspec address.

    A parcel appears there whole, under the name of its run, and stays.
    """

    address: str

    @classmethod
    def of(cls, place: str) -> Shelf:
        """The shelf at a path or address; a relative path means the same on every machine."""
        return cls(place if "://" in place else str(Path(place).expanduser().resolve()))

    def check(self) -> None:
        """Make sure that the folder is there.

        Raises:
            MissingExtra: fsspec is not installed.
            HandlensError: no such place, its package is missing, or it may not be written.
        """
        files, root = self._open()
        if "memory" in files.protocol:
            raise HandlensError(
                "the memory of one process is no place for results of another",
                where=self.address,
                expected="a shared folder, or an address such as s3://bucket/runs",
            )
        try:
            files.makedirs(root, exist_ok=True)
        except Exception as error:  # what a backend raises is its own affair
            raise self._trouble("cannot be written", error) from error

    def has(self, hash: str) -> bool:
        """Whether the run's parcel is there.

        Raises:
            StoreError: the address cannot be reached.
        """
        files, root = self._open()
        try:
            # Others put parcels there; what an earlier listing said is out of date.
            files.invalidate_cache(root)
            return bool(files.exists(f"{root}/{hash}.zip"))
        except Exception as error:
            raise self._trouble("cannot be read", error) from error

    def put(self, hash: str, parcel: Path) -> None:
        """Put a run's parcel there, whole or not at all.

        Raises:
            StoreError: it cannot be written.
        """
        files, root = self._open()
        beside = f"{root}/.unfinished-{uuid.uuid4().hex}"
        try:
            files.put_file(str(parcel), beside)
            files.mv(beside, f"{root}/{hash}.zip")
        except Exception as error:
            raise self._trouble("cannot be written", error) from error

    def get(self, hash: str, parcel: Path) -> Path:
        """Fetch a run's parcel into the file `parcel`, which is returned.

        Raises:
            StoreError: it is not there, is too large, or cannot be read.
        """
        files, root = self._open()
        try:
            files.invalidate_cache(root)
            size = files.size(f"{root}/{hash}.zip")
            if size is not None and size <= SIZE_LIMIT:
                files.get_file(f"{root}/{hash}.zip", str(parcel))
                return parcel
        except Exception as error:
            raise self._trouble("cannot be read", error) from error
        raise StoreError(f"{size} bytes", where=f"{self.address}/{hash}.zip", expected="a run's parcel")

    def remove(self, hash: str) -> None:
        """Take a run's parcel away.

        Raises:
            StoreError: it cannot be removed.
        """
        files, root = self._open()
        try:
            files.rm_file(f"{root}/{hash}.zip")
        except Exception as error:
            raise self._trouble("cannot be written", error) from error

    def _open(self) -> tuple[Any, str]:
        try:
            import fsspec
        except ImportError:
            raise MissingExtra("fsspec", "ray") from None
        try:
            files, root = fsspec.core.url_to_fs(self.address)
        except (ImportError, ValueError, OSError) as error:  # its package is missing; no such protocol
            raise HandlensError(
                str(error), where=self.address, expected="a folder, or an address such as s3://bucket/runs"
            ) from None
        return files, str(root).rstrip("/")

    def _trouble(self, what: str, error: Exception) -> StoreError:
        return StoreError(
            f"{what} ({type(error).__name__}: {error})",
            where=self.address,
            remedy="check it on every machine",
        )
