"""Run folders: `runs/<hash>/` with run.json, history.csv, predictions.npz and model/.

A run is written beside its place, flushed to the disk and renamed: it is whole or it is not there. What is
read back is checked like any file from outside.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from handlens.errors import StoreError
from handlens.records import Epoch, Run, from_json, to_json
from handlens.studies.result import Predictions

SIZE_LIMIT = 64 * 2**20  # bytes of run.json: a longer one is not ours


@dataclasses.dataclass(frozen=True)
class Store:
    """The folder that holds runs, a folder each."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))  # a text is welcome too

    def folder(self, hash: str) -> Path:
        return self.root / hash

    def has(self, hash: str) -> bool:
        """Whether the run is there, whole."""
        return (self.folder(hash) / "run.json").is_file()

    def hashes(self) -> tuple[str, ...]:
        """The names of all runs, sorted."""
        if not self.root.is_dir():
            return ()
        return tuple(sorted(path.parent.name for path in self.root.glob("[0-9a-f]*/run.json")))

    def find(self, prefix: str) -> str:
        """The one run whose name begins with `prefix`, or whose folder it is the path of.

        Raises:
            StoreError: none, or several.
        """
        if "/" in prefix or os.sep in prefix:
            return str(Path(prefix).resolve())
        found = [hash for hash in self.hashes() if hash.startswith(prefix)]
        if len(found) == 1:
            return found[0]
        what = "no run" if not found else f"{len(found)} runs"
        raise StoreError(
            f"{what} begins with {prefix!r}" if not found else f"{what} begin with {prefix!r}",
            where=self.root,
            remedy="`handlens compare --json` lists the runs" if not found else "give more of its name",
        )

    def read(self, hash: str) -> Run:
        """A run's record.

        Raises:
            StoreError: missing or damaged.
        """
        path = self.folder(hash) / "run.json"
        try:
            if path.stat().st_size > SIZE_LIMIT:
                raise StoreError(f"{path.stat().st_size:,} bytes", where=path, expected="a run's record")
            return from_json(Run, path.read_bytes(), where=path)
        except OSError as error:
            raise StoreError(error.strerror or str(error), where=path, expected="a run's record") from None

    def predictions(self, hash: str) -> Predictions:
        """A run's predictions.

        Raises:
            StoreError: missing or damaged.
        """
        path = self.folder(hash) / "predictions.npz"
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = Predictions(**{f.name: arrays[f.name] for f in dataclasses.fields(Predictions)})
        except FileNotFoundError:
            raise _damaged(path, "is missing") from None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            raise _damaged(path, "is damaged") from None
        sizes = (len(found.validation_indices), len(found.validation), len(found.validation_labels))
        if (
            len(set(sizes)) != 1
            or len(found.test) != len(found.test_labels)
            or {found.validation.ndim, found.test.ndim} != {2}
        ):
            raise _damaged(path, "holds arrays of different lengths")
        return found

    def write(
        self, run: Run, predictions: Predictions, save_model: Callable[[Path], None], *, name: str
    ) -> Run:
        """Store a finished run under `name`, its trial's hash; returns it with the size of its model.

        Where another process has stored the same run meanwhile, that one stays.

        Raises:
            StoreError: the folder cannot be written, the disk is full.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=self.root) as beside:
                folder = Path(beside, name)
                (folder / "model").mkdir(parents=True)
                save_model(folder / "model")
                size = sum(path.stat().st_size for path in (folder / "model").rglob("*") if path.is_file())
                run = dataclasses.replace(run, model_bytes=size)
                np.savez_compressed(folder / "predictions.npz", **vars(predictions))
                _write_history(folder / "history.csv", run.history)
                (folder / "run.json").write_text(to_json(run), encoding="utf-8")
                _flush(folder)
                with contextlib.suppress(FileExistsError):
                    _place(folder, self.folder(name))
                _flush_folder(self.root)
        except OSError as error:
            raise StoreError(
                f"cannot store the run ({error.strerror or error})",
                where=self.root,
                remedy="free space or name another folder with --runs; finished runs are kept",
            ) from error
        return run


def _place(folder: Path, place: Path) -> None:
    """Rename into place; a folder without run.json there is what a hand or a crash left, and makes way."""
    if place.exists() and not (place / "run.json").is_file():
        shutil.rmtree(place)
    if place.exists():
        raise FileExistsError(place)
    folder.rename(place)


def _write_history(path: Path, history: tuple[Epoch, ...]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in dataclasses.fields(Epoch)])
        writer.writeheader()
        writer.writerows(dataclasses.asdict(epoch) for epoch in history)


def _flush(folder: Path) -> None:
    """Every file and folder below, to the disk."""
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for path in (*(p for p in folder.rglob("*") if p.is_dir()), folder):
        _flush_folder(path)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and renames are durable there without it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _damaged(path: Path, what: str) -> StoreError:
    return StoreError(
        what,
        where=path,
        expected="a run's predictions",
        remedy="remove the run's folder and run again to retrain it",
    )
