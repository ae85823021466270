"""What more training images would bring, in words, a chart and a table."""

from __future__ import annotations

import dataclasses
from statistics import fmean
from typing import Any

from handlens.evaluate import Interval, accuracy_interval
from handlens.evaluate.compare import difference
from handlens.evaluate.power_law import PowerLaw, fit_power_law
from handlens.report import formats
from handlens.report.charts.figure import recipe_colours
from handlens.report.charts.sizes import size_figure
from handlens.report.summary import PERCENT
from handlens.report.topic import Table, Topic
from handlens.studies.judging.learning_curve import Learned, LearningCurves


@dataclasses.dataclass(frozen=True, eq=False)
class _Told:
    """A configuration, its errors with intervals, the last step's gain, and the law where two sizes
    differ."""

    learned: Learned
    errors: tuple[Interval, ...]
    last: Interval | None
    law: PowerLaw | None


def learning_curve(found: LearningCurves) -> Topic:
    """The errors by size of every configuration, and what ten times as many images would do as far as it can
    be told."""
    told = [_tell(learned) for learned in found.curves]
    names = [each.learned.name for each in told]
    drawn = [
        (t.learned.name, t.learned.sizes, t.errors, t.law if t.law is not None and t.law.supported else None)
        for t in told
    ]
    return Topic(
        "learning-curve",
        "What more training images bring",
        (*(words(each) for each in told), _how(found), *found.failures),
        tables=tuple(_table(each) for each in told),
        figures=(size_figure(drawn),) if drawn else (),
        colours=tuple(recipe_colours(names).items()),
        plain=_plain(found, told),
    )


def _tell(learned: Learned) -> _Told:
    errors = tuple(_error(accuracy_interval(right)) for right in learned.right)
    if len(learned.sizes) < 2:
        return _Told(learned, errors, None, None)
    last = difference(learned.right[-1], learned.right[-2]).interval()
    return _Told(learned, errors, last, fit_power_law(learned.sizes, learned.right))


def _error(accuracy: Interval) -> Interval:
    return Interval(1 - accuracy.mean, 1 - accuracy.high, 1 - accuracy.low)


def words(told: _Told) -> str:
    """How the error fell, and what would come next."""
    learned, errors = told.learned, told.errors
    if told.last is None or told.law is None:
        return f"{learned.name}: one size alone, {_with(told, 0)}; a curve needs several."
    first, final = _percent(errors[0].mean), _percent(errors[-1].mean)
    fell = "fell" if errors[-1].mean < errors[0].mean else "did not fall:"
    start, end = (formats.whole(int(learned.sizes[i])) for i in (0, -1))
    said = (
        f"{learned.name}: the error {fell} from {first} with {start} training images to {final} with {end}."
    )
    return f"{said} {_last(told)} {_next(told.law, errors[-1])}"


def _with(told: _Told, i: int) -> str:
    return f"{_percent(told.errors[i].mean)} with {formats.whole(int(told.learned.sizes[i]))} training images"


def _last(told: _Told) -> str:
    """What the last step up brought."""
    assert told.last is not None
    i, times = told.last, told.learned.sizes[-1] / told.learned.sizes[-2]
    step = "The last doubling" if abs(times - 2) < 0.05 else "The last step"
    ends = f"95{PERCENT} interval {_points(i.low)} to {_points(i.high)}"
    if i.low > 0:
        return f"{step} took {_points(i.mean)} points off ({ends})."
    if i.high < 0:
        return f"{step} added {_points(-i.mean)} points of error ({ends} taken off)."
    return f"{step} changed it by no more than noise ({_points(i.mean)} points off, {ends})."


def _next(law: PowerLaw, now: Interval) -> str:
    if not law.supported:
        return f"What ten times as many images would do cannot be told: {law.reason}."
    more = f"{_percent(law.more.mean)} (95{PERCENT} interval {formats.spread(law.more)})"
    return (
        f"Ten times as many images would lower the error from {_percent(now.mean)} to about {more}, if it "
        f"goes on to follow the law that fits these sizes, {law.a:.4f} + {law.b:.3g} "
        f"n^\N{MINUS SIGN}{law.c:.2f}."
    )


def _how(found: LearningCurves) -> str:
    seeds = formats.plural(found.replicates, "replicate")
    over = "images and seeds" if found.replicates > 1 else "images alone, not over seeds"
    return (
        "Every size lies within the next larger one and was drawn once, stratified by class, so another draw "
        f"of a small one might move its point further than its interval shows. Each size has {seeds} with "
        f"the same seeds and is judged by the same {formats.whole(found.validation)} validation images; "
        f"intervals are over {over}. The test images were not opened."
    )


def _table(told: _Told) -> Table:
    digits = formats.percent_digits(told.errors)
    times = formats.column([fmean(r.timings.fit_wall_s for r in runs) for runs in told.learned.runs])
    rows = tuple(
        (formats.whole(int(n)), formats.percent(e.mean, digits), formats.spread(e, digits), seconds)
        for n, e, seconds in zip(told.learned.sizes, told.errors, times, strict=True)
    )
    columns = ("Training images", "Error, %", f"95{PERCENT} interval", "Training, s")
    return Table(told.learned.name, columns, rows, frozenset({1, 2, 3}))


def _percent(share: float) -> str:
    return f"{formats.percent(share)}{PERCENT}"


def _points(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", "\N{MINUS SIGN}")


def _plain(found: LearningCurves, told: list[_Told]) -> dict[str, Any]:
    return {
        "study": found.study,
        "dataset": found.dataset,
        "training_images": found.total,
        "validation_images": found.validation,
        "replicates": found.replicates,
        "test_images_opened": False,
        "recipes": [
            {
                "recipe": each.learned.name,
                "sizes": [
                    {"images": int(n), "error": dataclasses.asdict(e), "runs": [r.trial.hash for r in runs]}
                    for n, e, runs in zip(each.learned.sizes, each.errors, each.learned.runs, strict=True)
                ],
                "last_gain": each.last and dataclasses.asdict(each.last),
                "power_law": each.law and dataclasses.asdict(each.law),
                "words": words(each),
            }
            for each in told
        ],
        "failures": list(found.failures),
    }
