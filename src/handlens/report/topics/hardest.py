"""Which class is hardest and which easiest, and whether that is more than noise."""

from __future__ import annotations

from collections.abc import Sequence

from handlens.evaluate.classes import ClassScores, Difficulty, class_scores, difficulties
from handlens.report import formats
from handlens.report.summary import PERCENT
from handlens.report.topics.judged import judged
from handlens.studies.storage.result import Member


def hardest_of(member: Member, names: Sequence[str]) -> str:
    """The same of a member, by the images it may be judged by."""
    seen = judged(member)
    hard = difficulties(seen.labels, seen.predicted, len(names))
    return hardest_words(hard, class_scores(seen.labels, seen.predicted, len(names)), names)


def hardest_words(hard: Sequence[Difficulty], scores: Sequence[ClassScores], names: Sequence[str]) -> str:
    """Which class was recognised least and which most often, and whether that is more than noise."""
    if len(hard) < 2:
        return "One class alone was shown."
    worst, best = (f(hard, key=lambda d: (d.recall, d.class_index)) for f in (min, max))
    if worst.recall == best.recall:
        return "No class was recognised more often than another."
    how = "Fisher's exact test with Holm's correction for the number of classes"
    told = [d for d in (worst, best) if d.verdict() != "noise"]
    if not told:
        return (
            f"No class is shown to be harder or easier than the others. {names[worst.class_index]} was "
            f"recognised least often ({_recall(worst, scores)}) and {names[best.class_index]} most often "
            f"({_recall(best, scores)}), but with so many classes and so few images such differences come by "
            f"chance alone ({how})."
        )
    said = [
        f"{names[d.class_index]} is the {'hardest' if d is worst else 'easiest'} class by more than noise: "
        f"{_recall(d, scores)} of its images were recognised, of all others {_percent(d.others)} "
        f"({_p(d.p_value)})"
        for d in told
    ]
    text = "; ".join(said) + f"; {how}."
    if len(told) == 1:
        other, which = (best, "most") if told[0] is worst else (worst, "least")
        text += (
            f" {names[other.class_index]} was recognised {which} often ({_recall(other, scores)}), which is "
            "no more than noise."
        )
    return text


def _recall(d: Difficulty, scores: Sequence[ClassScores]) -> str:
    interval = scores[d.class_index].recall
    digits = formats.percent_digits([interval])
    return f"{_percent(interval.mean, digits)} [{formats.spread(interval, digits)}]"


def _percent(share: float, digits: int = 1) -> str:
    return f"{formats.percent(share, digits)}{PERCENT}"


def _p(value: float) -> str:
    return f"p = {value:.3f}" if value >= 0.001 else "p < 0.001"
