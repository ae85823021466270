"""A search: Optuna proposes configurations of one recipe, each a trial like any other, within a budget.

Validation images alone decide; the search never opens test images. Each trial's proposal is a function of the
search's seed, the trial's number and the trials before it, so a search that is broken off and taken up again
goes on as if nothing had happened.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from handlens.data import Dataset
from handlens.errors import SpecError
from handlens.spec import Recipe
from handlens.studies.planning.plan import Study
from handlens.studies.planning.toml import to_toml
from handlens.studies.search import methods
from handlens.studies.search.attempts import Session
from handlens.studies.search.space import size
from handlens.studies.search.storage import beside, calm, opened, reachable, shown
from handlens.studies.search.tried import Tried
from handlens.studies.search.wanted import Search, read_search, search_table
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import at_work
from handlens.studies.training.interrupt import heeded
from handlens.studies.training.jobs import OnEvent, ignore_event

__all__ = ["Search", "Searched", "Tried", "read_search", "search", "search_table"]

LULL = 100  # trials in a row that are all repetitions


@dataclasses.dataclass(frozen=True)
class Searched:
    """What a search has found so far.

    Attributes:
        monitor: the validation score that was maximised: accuracy, macro_f1, or loss (its negative).
        tried: every finished trial, the best first; pruned and failed ones follow.
        best: the best recipe, called `<recipe>-tuned`; None if no trial was finished.
        stopped: why no further trial was begun.
        storage: where the search is kept, without a password.
    """

    study: str
    monitor: str
    tried: tuple[Tried, ...]
    best: Recipe | None
    stopped: str
    storage: str

    def toml(self, study: Study) -> str:
        """The best recipe as the `[[recipe]]` of a study's file; empty if there is none."""
        if self.best is None:
            return ""
        text = to_toml(dataclasses.replace(study, recipes=(self.best,), sweep=()))
        return text[text.index("[[recipe]]") :]


def search(
    study: Study,
    wanted: Search,
    dataset: Dataset,
    store: Store,
    *,
    command: str = "",
    on_event: OnEvent = ignore_event,
    on_tried: Callable[[Tried], None] = lambda tried: None,
) -> Searched:
    """Try configurations until the budget is spent; every finished one is a run of the store.

    A configuration that the store has is not trained again. One that is pruned or cannot be trained leaves
    no run. Several processes may search at once with one storage; then their trials depend on who is first.

    Args:
        on_event: is told as by `run_study`, and of one more kind: `pruned`.

    Raises:
        HandlensError: the storage or the store cannot be used, or no trial at all could be trained.
        MissingExtra: Optuna is not installed.
    """
    methods.optuna()  # refused here, before anything is written
    url = wanted.storage or beside(study, store)
    with calm(), reachable(url), opened(url) as storage, at_work(store, clear=True), heeded(on_event) as tell:
        session = Session.begin(study, wanted, dataset, store, storage, command, tell)
        while not (stopped := _stopped(session, wanted)):
            on_tried(session.attempt())
        tried = session.tried()
    if all(t.error for t in tried):
        raise SpecError(f"no trial could be trained: {tried[0].error}", where=f"search {study.name!r}")
    best = session.recipe_of(tried[0]) if tried[0].state == "done" else None
    if best is not None:
        best = dataclasses.replace(best, name=f"{best.name[:74]}-tuned")
    return Searched(study.name, session.monitor, tried, best, stopped, shown(url))


def _stopped(session: Session, wanted: Search) -> str:
    """Why no further trial is begun; empty while there is no reason."""
    begun, seconds = session.spent()
    tried = session.tried()
    if len({str(t.values) for t in tried}) >= size(wanted.space):
        return "every configuration was tried"
    if wanted.trials is not None and begun >= wanted.trials:
        return f"the budget of {wanted.trials:,} trials is spent"
    if wanted.minutes is not None and seconds >= 60 * wanted.minutes:
        return f"the budget of {wanted.minutes:g} minutes is spent"
    latest = sorted(tried, key=lambda t: t.number)[-LULL:]
    if len(latest) == LULL and all(t.repeated for t in latest):
        return f"the last {LULL} trials were all repetitions"
    return ""
