"""What became of one trial of a search, as a plain record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handlens.studies.search.space import named
from handlens.studies.search.wanted import Search

if TYPE_CHECKING:
    import optuna


@dataclasses.dataclass(frozen=True)
class Tried:
    """A finished trial of a search.

    Attributes:
        number: counted from 1.
        name: of the configuration.
        values: what the recipe's fields were, by key.
        state: `done`, `pruned` or `failed`.
        score: the validation score, larger is better; of a pruned trial its last epoch's.
        epochs: those that were scored; 0 for a classical model.
        seconds: of this trial in this search; next to none where the store had it.
        repeated: whether an earlier trial of this search was the same.
        run: the name of its run folder; empty if not done.
        error: why it failed.
    """

    number: int
    name: str
    values: Mapping[str, Any]
    state: str
    score: float | None
    epochs: int
    seconds: float
    repeated: bool
    run: str
    error: str


def tried_of(trial: optuna.trial.FrozenTrial, wanted: Search) -> Tried:
    """A finished trial as a plain record."""
    drawn = {key: axis.value(trial.params[key]) for key, axis in wanted.space.items()}
    error = trial.user_attrs.get("error", "")
    done = trial.state.name == "COMPLETE"
    return Tried(
        number=trial.number + 1,
        name=named(wanted.recipe, drawn),
        values=drawn,
        state="done" if done else "failed" if error else "pruned",
        score=None if error else trial.value,
        epochs=len(trial.intermediate_values),
        seconds=trial.user_attrs.get("seconds", 0.0),
        repeated=trial.user_attrs.get("repeated", False),
        run=trial.user_attrs.get("trial", "") if done else "",
        error=error,
    )
