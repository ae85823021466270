"""Over-fitting in words: when training should have stopped, and which gaps between its scores are real."""

from __future__ import annotations

import dataclasses
from statistics import fmean
from typing import Any

from handlens.evaluate import Interval, accuracy_interval
from handlens.evaluate.fitting import FEWEST, SMALL, Fitting, Gap, curves, gap, judge, training_interval
from handlens.records import Run
from handlens.report import formats
from handlens.report.selection import select
from handlens.report.summary import PERCENT
from handlens.report.topic import Table, Topic
from handlens.studies.storage.result import Member, StudyResult, correct

NOTE = (
    "Training accuracy is that of the forward passes of the last epoch, or of the one whose weights were "
    "kept: taken while the weights moved, under dropout and augmentation where the recipe has them, it lies "
    "below what the finished model would score on its training images, so a gap to it is rather larger than "
    "shown. Validation and test accuracy are the finished model's. The interval of a gap combines those of "
    "both accuracies, over images and seeds (Newcombe; Zou and Donner); a gap is more than noise where it "
    "leaves zero out."
)


@dataclasses.dataclass(frozen=True)
class Fit:
    """A member's curves and gaps.

    Attributes:
        fitting: None where no validation scores by epoch are known.
        kept: the mean epoch whose weights became the model; None where it is the last.
        training, validation, test: accuracies (0-1) with 95 % intervals; None where unknown.
        gaps: those between known accuracies of two parts.
    """

    name: str
    fitting: Fitting | None
    kept: float | None
    training: Interval | None
    validation: Interval
    test: Interval | None
    gaps: tuple[Gap, ...]


def fit_of(member: Member) -> Fit:
    """What a member's histories and predictions say."""
    found = curves([run.history for run in member.runs])
    images = member.runs[0].validation.images
    kept, training = None, None
    if all(run.history for run in member.runs):
        epochs = [_kept(run) for run in member.runs]
        scores = [run.history[epoch - 1].accuracy for run, epoch in zip(member.runs, epochs, strict=True)]
        training = training_interval(scores, member.runs[0].train_images)
        if any(epoch < len(run.history) for run, epoch in zip(member.runs, epochs, strict=True)):
            kept = fmean(epochs)
    held = accuracy_interval(
        correct([p.probabilities for p in member.predictions], member.predictions[0].labels)
    )
    test = None
    if member.tests:
        test = accuracy_interval(correct([t.probabilities for t in member.tests], member.tests[0].labels))
    parts = [("training", training), ("validation", held), ("test", test)]
    known = [(name, interval) for name, interval in parts if interval is not None]
    gaps = tuple(
        gap(name, interval, other, theirs)
        for i, (name, interval) in enumerate(known)
        for other, theirs in known[i + 1 :]
    )
    fitting = None if found is None else judge(*found, images)
    return Fit(member.name, fitting, kept, training, held, test, gaps)


def _kept(run: Run) -> int:
    """The epoch whose weights became the model."""
    recipe, last = run.trial.recipe, len(run.history)
    if recipe.get("keep") != "best":
        return last
    monitor = str(recipe.get("monitor", "accuracy"))
    scores = [getattr(epoch, f"validation_{monitor}", None) for epoch in run.history]
    known = [(-s if monitor == "loss" else s, -i) for i, s in enumerate(scores, 1) if s is not None]
    return -max(known)[1] if known else last


def fitting(result: StudyResult) -> Topic | None:
    """Over-fitting of the chosen configuration, and a row for every one that the charts draw.

    None where no configuration has anything to compare: no history and no test images.
    """
    fits = [fit_of(result.members[i]) for i in select(result).drawn]
    if not any(fit.gaps or fit.fitting for fit in fits):
        return None
    chosen = fits[0] if fits[0].name == result.chosen.name else fit_of(result.chosen)
    others = [fit for fit in fits if fit.name != chosen.name and fit.fitting is not None]
    words = [curve_words(chosen), gap_words(chosen)]
    if chosen.fitting is None and others:
        words.append(curve_words(others[0]))
    if any(fit.training for fit in fits):
        words.append(NOTE)
    return Topic(
        "fitting",
        "Over-fitting",
        tuple(filter(None, words)),
        tables=(_table(fits),),
        plain={"recipes": [_plain(fit) for fit in fits]},
    )


