"""The lines of a lab's table: what was printed beside what was obtained, and what may be said of the two."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from handlens.evaluate import Interval, accuracy_interval
from handlens.labs.chain import CONTINUED
from handlens.labs.published import Metric, Row, published
from handlens.labs.run import Found, Part
from handlens.labs.variants import KERAS, twin_name
from handlens.labs.verdicts import Figure, Verdict, deviation, interval, verdict
from handlens.spec import NetworkRecipe, Recipe
from handlens.studies.planning.plan import configurations
from handlens.studies.storage.result import Member, correct
from handlens.studies.storage.store import Store

ABSENT = "not run: data absent"
NO_KERAS = "not run: Keras is not installed"
LEFT_OUT = "quick run: not trained by Keras"
FAILED = "not obtained: its trainings failed"
ENGINES = {"scratch": "from scratch", "keras": "Keras", "classic": "scikit-learn"}


@dataclass(frozen=True)
class Line:
    """A printed figure and one engine's answer to it.

    Attributes:
        name: of the configuration; `start`: `continued` or `fresh` weights, where the lab went on.
        obtained: mean and 95 % interval of the row's metric over the replicates; None: not obtained.
        replicates: of how many trainings; `deviation` over them (of the sample).
        said: the verdict, or why there is none.
        parameters: trained numbers of our network.
        wall_s, cpu_s: mean seconds of a training, on `device`; `elsewhere`: of the same trainings on others.
        notes: what differs from the lab, and what was cut down.
    """

    lab: str
    study: str
    row: Row
    name: str
    engine: str
    start: str = ""
    obtained: Interval | None = None
    replicates: int = 0
    deviation: float | None = None
    said: str = ""
    verdict: Verdict | None = None
    parameters: int | None = None
    wall_s: float | None = None
    cpu_s: float | None = None
    device: str = ""
    elsewhere: tuple[tuple[float, str], ...] = ()
    notes: tuple[str, ...] = ()


def lines(found: Found) -> tuple[Line, ...]:
    """Every row of a lab, by every engine that it is for, from the weights of the lab and from fresh ones."""
    return tuple(
        line
        for part in found.parts
        for row in published().of_study(part.name)
        for line in _of(row, part, found)
    )


def _of(row: Row, part: Part, found: Found) -> Iterator[Line]:
    recipe = next(c.recipe for c in configurations(part.study) if c.name == row.recipe)
    engines = ["scratch"] if isinstance(recipe, NetworkRecipe) else ["classic"]
    if isinstance(recipe, NetworkRecipe) and found.lab.by_keras(part.name):
        engines.append("keras")
    for start in ("continued", "fresh") if row.continued else ("",):
        for engine in engines:
            name = twin_name(row.recipe, part.study) if engine == "keras" else row.recipe
            line = Line(found.lab.name, part.name, row, name, ENGINES[engine], start)
            yield _filled(line, part, recipe)


def _filled(line: Line, part: Part, recipe: Recipe) -> Line:
    notes = (line.row.note, *cut_down(part, recipe))
    line = dataclasses.replace(line, notes=tuple(filter(None, notes)))
    member = part.member(line.name + (CONTINUED if line.start == "continued" else ""))
    if member is None or not member.tests:
        return dataclasses.replace(line, said=_why_not(line, part))
    values = values_of(member, line.row.metric)
    obtained = interval_of(member, line.row.metric)
    spread = deviation(values)
    times = member.row()
    judged = _judged(line.row, obtained, len(values), spread, part)
    kept = judged if isinstance(judged, Verdict) else None
    return dataclasses.replace(
        line,
        obtained=obtained,
        replicates=len(values),
        deviation=spread,
        said=kept.words if kept else str(judged),
        verdict=kept,
        parameters=times.parameters,
        wall_s=times.fit_wall_s,
        cpu_s=times.fit_cpu_s,
        device=times.device,
        elsewhere=_elsewhere(member, part.times),
    )


def _elsewhere(member: Member, store: Store | None) -> tuple[tuple[float, str], ...]:
    """Mean seconds and device of the member's trials on another machine."""
    if store is None:
        return ()
    hashes = [run.trial.hash for run in member.runs]
    timings = [store.read(hash).timings for hash in hashes if store.has(hash)]
    if not timings:
        return ()
    return ((statistics.fmean(t.fit_wall_s for t in timings), timings[0].device),)


def _why_not(line: Line, part: Part) -> str:
    if part.absent:
        return ABSENT
    if line.name not in set(_configured(part)) and KERAS in line.name:
        return NO_KERAS if part.no_keras else LEFT_OUT
    return FAILED


def _configured(part: Part) -> Iterator[str]:
    return (configuration.name for configuration in configurations(part.used))


def _judged(row: Row, obtained: Interval, replicates: int, spread: float | None, part: Part) -> Verdict | str:
    """The verdict, or why there is none."""
    if part.quick:
        return "quick run: not judged"
    if part.sample:
        return "sample: not judged"
    if row.value is None:
        return "none printed"
    if row.hint:
        return "a hint: not judged"
    if row.metric == "loss":
        return "a loss: not judged"
    images = published().images[part.name][1]
    value, against = row.value, obtained
    if row.metric == "error":
        value, against = 1 - value, flipped(obtained)
    return verdict(Figure(value, images, row.runs, row.deviation), against, replicates, spread)


def cut_down(part: Part, recipe: Recipe) -> tuple[str, ...]:
    """What of the lab's settings was not kept, in words."""
    if part.absent:
        return ()
    said = [part.sample] if part.sample else []
    if part.quick:
        epochs = getattr(recipe, "epochs", None)
        cut = f"{min(epochs, part.quick.epochs)} of {epochs} epochs, " if epochs else ""
        count = f"{part.used.replicates} of {part.study.replicates} replicates"
        images = len(part.dataset.train) if part.dataset else 0
        whole = published().images[part.name][0]
        said.append(f"quick: {cut}{count}, {images:,} of {whole:,} training images")
    return tuple(said)


def values_of(member: Member, metric: Metric) -> list[float]:
    """The metric on test images, of each replicate."""
    scores = [tested.look.scores for tested in member.tests]
    if metric == "accuracy":
        return [s.accuracy for s in scores]
    if metric == "error":
        return [1 - s.accuracy for s in scores]
    return [s.macro_f1 if metric == "macro F1" else s.log_loss for s in scores]


def interval_of(member: Member, metric: Metric) -> Interval:
    """Mean and 95 % interval of the metric on test images.

    Of accuracies over seeds and images; of F1 likewise, as if it were a share; of a loss over seeds alone.
    """
    if metric in ("accuracy", "error"):
        found = accuracy_interval(correct([t.probabilities for t in member.tests], member.tests[0].labels))
        return flipped(found) if metric == "error" else found
    images = len(member.tests[0].labels) if metric == "macro F1" else None
    return interval(values_of(member, metric), images)


def flipped(found: Interval) -> Interval:
    """The interval of an error from that of its accuracy, and back."""
    return Interval(1 - found.mean, 1 - found.high, 1 - found.low)
