"""Which configurations a report shows: all of a small study; of a big one the chosen and the best others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from handlens.report import formats
from handlens.studies.storage.result import Member, StudyResult, chosen_of_each

MOST = 12  # configurations that a chart shows, and a table unless more were chosen


@dataclass(frozen=True)
class Selection:
    """Positions among the rows, best first.

    Attributes:
        shown: of the lines that are seen at once: the chosen configuration of each recipe, and others up to
            `MOST`; all of them where there are no more.
        folded: of the lines that one has to ask for.
        drawn: of the lines that the charts show, at most `MOST`.
        tags: for each row what was chosen about it, `chosen` or `chosen of mlp`; mostly empty.
    """

    shown: tuple[int, ...]
    folded: tuple[int, ...]
    drawn: tuple[int, ...]
    tags: tuple[str, ...]


def select(result: StudyResult) -> Selection:
    """What a report shows of a study."""
    chosen = set(chosen_of_each(result.members))
    places = range(len(result.members))
    first = [i for i in places if result.members[i] in chosen]
    by_weight = first + [i for i in places if result.members[i] not in chosen]
    shown = tuple(sorted(by_weight[: max(MOST, len(first))]))
    sizes = Counter(map(family, result.members))
    tags = tuple(
        "chosen"
        if i == 0
        else f"chosen of {family(member)}"
        if member in chosen and sizes[family(member)] > 1
        else ""
        for i, member in enumerate(result.members)
    )
    folded = tuple(i for i in places if i not in set(shown))
    return Selection(shown, folded, tuple(sorted(by_weight[:MOST])), tags)


def family(member: Member) -> str:
    """The recipe that a configuration is one of."""
    return member.family or member.name


def noun(result: StudyResult) -> str:
    """What the lines of the table are: recipes, or configurations where a recipe has several."""
    swept = len(set(map(family, result.members))) < len(result.members)
    return "configuration" if swept else "recipe"


def which(result: StudyResult, count: int) -> str:
    """Which `count` of the rows are shown: `the chosen configuration of each recipe and the best others`."""
    if noun(result) == "recipe":
        return f"the {count} best recipes"
    chosen = len(chosen_of_each(result.members))
    if count < chosen:
        return f"the {count} best of the chosen configurations"
    others = " and the best others" if count > chosen else ""
    return ("the chosen configuration of each recipe" if chosen > 1 else "the chosen configuration") + others


def drawn_words(result: StudyResult) -> str:
    """What a chart leaves out, in a sentence; nothing where it shows all."""
    total, drawn = len(result.members), min(MOST, len(result.members))
    if drawn == total:
        return ""
    return f"Drawn are {drawn} of {formats.plural(total, noun(result))}: {which(result, drawn)}."


def learned_words(result: StudyResult) -> str:
    """What the learning curves leave out; nothing where they show all."""
    if not drawn_words(result):
        return ""
    return f"Drawn are those {noun(result)}s of the chart of accuracies that train in epochs."


def folded_words(result: StudyResult, selection: Selection) -> str:
    """What a table shows at once, in a sentence; nothing where it shows all."""
    if not selection.folded:
        return ""
    total, shown = len(result.members), len(selection.shown)
    return f"Listed are {shown} of {formats.plural(total, noun(result))}: {which(result, shown)}."
