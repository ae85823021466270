"""Which recipes are better than which, and what would settle what is open: words, matrix, table."""

from __future__ import annotations

import dataclasses
from typing import Any

from handlens.evaluate import Interval
from handlens.evaluate.compare import MARGIN, Verdict
from handlens.evaluate.compare.planning import MOST, MOST_IMAGES
from handlens.report import formats
from handlens.report.charts.verdicts import COLOURS, SYMBOLS, matrix, symbols
from handlens.report.topic import Table, Topic
from handlens.studies.judging.verdicts import Judged, Pair, judge
from handlens.studies.storage.result import StudyResult

MOST_SAID = 12  # sentences about pairs
LEVEL = 0.05


def verdicts(result: StudyResult, margin: float = MARGIN) -> Topic | None:
    """The verdicts of a study; None where there is nothing to compare.

    Args:
        margin: difference of accuracies that does not matter (0-1).
    """
    return None if len(result.members) < 2 else topic(judge(result, margin))


def topic(judged: Judged) -> Topic:
    """Verdicts as words, matrix, table and plain data."""
    return Topic(
        name="verdicts",
        title="Verdicts",
        words=(headline(judged), method(judged), *sentences(judged)),
        tables=(_table(judged),),
        figures=(matrix(judged),),
        colours=tuple(COLOURS.items()),
        plain=plain(judged),
    )


def headline(judged: Judged) -> str:
    """How the one that validation images prefer stands to all others."""
    best, others = judged.names[0], judged.names[1:]
    kinds = symbols(judged)
    said = []
    for kind, words in (
        ("better", "better than"),
        ("equivalent", "equivalent to"),
        ("worse", "worse than"),
        ("undecided", "not told apart from"),
    ):
        names = [name for name in others if kinds[best, name] == kind]
        if names:
            several = len(names) > 4
            said.append(f"{words} {f'{len(names)} others' if several else formats.joined(names)}")
    return f"{best} is {formats.joined(said)}."


def method(judged: Judged) -> str:
    """What the verdicts rest on."""
    several = len(judged.pairs) > 1
    pairs = formats.plural(len(judged.pairs), "pair")
    said = [
        f"Judged by {_images(judged)}: better where the 95 % interval of the difference, over seeds and "
        f"images, leaves out zero; equivalent where it lies within {_points(judged.margin)} either way; else "
        "undecided."
    ]
    if several:
        said.append(f"Holm's method over the {pairs} keeps false verdicts below 5 % of such studies.")
    if judged.left_out:
        which = "the chosen configuration of each recipe" if judged.chosen_only else "the best"
        what = formats.plural(judged.left_out, "configuration")
        said.append(f"Compared are {len(judged.names)}, {which}; {what} more are not.")
    if any(pair.part == "validation" for pair in judged.pairs):
        said.append("Validation images also chose among the configurations, which flatters the chosen ones.")
    return " ".join(said)


def sentences(judged: Judged) -> tuple[str, ...]:
    """One for each pair, a dozen at most; the rest are counted."""
    mixed = len({pair.part for pair in judged.pairs}) > 1
    said = [sentence(pair, mixed=mixed) for pair in judged.pairs[:MOST_SAID]]
    rest = [pair.verdict.kind for pair in judged.pairs[MOST_SAID:]]
    if rest:
        open_ = rest.count("undecided")
        same = rest.count("equivalent")
        said.append(
            f"Of {formats.plural(len(rest), 'more pair')} {len(rest) - open_ - same} differ, "
            f"{same} are equivalent and {open_} undecided."
        )
    return tuple(said)


