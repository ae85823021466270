"""How long the trials that are missing will take, from short trials measured here and now."""

from __future__ import annotations

import dataclasses
import re
import statistics
import time
import warnings
from collections.abc import Sequence

from handlens.data import Dataset, split
from handlens.errors import HandlensError
from handlens.spec import EstimatorRecipe, Recipe, to_dict
from handlens.studies.planning.plan import Planned, Study
from handlens.studies.planning.short import Short, Timing, measure

Groups = dict[str, list[Planned]]  # trials that take equally long but for their epochs
Timings = dict[str, Timing | HandlensError]  # by the same keys
NUMBER = re.compile(r"\b\d+(\.\d+)?(e[-+]?\d+)?\b")


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Short trials of one configuration, and what they say about trials like it.

    Attributes:
        family, configuration: which recipe of the study was measured, with which values.
        trials: how many of the missing trials are like it.
        images: training images of the longest short trial; a network saw them in every epoch.
        measured_s: seconds that its training takes, of a network for one epoch.
        trial_s: seconds that a whole trial is expected to take, the mean of those like it; None where none
            could be measured.
        problem: why not.
    """

    family: str
    configuration: str
    trials: int
    images: int
    measured_s: float
    trial_s: float | None
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Seconds of wall clock for `trials` trials by so many `workers`, and what was measured for it.

    `measuring_s`: seconds that the measuring took. Early stopping is not foreseen: a network is expected to
    train all its epochs. Trials whose kind could not be measured are left out of `seconds`.
    """

    seconds: float
    trials: int
    workers: int
    measuring_s: float
    measurements: tuple[Measurement, ...]


def estimate(
    study: Study, dataset: Dataset, missing: Sequence[Planned], workers: int = 1, *, seconds: float = 8.0
) -> Estimate:
    """How long the missing trials of a study will take.

    Recipes that differ only in what costs no time (epochs, learning rates, penalties) are measured once, on
    few stratified training images. Of a network some epochs are trained, and the median one tells what an
    image costs; of a scikit-learn estimator two sizes are fitted, for its time may grow as a power of the
    images. Where workers share the machine, each has one thread, and so has the measuring.

    Args:
        missing: of `plan(study, dataset)`, those to train.
        workers: how many trials run at a time.
        seconds: roughly how long the measuring may take; every recipe is measured at least once.
    """
    begin = time.perf_counter()
    parts = split(dataset.train.labels, study.split.validation, study.split.seed)
    validation = len(parts.validation) / len(parts.train)
    workers = max(1, min(workers, len(missing)))
    fit = Short(dataset.train, validation, threads=None if workers == 1 else 1)
    groups = _groups(missing)
    timings = _measured(groups, fit, seconds)
    measuring = time.perf_counter() - begin
    size, tested = len(parts.train), _tested(study, missing, len(dataset.test))
    expected: list[float] = []
    said = []
    for kind, items in groups.items():
        found = timings.get(kind) or _like(items[0].family, groups, timings)
        times = [_trial_s(found, item, size, len(parts.validation) + tested) for item in items]
        expected += [t for t in times if t is not None]
        said.append(_measurement(items, timings.get(kind), times))
    wall = max(sum(expected) / workers, max(expected, default=0.0))
    return Estimate(wall, len(missing), workers, measuring, tuple(said))


def _measured(groups: Groups, fit: Short, seconds: float) -> Timings:
    """What was measured of each group, as long as there is time; of each family's first one in any case."""
    end = time.perf_counter() + seconds
    timings: Timings = {}
    families: set[str] = set()
    for left, (kind, items) in zip(range(len(groups), 0, -1), groups.items(), strict=True):
        time_left = end - time.perf_counter()
        if time_left <= 0 and items[0].family in families:
            continue
        families.add(items[0].family)
        with warnings.catch_warnings(action="ignore"):  # the whole trial will say them
            try:
                timings[kind] = measure(items[0].recipe, fit, max(time_left / left, 0.05))
            except HandlensError as error:
                timings[kind] = error
    return timings


def _groups(missing: Sequence[Planned]) -> Groups:
    """The groups of trials, each family's first one before any second one."""
    groups: Groups = {}
    for item in missing:
        groups.setdefault(f"{item.family} {_cost(item.recipe)}", []).append(item)
    seen: dict[str, int] = {}
    ranks = {}
    for kind, items in groups.items():
        ranks[kind] = seen[items[0].family] = seen.get(items[0].family, -1) + 1
    return {kind: groups[kind] for kind in sorted(groups, key=ranks.__getitem__)}


def _cost(recipe: Recipe) -> str:
    """What of a recipe decides how long an epoch takes: of a network, all but the sizes of its fractions."""
    plain = to_dict(recipe)
    if isinstance(recipe, EstimatorRecipe):
        return repr(plain)
    same = {
        key: value for key, value in plain.items() if key not in ("epochs", "patience", "keep", "monitor")
    }
    return NUMBER.sub(_blank, repr(same))


def _blank(number: re.Match[str]) -> str:
    text = number[0]
    return text if text.isdigit() or float(text) == 0 else "x"  # 0 may mean that nothing is done


def _like(family: str, groups: Groups, timings: Timings) -> Timing | None:
    """What was measured of another configuration of the family."""
    found = (timings.get(kind) for kind, items in groups.items() if items[0].family == family)
    return next((timing for timing in found if isinstance(timing, Timing)), None)


def _tested(study: Study, missing: Sequence[Planned], images: int) -> float:
    """Test images that a trial predicts, on average: all, or those of one configuration of each recipe."""
    configurations = len({item.name for item in missing})
    families = len({item.family for item in missing})
    return images if study.test == "all" else images * families / max(configurations, 1)


def _trial_s(
    found: Timing | HandlensError | None, item: Planned, size: int, predicted: float
) -> float | None:
    return found.trial(item.recipe, size, predicted) if isinstance(found, Timing) else None


def _measurement(
    items: Sequence[Planned], found: Timing | HandlensError | None, times: Sequence[float | None]
) -> Measurement:
    known = [t for t in times if t is not None]
    done = found if isinstance(found, Timing) else None
    return Measurement(
        family=items[0].family,
        configuration=items[0].name,
        trials=len(items),
        images=done.images if done else 0,
        measured_s=done.measured_s if done else 0.0,
        trial_s=statistics.fmean(known) if known else None,
        problem=str(found) if isinstance(found, HandlensError) else "",
    )
