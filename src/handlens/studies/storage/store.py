"""Run folders: `runs/<hash>/` with run.json, history.csv, predictions.npz, correct.npy, model/, files.json.

Once the test images were opened there is test/, with look.json, predictions.npz, correct.npy and a files.json
of its own. Each is written beside its place, flushed to the disk and renamed: it is whole or it is not there.
What is read back is held against files.json, and checked like any file from outside. `runs/looks/` keeps an
entry for every look at test images, whether or not the run is still there. Equal runs have equal names, so
that the folders of two machines are merged by copying one into the other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from handlens.errors import StoreError
from handlens.records import Look, Run, from_json, to_json
from handlens.studies.storage import arrays, disk, manifest
from handlens.studies.storage.ambiguous import not_one
from handlens.studies.storage.manifest import Manifest
from handlens.studies.storage.result import Looks, Predictions, Tested

RECORD_LIMIT = 64 * 2**20  # bytes of a record: a longer one is not ours
RECORDS = ("run.json", "look.json")
LOOKS, TEST, MODEL = "looks", "test", "model"
HASH = re.compile("[0-9a-f]{20}")
R = TypeVar("R")


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
        return tuple(name for name in self.names() if self.has(name))

    def names(self) -> tuple[str, ...]:
        """The names of all runs and of what was one before its record was lost, sorted."""
        if not self.root.is_dir():
            return ()
        found = {path.name for path in self.root.iterdir() if HASH.fullmatch(path.name) and path.is_dir()}
        return tuple(sorted(found | {path.parent.name for path in self.root.glob("[0-9a-f]*/run.json")}))

    def find(self, prefix: str) -> str:
        """The one run whose name begins with `prefix`, or whose folder it is the path of.

        Raises:
            StoreError: none, or several.
        """
        if "/" in prefix or os.sep in prefix:
            path = Path(prefix).resolve()
            return path.name if path.parent == self.root.resolve() else str(path)
        found = [hash for hash in self.names() if hash.startswith(prefix)]
        if len(found) == 1:
            return found[0]
        raise not_one(prefix, found, self.root, self.read)

    def listed(self, hash: str, *, test: bool = False) -> Manifest:
        """What the run's folder, or its test/, is to hold; spares who reads several files the second look.

        Raises:
            StoreError: missing or damaged.
        """
        with self._reading(hash) as folder:
            return manifest.read(folder / TEST if test else folder)

    def read(self, hash: str, listed: Manifest | None = None) -> Run:
        """A run's record.

        Raises:
            StoreError: missing, damaged, or the record of another trial.
        """
        with self._reading(hash) as folder:
            run = _record(Run, folder, "run.json", listed)
            # A name is a promise; a path may lead to a copy that is called otherwise.
            if folder.parent == self.root and run.trial.hash != hash:
                raise StoreError(f"is the record of run {run.trial.hash}", where=folder / "run.json")
            return run

    def predictions(self, hash: str) -> Predictions:
        """A run's predictions for the validation images.

        Raises:
            StoreError: missing or damaged.
        """
        with self._reading(hash) as folder:
            return arrays.predictions(folder)

    def right(self, hash: str, listed: Manifest | None = None, *, test: bool = False) -> NDArray[np.bool_]:
        """Whether a run was right about each validation image, or each test image: bool [n].

        Raises:
            StoreError: missing or damaged.
        """
        with self._reading(hash) as folder:
            return arrays.right(folder / TEST if test else folder, listed)

    def model(self, hash: str) -> Path:
        """The folder of a run's model, after a check that its files are what was written.

        Raises:
            StoreError: missing or damaged.
        """
        with self._reading(hash) as folder:
            for name, known in manifest.read(folder).items():
                what = manifest.fault(folder / name, known) if name.startswith(f"{MODEL}/") else ""
                if what:
                    raise StoreError(what, where=folder / name)
            return folder / MODEL

    def opened(self, hash: str) -> bool:
        """Whether the run's model has seen the test images."""
        return (self.folder(hash) / TEST / "look.json").is_file()

    def look(self, hash: str, listed: Manifest | None = None) -> Look:
        """When a run's model saw the test images, and how it did.

        Raises:
            StoreError: not opened, or damaged.
        """
        with self._reading(hash) as folder:
            return _record(Look, folder / TEST, "look.json", listed)

    def tested(self, hash: str) -> Tested:
        """What a run said about the test images.

        Raises:
            StoreError: not opened, or damaged.
        """
        look = self.look(hash)
        with self._reading(hash) as folder:
            return arrays.tested(folder / TEST, look)

    def looks(self, test: str) -> Looks:
        """How often the test images of that digest were looked at.

        Raises:
            StoreError: the entries cannot be read.
        """
        try:
            folder = self.root / LOOKS / test[:20]
            entries = [path.read_bytes() for path in folder.glob("[0-9a-f]*")]
        except OSError as error:
            raise StoreError(f"cannot be read ({error.strerror or error})", where=folder) from None
        return Looks(len(entries), len(set(entries)))

    def note_look(self, hash: str, test: str, configuration: str) -> None:
        """Before the run's model sees the test images: a look that is cut short counts too.

        Raises:
            StoreError: cannot be written.
        """
        with disk.beside(self.root, "note that the test images are looked at") as beside:
            folder = self.root / LOOKS / test[:20]
            folder.mkdir(parents=True, exist_ok=True)
            entry = beside / hash
            entry.write_text(configuration, encoding="utf-8")
            disk.flush(beside)
            entry.replace(folder / hash)
            for path in (folder, folder.parent, self.root):
                disk.flush_folder(path)

    def write(
        self, run: Run, predictions: Predictions, save_model: Callable[[Path], None], *, name: str
    ) -> Run:
        """Store a finished run under `name`, its trial's hash; returns it with the size of its model.

        Where another process has stored the same run meanwhile, that one stays.

        Raises:
            StoreError: the folder cannot be written, the disk is full.
        """
        with self._placing(self.folder(name), "store the run") as folder:
            (folder / MODEL).mkdir()
            _save(save_model, folder / MODEL)
            size = sum(path.stat().st_size for path in disk.files(folder / MODEL))
            run = dataclasses.replace(run, model_bytes=size)
            arrays.write(folder, vars(predictions))
            arrays.write_history(folder / "history.csv", run.history)
            (folder / "run.json").write_text(to_json(run), encoding="utf-8")
        return run

    def write_test(self, hash: str, tested: Tested) -> None:
        """Store what a run said about the test images; the first word stays.

        Raises:
            StoreError: the folder cannot be written, the disk is full.
        """
        with self._placing(self.folder(hash) / TEST, "store the test scores") as folder:
            arrays.write(folder, {"probabilities": tested.probabilities, "labels": tested.labels})
            (folder / "look.json").write_text(to_json(tested.look), encoding="utf-8")

    def remedy(self, hash: str) -> str:
        """What to do about a damaged run, as a command to copy."""
        where = [] if self.root == Path("runs") else ["--runs", str(self.root)]
        words = ["handlens", "runs", "verify", hash[:8] if HASH.fullmatch(hash) else hash, "--remove", *where]
        return f"{shlex.join(words)} removes what is damaged, and the next `handlens run` makes it again"

    @contextlib.contextmanager
    def _placing(self, place: Path, what: str) -> Iterator[Path]:
        """An empty folder to fill, which is then listed, flushed to the disk and renamed to `place`."""
        with disk.beside(self.root, what) as beside:
            folder = beside / place.name
            folder.mkdir()
            yield folder
            manifest.write(folder)
            disk.flush(folder)
            disk.place(folder, place, RECORDS)
            disk.flush_folder(place.parent)

    @contextlib.contextmanager
    def _reading(self, hash: str) -> Iterator[Path]:
        """The run's folder; what is found wrong there gets its remedy."""
        folder = self.folder(hash)
        try:
            yield folder
        except StoreError as error:
            if folder.is_dir():
                error.remedy = self.remedy(hash)
            else:
                error.what, error.where = "there is no such run", str(folder)
                error.remedy = "`handlens runs list` lists the runs"
            raise


def _record(kind: type[R], folder: Path, name: str, listed: Manifest | None) -> R:
    return from_json(kind, manifest.content(folder, name, RECORD_LIMIT, listed), where=folder / name)


def _save(save_model: Callable[[Path], None], folder: Path) -> None:
    from safetensors import SafetensorError

    try:
        save_model(folder)
    except SafetensorError as error:  # which is what a full disk is to safetensors
        raise OSError(str(error)) from error