def sentence(pair: Pair, *, mixed: bool = False) -> str:
    """A pair's verdict; `mixed` names the images."""
    one, found = pair.verdict, pair.verdict.difference
    where = f" on {pair.part} images" if mixed else ""
    if one.kind in ("better", "worse"):
        names = (pair.first, pair.second) if one.kind == "better" else (pair.second, pair.first)
        return f"{names[0]} is better than {names[1]}{where} by {_by(found, turned=one.kind == 'worse')}."
    if one.kind == "equivalent":
        said = f"{pair.first} and {pair.second} are equivalent{where}: {_difference(found)}"
        clear = one.p_different < LEVEL
        return f"{said}{', clearly not zero but less than matters' if clear else ''}."
    if one.mcnemar is not None:
        p = one.mcnemar.mid_p
        models = "differ" if p < LEVEL else "do not clearly differ"
        return (
            f"{pair.first} and {pair.second} have one replicate in common{where}, which cannot tell recipe "
            f"from seed: train at least three. These two models {models} (McNemar p {_p(p)})."
        )
    said = f"{pair.first} and {pair.second} cannot be told apart yet{where} ({_difference(found)}"
    if found.low > 0 or found.high < 0:
        said += f"; alone that would leave out zero, not among {formats.plural(one.pairs, 'pair')}"
    return f"{said}): {remedy(one, pair.part)}."


def remedy(one: Verdict, part: str) -> str:
    """What would settle an undecided pair."""
    images = formats.plural(one.images, f"{part} image")
    if one.further is not None:
        return f"about {formats.plural(one.further, 'more replicate')} would settle it"
    if one.images_needed is None:
        return (
            f"neither {MOST} more replicates nor {MOST_IMAGES:,} times as many {part} images would settle it"
        )
    if one.images_needed <= one.images:
        return f"more than {MOST} further replicates would be needed"
    enough = _round(one.images_needed)
    return (
        f"more replicates alone will hardly settle it on these {images}; about {enough} images would, "
        "as likely as not"
    )


def matrix_table(judged: Judged) -> Table:
    """The matrix of verdicts for the terminal: rows by name, columns by number."""
    kinds = symbols(judged)
    rows = tuple(
        (
            f"{i} {row}",
            *("·" if row == column else SYMBOLS[kinds[row, column]] for column in judged.names),
        )
        for i, row in enumerate(judged.names, 1)
    )
    columns = tuple(str(i) for i in range(1, len(judged.names) + 1))
    return Table("Verdicts", ("", *columns), rows, frozenset(range(1, len(columns) + 1)))


def plain(judged: Judged) -> dict[str, Any]:
    """For `--json`: shares in 0..1, every pair."""
    return {
        "margin": judged.margin,
        "compared": list(judged.names),
        "left_out": judged.left_out,
        "pairs": [
            {"first": pair.first, "second": pair.second, "images_of": pair.part}
            | dataclasses.asdict(pair.verdict)
            for pair in judged.pairs
        ],
    }


def _table(judged: Judged) -> Table:
    columns = (
        "First",
        "Second",
        "First is",
        "Difference, points",
        "95 % interval",
        "p (Holm)",
        "Replicates",
        "More needed",
    )
    rows = []
    for pair in judged.pairs:
        one, found = pair.verdict, pair.verdict.difference
        digits = formats.percent_digits([found])
        settled = one.kind != "undecided"
        more = formats.whole(one.further) if not settled else ""
        rows.append(
            (
                pair.first,
                pair.second,
                one.kind,
                _number(found.mean, digits),
                f"{_number(found.low, digits)} to {_number(found.high, digits)}",
                _p(one.p_different),
                str(one.replicates),
                more,
            )
        )
    return Table("Every pair", columns, tuple(rows), frozenset({3, 4, 5, 6, 7}))


def _images(judged: Judged) -> str:
    counts = {pair.part: pair.verdict.images for pair in judged.pairs}
    return " or ".join(f"{formats.whole(n)} {part} images" for part, n in counts.items())


def _by(found: Interval, *, turned: bool) -> str:
    """`0.62 points (0.41 to 0.83)`, of the second over the first where `turned`."""
    digits = formats.percent_digits([found])
    mean, low, high = (found.mean, found.low, found.high)
    if turned:
        mean, low, high = -mean, -high, -low
    return f"{_number(mean, digits)} points ({_number(low, digits)} to {_number(high, digits)})"


def _difference(found: Interval) -> str:
    return f"difference {_by(found, turned=False)[:-1].replace('(', '', 1).replace(' points ', ' points, ')}"


def _number(share: float, digits: int) -> str:
    """A share in points; never `-0.00`."""
    text = f"{100 * share:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def _points(share: float) -> str:
    return f"{100 * share:g} points"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _round(n: int) -> str:
    """Two digits are all that such a figure is worth."""
    return formats.whole(float(f"{n:.1e}"))