def curve_words(fit: Fit) -> str:
    """The state of the curves in a sentence or two."""
    found = fit.fitting
    if found is None:
        return f"{fit.name} does not train in epochs, so its curves cannot tell over-fitting."
    if found.state == "cannot tell":
        epochs = formats.plural(found.epochs, "epoch")
        few = "four are needed to tell a bend from noise"
        noisy = "the curves are too noisy, or the validation images too few"
        why = few if found.epochs < FEWEST else noisy
        return f"Whether {fit.name} trained too long or too short, in {epochs}, cannot be told: {why}."
    rise = f"{_percent(found.rise)} higher at the end than at its lowest, after epoch {found.lowest}"
    if found.state == "over-fitted":
        said = f"{fit.name} is over-fitted since epoch {found.since}"
        return f"{said}: its validation loss is {rise}. {_after(fit)}"
    if found.state == "not yet fitted":
        return (
            f"{fit.name} is not yet fitted after {found.epochs} epochs: its validation loss still fell by "
            f"{_percent(found.fall)} over the last quarter of them. More epochs, or larger steps, would "
            "lower it."
        )
    if found.rise > 0:
        end = f"{rise}, which is no more than noise"
    else:
        verdict = "no more than noise" if found.fall > SMALL else "little"
        fell = f"fell by {_percent(found.fall)} over the last quarter of them"
        end = f"lowest at the end, and {fell}, which is {verdict}"
    return f"{fit.name} is well fitted after {found.epochs} epochs: its validation loss is {end}."


def _after(fit: Fit) -> str:
    """What over-fitting did to accuracy, and to the model that was kept."""
    found = fit.fitting
    assert found is not None
    change, noise = found.accuracy_change, 2 * found.accuracy_noise
    moved = "fell" if change < 0 else "rose"
    if abs(change) <= noise:
        said = "Its validation accuracy did not change by more than noise: it became surer of its errors."
    else:
        said = f"Its validation accuracy {moved} by {points(abs(change))} points meanwhile."
    if fit.kept is not None:
        said += f" The model keeps the weights of epoch {fit.kept:.3g}, so the later epochs did it no harm."
    return said


def gap_words(fit: Fit) -> str:
    """Which gaps are more than noise."""
    if not fit.gaps:
        return f"Of {fit.name} the accuracy on one part alone is known, so there is no gap to judge."
    real = [g for g in fit.gaps if g.beyond_noise]
    noise = [g for g in fit.gaps if not g.beyond_noise]
    said = []
    if real:
        said.append(f"More than noise: {formats.joined([_gap(g) for g in real])}.")
    if noise:
        said.append(f"No more than noise: {formats.joined([_gap(g) for g in noise])}.")
    return " ".join(said)


def _gap(g: Gap) -> str:
    i = g.interval
    side = "above" if i.mean >= 0 else "below"
    ends = f"95{PERCENT} interval of the difference {points(i.low)} to {points(i.high)}"
    return f"{g.first} accuracy lies {points(abs(i.mean))} points {side} {g.second} accuracy ({ends})"


def points(share: float) -> str:
    """Percentage points, with a true minus."""
    return f"{100 * share:.1f}".replace("-", "\N{MINUS SIGN}").replace("\N{MINUS SIGN}0.0", "0.0")


def _percent(share: float) -> str:
    return f"{formats.percent(share)}{PERCENT}"


def _table(fits: list[Fit]) -> Table:
    pairs = [("training", "validation"), ("validation", "test"), ("training", "test")]
    rows = []
    for fit in fits:
        by_parts = {(g.first, g.second): g for g in fit.gaps}
        cells = [_cell(by_parts.get(pair)) for pair in pairs]
        accuracies = [_share(i) for i in (fit.training, fit.validation, fit.test)]
        rows.append((fit.name, fit.fitting.words if fit.fitting else formats.MISSING, *accuracies, *cells))
    columns = (
        "Recipe", "Curves", "Training, % [95 %]", "Validation, % [95 %]", "Test, % [95 %]",
        *(f"{a.capitalize()} \N{MINUS SIGN} {b}, points [95 %]" for a, b in pairs),
    )  # fmt: skip
    return Table("Curves and gaps (*: more than noise)", columns, tuple(rows), frozenset(range(2, 8)))


def _share(interval: Interval | None) -> str:
    return (
        formats.MISSING
        if interval is None
        else f"{formats.percent(interval.mean)} [{formats.spread(interval)}]"
    )


def _cell(g: Gap | None) -> str:
    if g is None:
        return formats.MISSING
    star = "*" if g.beyond_noise else ""
    return f"{points(g.interval.mean)}{star} [{points(g.interval.low)} to {points(g.interval.high)}]"


def _plain(fit: Fit) -> dict[str, Any]:
    plain: dict[str, Any] = dataclasses.asdict(fit)
    for entry, found in zip(plain["gaps"], fit.gaps, strict=True):
        entry["beyond_noise"] = found.beyond_noise
    plain["gaps"] = list(plain["gaps"])
    if fit.fitting is not None:
        plain["fitting"]["words"] = fit.fitting.words
    return plain
