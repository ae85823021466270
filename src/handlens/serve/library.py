"""What there is to serve: studies by name, runs that belong to none by their data set."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from handlens.errors import HandlensError, StoreError, did_you_mean
from handlens.records import Run
from handlens.serve.loose import Loose
from handlens.serve.refusal import Refusal
from handlens.serve.shelf import Planned, Shelf
from handlens.studies.storage.store import Store
from handlens.studies.training.progress import PROGRESS

HASH = re.compile("[0-9a-f]{4,20}")
MOST_LOOSE = 100  # runs of one data set that belong to no study: the newest are gathered
RECORDS = 5000
V = TypeVar("V")


@dataclass(frozen=True)
class Wanted:
    """What the command was asked to serve: TOML files or names of studies, and whole hashes of runs."""

    studies: tuple[Path, ...] = ()
    runs: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether nothing was named: all that is found is served."""
        return not self.studies and not self.runs


class Kept:
    """The last few values by key, each made once."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._values: OrderedDict[object, object] = OrderedDict()

    def get(self, key: object, make: Callable[[], V]) -> V:
        """The value of a key; made outside the lock, so that a slow one keeps nobody waiting."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[return-value]
        made = make()
        with self._lock:
            self._values[key] = made
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return made


class Library:
    """Studies and runs, as they are on the disk at the moment."""

    def __init__(self, store: Store, reports: Path, wanted: Wanted) -> None:
        self.store, self.reports, self.wanted = store, reports, wanted
        self._records = Kept(RECORDS)
        self._shelves: dict[str, Shelf] = {}
        self._lock = threading.Lock()

    def shelves(self) -> list[Shelf]:
        """All studies that are served, by name; runs of no study behind them."""
        with self._lock:
            studies = self._studies()
            found = [*studies, *self._loose(studies)]
            self._shelves = {shelf.name: shelf for shelf in found}
            return found

    def shelf(self, name: str) -> Shelf:
        """A study by its name.

        Raises:
            Refusal: there is none.
        """
        known = self._shelves
        if name not in known:
            self.shelves()
            known = self._shelves
        if name not in known:
            hint = did_you_mean(name[:80], known) if known else "none is served"
            raise Refusal(404, f"there is no study {name[:80]!r}; {hint}")
        return known[name]

    def hashes(self) -> tuple[str, ...]:
        """Runs that are served and there, sorted."""
        if self.wanted.everything:
            return self.store.hashes()
        named: set[str] = set()
        for shelf in self.shelves():
            with contextlib.suppress(Refusal):
                shelf.images()  # which is what tells a study's hashes
            named.update(shelf.hashes())
        return tuple(sorted(hash for hash in named if self.store.has(hash)))

    def run(self, name: str) -> Run:
        """A run by the beginning of its hash.

        Raises:
            Refusal: there is none, several, or a damaged one.
        """
        return self.record(self.hash(name))

    def hash(self, name: str) -> str:
        """The whole hash of a run.

        Raises:
            Refusal: not the beginning of a hash, no run's, or that of several.
        """
        if not HASH.fullmatch(name):
            raise Refusal(
                404, f"{name[:80]!r} is not the beginning of a run's hash (4 to 20 digits 0-9, a-f)"
            )
        if len(name) == 20 and self.wanted.everything and self.store.has(name):
            return name
        found = [hash for hash in self.hashes() if hash.startswith(name)]
        if len(found) != 1:
            begin = "no run begins" if not found else f"{len(found)} runs begin"
            raise Refusal(404, f"{begin} with {name!r}; /api/runs lists them")
        return found[0]

    def record(self, hash: str) -> Run:
        """A run's record, which never changes.

        Raises:
            Refusal: it is gone or damaged.
        """
        try:
            return self._records.get(hash, lambda: self.store.read(hash))
        except StoreError as error:
            raise Refusal(409 if self.store.has(hash) else 404, str(error)) from None

    def studies_of(self, hash: str) -> list[str]:
        """Names of the studies that a run is part of, of those that were looked at."""
        return [shelf.name for shelf in self._shelves.values() if hash in shelf.hashes()]

    def _studies(self) -> list[Planned]:
        paths: Sequence[Path] = self.wanted.studies
        folder = self.store.root / PROGRESS
        if self.wanted.everything:
            # A study that runs has no report yet, or an older one.
            paths = [*sorted(folder.glob("*.toml")), *sorted(self.reports.glob("*/study.toml"))]
        found: list[Planned] = []
        for path in paths:
            state = _state(path)
            known = next(
                (s for s in self._shelves.values() if isinstance(s, Planned) and s.path == path), None
            )
            if known is not None and known.state == state:
                found.append(known)
                continue
            try:
                found.append(Planned(self.store, path, state))
            except HandlensError:
                continue  # not served; `handlens report` says what is wrong with it
        # What was seen running stays until its report is written: its readers are still there.
        planned = [s for s in self._shelves.values() if isinstance(s, Planned)]
        ended = [s for s in planned if s.path.parent == folder and s.path not in paths]
        return sorted(_unique([*found, *ended]), key=lambda shelf: shelf.name)

    def _loose(self, studies: Sequence[Planned]) -> list[Shelf]:
        """The runs that were named, or that belong to no study, as a study for each data set."""
        if self.wanted.everything:
            hashes = sorted(set(self.store.hashes()) - _reported(self.reports) - _planned(studies))
        else:
            hashes = list(self.wanted.runs)
        groups: dict[tuple[str, ...], list[Run]] = {}
        for hash in hashes:
            try:
                run = self.record(hash)
            except Refusal:
                continue
            groups.setdefault((run.dataset, run.trial.data, str(run.trial.split)), []).append(run)
        made: list[Shelf] = []
        for (dataset, digest, _), runs in sorted(groups.items()):
            runs = sorted(runs, key=lambda run: run.created)[-MOST_LOOSE:]
            names = tuple(sorted(run.trial.hash for run in runs))
            name = re.sub(r"[^\w .-]+", "-", f"runs of {dataset}")[:60]
            if any(other.name == name for other in made):
                name = f"{name} {digest[:6]}"
            known = self._shelves.get(name)
            same = isinstance(known, Loose) and known.hashes() == names
            made.append(known if same and known else Loose(self.store, name, dataset, digest, names))
        return made


def _planned(studies: Sequence[Planned]) -> set[str]:
    """Hashes of the studies whose runs no table of a report names yet."""
    for shelf in studies:
        if not shelf.path.with_name("table.json").is_file():
            with contextlib.suppress(Refusal):
                shelf.images()
    return {hash for shelf in studies for hash in shelf.hashes()}


def _unique(shelves: Sequence[Planned]) -> list[Planned]:
    """The first of each name."""
    return list({shelf.name: shelf for shelf in reversed(shelves)}.values())[::-1]


def _state(path: Path) -> tuple[int, int]:
    """What changes with a file."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _reported(reports: Path) -> set[str]:
    """Hashes of all runs that the tables of reports name."""
    found: set[str] = set()
    for path in reports.glob("*/table.json"):
        try:
            models = json.loads(path.read_text(encoding="utf-8"))["models"]
            found.update(str(hash) for model in models for hash in model["runs"])
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            continue
    return found
