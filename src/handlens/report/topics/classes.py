"""How the chosen recipe does on each class: scores, curves, the pairs it confuses, which class is hard."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from handlens.data.images import Dataset
from handlens.evaluate import Interval, confusion
from handlens.evaluate.bootstrap import auc_interval
from handlens.evaluate.classes import ClassScores, Difficulty, class_scores, difficulties
from handlens.evaluate.curves import Averaged, PrecisionRecall, Roc, averaged, recalls, rocs
from handlens.report import formats, pictures
from handlens.report.charts.class_scores import class_score_figure
from handlens.report.charts.figure import Figure
from handlens.report.charts.recall import curve_colours, curve_figures, drawn_classes
from handlens.report.mistakes import Pair, worst_pairs
from handlens.report.summary import PERCENT
from handlens.report.topic import Table, Topic
from handlens.report.topics.hardest import hardest_words
from handlens.report.topics.judged import Judged, judged
from handlens.studies.storage.result import Member, StudyResult

PAIRS, PICTURES = 4, 8
AREAS = ("macro_roc", "micro_roc", "macro_recall", "micro_recall")


@dataclasses.dataclass(frozen=True, eq=False)
class _Found:
    """All that is known of the classes; curves and averages are of the first replicate, areas the means."""

    seen: Judged
    names: tuple[str, ...]
    scores: tuple[ClassScores, ...]
    hard: tuple[Difficulty, ...]
    pairs: tuple[Pair, ...]
    rocs: tuple[Roc, ...]
    recalls: tuple[PrecisionRecall, ...]
    first: Averaged | None
    areas: dict[str, float]
    auc: Interval | None


def classes(result: StudyResult, dataset: Dataset) -> Topic | None:
    """Scores of every class for the chosen recipe, on test images if they were opened, else on validation
    images.

    None where fewer than two classes are shown.
    """
    found = _find(judged(result.chosen), dataset.classes)
    if len(found.hard) < 2:
        return None
    drawn = drawn_classes(found.recalls)
    return Topic(
        "classes",
        "Each class",
        tuple(
            filter(
                None, (hardest_words(found.hard, found.scores, found.names), _pair_words(found), _rest(found))
            )
        ),
        tables=(_table(found),),
        figures=tuple(_figures(found)),
        grids=tuple(_grid(found, dataset, number) for number in range(len(found.pairs))),
        colours=tuple(curve_colours(found.names, drawn).items()),
        plain=_plain(found),
    )


def scores_table(member: Member, names: tuple[str, ...]) -> Table:
    """Every class's scores, of any member."""
    return _table(_find(judged(member), names))


def _find(seen: Judged, names: tuple[str, ...]) -> _Found:
    k, predicted = len(names), seen.predicted
    matrix = sum(confusion(seen.labels, row, k) for row in predicted)
    first = averaged(seen.probabilities[0], seen.labels)
    means: dict[str, float] = {}
    if first is not None:
        every = [averaged(said, seen.labels) for said in seen.probabilities]
        means = {name: float(np.mean([_area(getattr(a, name)) for a in every])) for name in AREAS}
    return _Found(
        seen,
        names,
        class_scores(seen.labels, predicted, k),
        difficulties(seen.labels, predicted, k),
        tuple(worst_pairs(np.asarray(matrix), PAIRS)),
        rocs(seen.probabilities[0], seen.labels),
        recalls(seen.probabilities[0], seen.labels),
        first,
        means,
        auc_interval(seen.probabilities, seen.labels),
    )


def _area(curve: Roc | PrecisionRecall) -> float:
    return curve.area if isinstance(curve, Roc) else curve.average_precision


def _percent(share: float, digits: int = 1) -> str:
    return f"{formats.percent(share, digits)}{PERCENT}"


def _pair_words(found: _Found) -> str:
    if not found.pairs:
        return f"{found.seen.name} took no image of the {found.seen.part} images for another class."
    pairs = [
        f"{found.names[p.true]} taken for {found.names[p.given]} ({formats.plural(p.count, 'time')} in "
        f"{formats.whole(p.of)})"
        for p in found.pairs
    ]
    return f"Most often confused: {formats.joined(pairs)}. The pictures below show some of these images."


