"""One study as it is served: what it plans, the runs of it that are there, its result, its images."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from handlens.data import Dataset
from handlens.errors import HandlensError, StoreError
from handlens.records import Split
from handlens.serve.refusal import Refusal
from handlens.studies.planning import plan as planning
from handlens.studies.storage.result import StudyResult
from handlens.studies.storage.store import Store
from handlens.studies.training.run import gather


@dataclass(frozen=True)
class Place:
    """Where a run stands in its study."""

    model: str
    replicate: int
    epochs: int


class Shelf(Protocol):
    """A study, or runs of one data set that belong to none."""

    store: Store

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str:
        """`study` or `runs`."""
        ...

    @property
    def title(self) -> str: ...

    @property
    def dataset(self) -> str:
        """The name of its data set."""
        ...

    def hashes(self) -> tuple[str, ...]:
        """Of all its runs, there or not; empty until a study's data set was looked at."""
        ...

    def trials(self) -> int | None:
        """How many runs it is to have; None until its data set was looked at."""
        ...

    def done(self) -> int:
        """How many of them are there."""
        ...

    def place(self, hash: str) -> Place | None:
        """Where a run stands in it; None if it is not of this study."""
        ...

    @property
    def split(self) -> Split:
        """How its validation images were set apart."""
        ...

    def images(self) -> Dataset:
        """Its data set.

        Raises:
            Refusal: it cannot be read.
        """
        ...

    def result(self) -> StudyResult | None:
        """Of the runs that are there; None where there are none.

        Raises:
            Refusal: its study cannot be planned, or no run of it can be read.
        """
        ...


class Gathered:
    """A result that is made again when its runs have changed; one thread makes it, others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: object = None
        self._result: StudyResult | None = None

    def get(self, key: object, make: Callable[[], StudyResult | None]) -> StudyResult | None:
        """What was made for the key, made now if the key is another one than before."""
        with self._lock:
            if key != self._key:
                self._result, self._key = make(), key
            return self._result


class Planned:
    """A study with a TOML file."""

    kind = "study"

    def __init__(self, store: Store, path: Path, state: object) -> None:
        """Read the study's file.

        Raises:
            HandlensError: it is no study.
        """
        self.store, self.path, self.state = store, path, state
        self.study = planning.read_study(path)
        self._lock, self._gathered = threading.Lock(), Gathered()
        self._data: Dataset | None = None
        self._places: dict[str, Place] = {}
        self._planned: tuple[planning.Planned, ...] = ()

    @property
    def name(self) -> str:
        return self.study.name

    @property
    def title(self) -> str:
        return self.study.title or self.study.name

    @property
    def dataset(self) -> str:
        return self._data.name if self._data else Path(self.study.dataset).name

    def hashes(self) -> tuple[str, ...]:
        return tuple(self._places)

    @property
    def split(self) -> Split:
        rule: Split = self.study.split
        return rule

    def trials(self) -> int | None:
        return len(self._places) or None

    def done(self) -> int:
        return sum(self.store.has(hash) for hash in self._places)

    def place(self, hash: str) -> Place | None:
        return self._places.get(hash)

    def images(self) -> Dataset:
        with self._lock:
            if self._data is None:
                self._data = self._read()
            return self._data

    def _read(self) -> Dataset:
        from handlens.data import load

        study = self.study
        try:
            data = load(study.dataset, study.reading, classes=study.classes, progress=False)
            self._planned = planning.plan(study, data)
        except HandlensError as error:
            raise Refusal(409, str(error)) from None
        self._places = {
            item.trial.hash: Place(item.name, item.replicate + 1, getattr(item.recipe, "epochs", 0))
            for item in self._planned
        }
        return data

    def result(self) -> StudyResult | None:
        self.images()
        there = [item for item in self._planned if self.store.has(item.trial.hash)]
        key = frozenset((i.trial.hash, self.store.opened(i.trial.hash)) for i in there)
        return self._gathered.get(key, lambda: self._gather(there)) if there else None

    def _gather(self, there: list[planning.Planned]) -> StudyResult | None:
        try:
            return gather(self.study, there, self.store)
        except StoreError:
            sound, failures = _sorted_out(there, self.store)
            return gather(self.study, sound, self.store, failures=failures) if sound else None


def _sorted_out(
    there: list[planning.Planned], store: Store
) -> tuple[list[planning.Planned], tuple[str, ...]]:
    """The trials whose runs can be read, and a line for each of the others."""
    sound, failures = [], []
    for item in there:
        hash = item.trial.hash
        try:
            store.read(hash), store.predictions(hash)
            if store.opened(hash):
                store.tested(hash)
            sound.append(item)
        except StoreError as error:
            failures.append(str(error))
    return sound, tuple(failures)
