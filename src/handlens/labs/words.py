"""What measurements say, in sentences; empty where they are not there."""

from __future__ import annotations

import statistics

from handlens.labs.lines import values_of
from handlens.labs.paired import difference
from handlens.labs.run import Found, Part
from handlens.report import formats
from handlens.report.topics.fitting import curve_words, fit_of, gap_words
from handlens.report.topics.hardest import hardest_of


def compared(part: Part, first: str, second: str) -> str:
    """Test accuracies of two configurations and what their difference is worth."""
    members = part.member(first), part.member(second)
    if members[0] is None or members[1] is None or not (members[0].tests and members[1].tests):
        return ""
    shown = [f"{m.name} {percent(statistics.fmean(values_of(m, 'accuracy')))}" for m in members if m]
    text = f"{shown[0]} against {shown[1]}"
    found = difference(members[0], members[1])
    if found is None:
        return f"{text} (one replicate: no interval)."
    points = (
        f"{100 * found.mean:+.2f} points, 95 % interval {100 * found.low:+.2f} to {100 * found.high:+.2f}"
    )
    verdict = "the difference is clear" if found.clear else "no clear difference"
    return f"{text}: {points}; {verdict}."


def percent(share: float) -> str:
    """A share (0-1) with two digits: `98.17 %`."""
    return f"{formats.percent(share, 2)} %"


def overfitted(part: Part, name: str) -> str:
    """What the curves and the gaps between accuracies say."""
    member = part.member(name)
    if member is None or not member.tests or not member.runs[0].history:
        return ""
    fit = fit_of(member)
    return f"{curve_words(fit)} {gap_words(fit)}"


def hardest(part: Part, name: str) -> str:
    """Which classes a configuration recognises worst and best, over all its replicates."""
    member = part.member(name)
    if member is None or not member.tests or part.dataset is None:
        return ""
    return f"{name}: {hardest_of(member, part.dataset.classes)}"


def two_runs(found: Found) -> str:
    """How far replicates of one configuration lie apart, and why."""
    spans = []
    for part in found.parts:
        for member in part.result.members if part.result else ():
            values = values_of(member, "accuracy")
            if len(values) > 1 and member.runs[0].history:
                spans.append((max(values) - min(values), member.name, min(values), max(values), len(values)))
    if not spans:
        return ""
    spans.sort()
    width, name, low, high, _ = spans[-1]
    middle = spans[len(spans) // 2]
    return (
        "By the seed alone, which draws first weights and the order of images: "
        f"{middle[1]}, in the middle of {len(spans)} configurations, from {percent(middle[2])} to "
        f"{percent(middle[3])} over {middle[4]} replicates; the widest, {name}, from {percent(low)} to "
        f"{percent(high)}, {100 * width:.2f} points. The same seed gives the same network to the last bit "
        "(engine from scratch)."
    )