def _rest(found: _Found) -> str:
    times = len(found.seen.probabilities)
    over = f"{formats.plural(times, 'replicate')}, intervals over the choice of images"
    over += " and of seeds" if times > 1 else ""
    count = formats.whole(len(found.seen.labels))
    said = f"All this is of {found.seen.name} on the {count} {found.seen.part} images, {over} [95{PERCENT}]. "
    if found.areas:
        a = {name: _percent(value, 2) for name, value in found.areas.items()}
        said += (
            f"Area under the ROC curve: macro average {a['macro_roc']}{_ends(found.auc)}, micro average "
            f"{a['micro_roc']}; average precision: {a['macro_recall']} and {a['micro_recall']}. The curves "
            "are those of the first replicate: each class against all others coloured, the macro average "
            "dashed, the micro average dotted."
        )
    return said


def _ends(interval: Interval | None) -> str:
    return f" [{formats.spread(interval, 2)}]" if interval is not None else ""


def _table(found: _Found) -> Table:
    area = {roc.class_index: roc.area for roc in found.rocs}
    precision = {curve.class_index: curve.average_precision for curve in found.recalls}
    verdicts = {d.class_index: d.verdict() for d in found.hard}
    rows = [
        (
            found.names[s.class_index],
            formats.whole(s.images),
            _interval(s.recall if s.images else None),
            _interval(s.precision),
            _interval(s.f1),
            formats.percent(area.get(s.class_index), 2),
            formats.percent(precision.get(s.class_index), 2),
            {"noise": "like the others"}.get(v := verdicts.get(s.class_index, ""), v),
        )
        for s in found.scores
    ]
    columns = (
        "Class", "Images", "Recall, % [95 %]", "Precision, % [95 %]", "F1, % [95 %]",
        "Area under ROC, %", "Average precision, %", "Recall beyond noise",
    )  # fmt: skip
    return Table("Scores of each class", columns, tuple(rows), frozenset(range(1, 7)))


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return formats.MISSING
    return f"{formats.percent(interval.mean)} [{formats.spread(interval)}]"


def _figures(found: _Found) -> list[Figure]:
    figures = [class_score_figure(found.scores, found.names, found.seen.part)]
    if found.first is not None:
        figures += curve_figures(found.rocs, found.recalls, found.first, found.names)
    return figures


def _grid(found: _Found, dataset: Dataset, number: int) -> pictures.Grid:
    """Images of a pair: those that most replicates confused, the surest first."""
    pair, seen = found.pairs[number], found.seen
    confused = (seen.predicted == pair.given).sum(axis=0) * (seen.labels == pair.true)
    sure = seen.probabilities[:, :, pair.given].mean(axis=0)
    order = np.lexsort((-sure, -confused))[:PICTURES]
    chosen = order[confused[order] > 0]
    true, given, times = found.names[pair.true], found.names[pair.given], len(seen.probabilities)
    tiles = []
    for i in chosen:
        at, share, wrong = int(seen.positions[i]), formats.percent(float(sure[i])), int(confused[i])
        lines = (f"{share} %", f"#{at}", *([f"{wrong} of {times}"] if times > 1 else []))
        words = f"{seen.part} image {at}: shows {true}, taken for {given} with probability {share} %"
        tiles.append(pictures.Tile(lines, words[0].upper() + words[1:]))
    title = f"{true} taken for {given}"
    return pictures.grid(f"pair-{number + 1}", title, seen.images(dataset, chosen), tiles, pictures.SMALL)


def _plain(found: _Found) -> dict[str, Any]:
    area = {roc.class_index: roc.area for roc in found.rocs}
    precision = {curve.class_index: curve.average_precision for curve in found.recalls}
    hard = {d.class_index: d for d in found.hard}
    each = [
        {
            "class": found.names[s.class_index],
            "images": s.images,
            "recall": dataclasses.asdict(s.recall) if s.images else None,
            "precision": s.precision and dataclasses.asdict(s.precision),
            "f1": s.f1 and dataclasses.asdict(s.f1),
            "auc": area.get(s.class_index),
            "average_precision": precision.get(s.class_index),
            "verdict": hard[s.class_index].verdict() if s.class_index in hard else None,
            "p_value": hard[s.class_index].p_value if s.class_index in hard else None,
        }
        for s in found.scores
    ]
    pairs = [
        {"true": found.names[p.true], "given": found.names[p.given], "count": p.count, "of": p.of}
        for p in found.pairs
    ]
    return {
        "recipe": found.seen.name,
        "part": found.seen.part,
        "replicates": len(found.seen.probabilities),
        "classes": each,
        "areas": {name.replace("roc", "auc").replace("recall", "ap"): v for name, v in found.areas.items()},
        "macro_auc_interval": found.auc and dataclasses.asdict(found.auc),
        "pairs": pairs,
    }
