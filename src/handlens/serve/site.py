"""What all parts of the API share: the library, the models in memory, who has more to say about a study."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from handlens.data import Dataset
from handlens.report.topic import Topic
from handlens.report.topics.study import study_topics
from handlens.serve.desks import Desks
from handlens.serve.library import Library
from handlens.serve.refusal import Refusal
from handlens.serve.shelf import Shelf
from handlens.studies.storage.result import Member, StudyResult
from handlens.studies.storage.store import Store

MOMENT = 2.0  # seconds
MOST_KEPT = 16  # things made of one result
MakeTopics = Callable[[StudyResult, Dataset, Store], Sequence[Topic]]


@dataclass(frozen=True, eq=False)
class Site:
    """What is served.

    Attributes:
        make_topics: what there is to say about a study besides its report.
    """

    library: Library
    desks: Desks
    make_topics: MakeTopics = study_topics
    _made: weakref.WeakKeyDictionary[StudyResult, dict[object, dict[str, Any]]] = field(
        default_factory=weakref.WeakKeyDictionary
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _models: dict[str | None, tuple[float, list[str] | None]] = field(default_factory=dict)

    def recall(self, study: str | None, hashes: list[str]) -> None:
        """Keep for a moment which models answer for a study: many pictures are asked about in a row."""
        self._models[study] = time.monotonic(), hashes

    def recalled(self, study: str | None) -> list[str] | None:
        """The hashes that were kept a moment ago."""
        when, hashes = self._models.get(study, (0.0, None))
        return hashes if time.monotonic() - when < MOMENT else None

    def result(self, study: str) -> tuple[Shelf, StudyResult]:
        """A study with its result.

        Raises:
            Refusal: no such study, or no run of it is there.
        """
        shelf = self.library.shelf(study)
        result = shelf.result()
        if result is None:
            raise Refusal(409, f"the study {study!r} has no finished run yet")
        return shelf, result

    def once(self, result: StudyResult, key: object, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What is made of a result, kept as long as the result is the study's; charts take their time."""
        with self._lock:  # whoever asks too waits for the same
            kept = self._made.setdefault(result, {})
            if key not in kept:
                if len(kept) >= MOST_KEPT:
                    kept.pop(next(iter(kept)))
                kept[key] = make()
            return kept[key]


def member(result: StudyResult, model: str | None) -> Member:
    """A configuration by its name; the best one unless given.

    Raises:
        Refusal: there is none.
    """
    if model is None:
        return result.chosen
    found = next((m for m in result.members if m.name == model), None)
    if found is None:
        raise Refusal(
            404, f"no configuration is called {model[:80]!r}; /api/studies/{result.name} lists them"
        )
    return found
