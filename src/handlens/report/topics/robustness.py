"""What becomes of accuracy when images are moved, turned, noisy, blurred, faint or inverted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from handlens.evaluate.robustness import CORRUPTIONS, Curve
from handlens.report import formats
from handlens.report.charts.figure import recipe_colours
from handlens.report.charts.robustness import curve_of, robustness_figures
from handlens.report.topic import Table, Topic
from handlens.studies.judging.robustness import Robustness

HARDLY = 0.95  # share of the accuracy above chance that is left where a corruption is hardly minded
DONE = {
    "shift": "moved by {} of their side",
    "rotation": "rotated by {}",
    "noise": "noisy by {}",
    "blur": "blurred by {}",
    "contrast": "cut to {} of their contrast",
    "inversion": "turned {} of the way to their negative",
}
UNITS = {
    "shift": " %",
    "rotation": " degrees",
    "noise": " grey levels",
    "blur": " pixels",
    "contrast": " %",
    "inversion": " %",
}
PERCENT = {"shift", "contrast", "inversion"}
METHOD = (
    "Every image was made worse in six ways at five strengths each, after Hendrycks and Dietterich (2019). "
    "Bands and brackets are 95 % intervals over images{}. Half of the accuracy is meant above what always "
    "naming the most frequent class gets (dotted); between two strengths it is taken to fall on a line."
)


def robustness(found: Sequence[Robustness], colours: dict[str, str] | None = None) -> Topic:
    """Six curves of accuracy against strength, and where half of it is lost.

    Args:
        found: the models, the one that matters first; at least one. More than four hide each other.
        colours: of the models by name, where a page has given them theirs.
    """
    names = [one.model for one in found]
    colours = colours or recipe_colours(names)
    seeds = " and seeds" if any(one.replicates > 1 for one in found) else ""
    return Topic(
        "robustness",
        "What if pictures are worse?",
        (_finding(found[0]), *_others(found), METHOD.format(seeds)),
        tables=(_table(found),),
        figures=robustness_figures(found, colours),
        colours=tuple((name, colours[name]) for name in names),
        plain={"models": [_plain(one) for one in found]},
    )


def strength_text(name: str, strength: float) -> str:
    """A strength with its unit: `14 %`, `31 degrees`, `1.8 pixels`."""
    return number_text(name, strength) + UNITS[name]


def number_text(name: str, strength: float, more: int = 0) -> str:
    """The same without the unit, with so many `more` digits."""
    value = 100 * strength if name in PERCENT else strength
    digits = more + (name == "blur")
    return f"{value:.{digits}f}"


def _finding(one: Robustness) -> str:
    """What hurts the model, the images it was found on, and what it hardly minds."""
    clean = one.curves[0].points[0].accuracy
    broken = [curve for curve in one.curves if curve.half is not None]
    firm = [curve for curve in one.curves if curve.half is None and curve.kept >= HARDLY]
    rest = [curve for curve in one.curves if curve.half is None and curve.kept < HARDLY]
    words = []
    if broken:
        ways = [_lost(one, curve) for curve in broken]
        words.append(f"{one.model} loses half of its accuracy when images are {formats.joined(ways, 'or')}.")
    if clean.low <= one.curves[0].chance:
        words.append(f"{one.model} is no better than chance, so there is nothing to lose.")
        firm = rest = []
    if firm:
        words.append(f"It hardly minds {formats.joined([_left(curve) for curve in firm])}.")
    if rest:
        words.append(f"At the severest it still gets {formats.joined([_still(curve) for curve in rest])}.")
    if not broken:
        words = [word.replace("It ", f"{one.model} ", 1) if i == 0 else word for i, word in enumerate(words)]
    of = formats.whole(one.images) + (f" of {formats.whole(one.of)}" if one.images < one.of else "")
    unchanged = f"{formats.percent(clean.mean)} % [{formats.spread(clean)}]"
    return " ".join([*words, f"On {of} {one.part} images, which unchanged it gets {unchanged} right."])


def _lost(one: Robustness, curve: Curve) -> str:
    """`rotated by 31 degrees`."""
    name = curve.corruption.name
    half = curve.half or 0.0
    words = DONE[name].format(strength_text(name, half))
    return f"{words} ({half * one.side:.1f} pixels)" if name == "shift" else words


def _left(curve: Curve) -> str:
    """`blur (98.1 % at 3.0 pixels)`."""
    last = curve.points[-1]
    name = curve.corruption.name
    return f"{name} ({formats.percent(last.accuracy.mean)} % at {strength_text(name, last.strength)})"


def _still(curve: Curve) -> str:
    """`83.4 % of images blurred by 3.0 pixels right`."""
    last, name = curve.points[-1], curve.corruption.name
    what = DONE[name].format(strength_text(name, last.strength))
    return f"{formats.percent(last.accuracy.mean)} % of images {what} right"


def _others(found: Sequence[Robustness]) -> tuple[str, ...]:
    """Which of several models bears most, for the corruptions where that is more than noise."""
    best: dict[str, list[str]] = {}
    for name in CORRUPTIONS if len(found) > 1 else ():
        first, *rest = sorted(found, key=lambda one: -_borne(one, name, "mean"))
        if _borne(first, name, "low") > max(_borne(one, name, "high") for one in rest):
            best.setdefault(first.model, []).append(name)
    if not best:
        return ()
    said = [
        f"{model} bears {'all six' if len(ways) == len(CORRUPTIONS) else formats.joined(ways)} best"
        for model, ways in best.items()
    ]
    return (f"Of the {len(found)} models {formats.joined(said)}.",)


def _borne(one: Robustness, name: str, end: str) -> float:
    """Mean over the strengths of the accuracy, or of an end of its interval."""
    points = curve_of(one, name).points[1:]
    return float(sum(getattr(point.accuracy, end) for point in points) / len(points))


def _table(found: Sequence[Robustness]) -> Table:
    rows = tuple(
        (
            f"{name.capitalize()},{UNITS[name]}",
            *(_cell(curve_of(one, name)) for one in found),
        )
        for name in CORRUPTIONS
    )
    columns = ("Corruption, unit", *(one.model for one in found))
    return Table(
        "Strength at which half of the accuracy is lost", columns, rows, frozenset(range(1, len(columns)))
    )


def _cell(curve: Curve) -> str:
    """`31 [29-33]`, or what is left at the severest strength."""
    name, last = curve.corruption.name, curve.points[-1]
    if curve.half is None:
        return f"beyond {number_text(name, last.strength)}: {formats.percent(last.accuracy.mean)} %"
    if curve.half_low is None or curve.half_high is None:
        return number_text(name, curve.half)
    ends = sorted((curve.half_low, curve.half_high))
    more = int(number_text(name, ends[0]) == number_text(name, ends[1]))
    half, low, high = (number_text(name, value, more) for value in (curve.half, *ends))
    return f"{half} [{low}–{high}]"


def _plain(one: Robustness) -> dict[str, Any]:
    return {
        "model": one.model,
        "dataset": one.dataset,
        "part": one.part,
        "images": one.images,
        "of": one.of,
        "replicates": one.replicates,
        "chance": one.curves[0].chance,
        "curves": {
            curve.corruption.name: {
                "unit": curve.corruption.unit,
                "points": [{"strength": point.strength, **asdict(point.accuracy)} for point in curve.points],
                "half": curve.half,
                "half_low": curve.half_low,
                "half_high": curve.half_high,
                "kept": curve.kept,
            }
            for curve in one.curves
        },
    }
