"""How long what is missing of a lab will take, by short trials of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from handlens.labs.chain import planned_chains
from handlens.labs.published import Lab
from handlens.labs.run import Asked, opened
from handlens.studies.planning.estimate import estimate
from handlens.studies.planning.plan import Planned, plan

KERAS_S, OTHER_S = 10.0, 3.0  # of measuring a recipe


@dataclass(frozen=True)
class Expected:
    """Of one study: its trials with chains, those to train, and their seconds; `absent`: why none can be."""

    study: str
    trials: int
    missing: int
    seconds: float
    absent: str = ""


def expected(lab: Lab, how: Asked, workers: int) -> tuple[Expected, ...]:
    """The time of each study of a lab; chains go link by link, all else `workers` at a time."""
    return tuple(_expected(lab, name, how, workers) for name in lab.studies)


def _expected(lab: Lab, name: str, how: Asked, workers: int) -> Expected:
    part = opened(lab, name, how)
    if part.dataset is None:
        return Expected(name, 0, 0, 0.0, part.absent)
    every = dataclasses.replace(part.used, test="all")
    links = [link for chain in planned_chains(name, part.used, part.dataset) for link in chain[1:]]
    planned = plan(part.used, part.dataset)
    missing, more = ([p for p in kind if not how.store.has(p.trial.hash)] for kind in (planned, links))
    measured = [p for p in planned if p in missing or any(p.recipe == link.recipe for link in more)]
    if not measured:
        return Expected(name, len(planned) + len(links), 0, 0.0)
    found = estimate(every, part.dataset, measured, workers, seconds=_budget(measured))
    a_trial = {m.family: m.trial_s or 0.0 for m in found.measurements}
    alone = [a_trial.get(p.family, 0.0) for p in missing]
    seconds = max([sum(alone) / workers, *alone]) + sum(a_trial.get(link.recipe.name, 0.0) for link in more)
    return Expected(name, len(planned) + len(links), len(missing) + len(more), seconds)


def _budget(planned: Sequence[Planned]) -> float:
    """Seconds of measuring: Keras compiles before each of its short trials."""
    engines = {p.family: p.recipe.engine for p in planned}
    return sum(KERAS_S if engine == "keras" else OTHER_S for engine in engines.values())
