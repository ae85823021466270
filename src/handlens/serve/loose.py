"""Runs of one data set that belong to no study, served as one."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from handlens.data import Dataset
from handlens.errors import HandlensError, StoreError
from handlens.records import Split
from handlens.serve.refusal import Refusal
from handlens.serve.shelf import Gathered, Place
from handlens.studies.storage.gather import by_dataset
from handlens.studies.storage.result import Member, StudyResult
from handlens.studies.storage.store import Store
from handlens.studies.training.run import looks_at


class Loose:
    """Runs of one data set that belong to no study that is served."""

    kind = "runs"

    def __init__(self, store: Store, name: str, dataset: str, digest: str, hashes: tuple[str, ...]) -> None:
        """Args:
        digest: of the data set.
        """
        self.store, self.name, self.dataset = store, name, dataset
        self.title = f"Runs of {dataset}"
        self._digest, self._hashes = digest, hashes
        self._gathered = Gathered()

    def hashes(self) -> tuple[str, ...]:
        return self._hashes

    @property
    def split(self) -> Split:
        return self.store.read(self._hashes[0]).trial.split

    def trials(self) -> int | None:
        return len(self._hashes)

    def done(self) -> int:
        return sum(self.store.has(hash) for hash in self._hashes)

    def place(self, hash: str) -> Place | None:
        if hash not in self._hashes:
            return None
        run = self.store.read(hash)
        return Place(run.name, run.trial.seed + 1, run.epochs or 0)

    def images(self) -> Dataset:
        return self._images

    @cached_property
    def _images(self) -> Dataset:
        from handlens.data import catalogue, load

        if self.dataset not in catalogue():
            raise Refusal(
                404, f"where the images of {self.dataset!r} lie is not known; serve a study of them"
            )
        try:
            data = load(self.dataset, progress=False)
        except HandlensError as error:
            raise Refusal(409, str(error)) from None
        if data.digest != self._digest:
            raise Refusal(404, f"these runs were trained on other images than {self.dataset!r} has now")
        return data

    def result(self) -> StudyResult | None:
        there = [hash for hash in self._hashes if self.store.has(hash)]
        key = frozenset((hash, self.store.opened(hash)) for hash in there)
        return self._gathered.get(key, lambda: self._gather(there)) if there else None

    def _gather(self, there: list[str]) -> StudyResult | None:
        damaged: list[StoreError] = []
        found = by_dataset(self.store, there, on_damage=damaged.append)
        if not found:
            return None
        members = tuple(_filled(member, self.store) for member in found[0].members)
        failures = tuple(str(error) for error in damaged)
        looks = looks_at(members, self.store)
        return replace(
            found[0], name=self.name, title=self.title, members=members, failures=failures, looks=looks
        )


def _filled(member: Member, store: Store) -> Member:
    """The member with its predictions, and what it said about test images if all its runs have seen them."""
    hashes = [run.trial.hash for run in member.runs]
    opened = all(store.opened(hash) for hash in hashes)
    return replace(
        member,
        predictions=tuple(store.predictions(hash) for hash in hashes),
        tests=tuple(store.tested(hash) for hash in hashes) if opened else (),
    )
