"""What a study says, in plain sentences that claim no more than the intervals carry."""

from __future__ import annotations

from collections.abc import Sequence

from handlens.evaluate import Interval
from handlens.report import formats
from handlens.report.selection import noun
from handlens.studies.storage.result import Row, StudyResult, chosen_of_each

PERCENT = "\N{NO-BREAK SPACE}%"
MOST_NAMES = 4


def headline(result: StudyResult) -> str:
    """Which configuration was chosen, and by what."""
    best, *others = result.rows
    images = formats.plural(result.chosen.runs[0].validation.images, "validation image")
    score = f"{_score(best.validation)} of the {images}"
    what = noun(result)
    if not others:
        return f"The only {what} of this study, {best.model}, was right on {score}."
    tied = [row.model for row in others if row.validation.mean == best.validation.mean]
    if tied:
        verb = "was" if len(tied) == 1 else "were"
        reason = f"as {verb} {_names(tied, what)}; fewer parameters decide a tie, then the name"
    else:
        rivals = f"any of the other {len(others)} {what}s" if len(others) > 1 else others[0].model
        reason = f"more than {rivals}"
    return f"The choice is {best.model}: right on {score}, {reason}."


def choice(result: StudyResult) -> str:
    """Who chose, and what the test images had to do with it."""
    said = f"The validation images ordered the {noun(result)}s and chose this one; "
    if result.rows[0].test is None:
        return said + "the test images took no part in that."
    return said + "the test images took no part in that and were only counted afterwards."


def paragraphs(result: StudyResult) -> list[str]:
    """Below the headline: test accuracy and what it separates; what the intervals allow for and who chose."""
    best, what = result.rows[0], noun(result)
    last = f"{covers(result.rows)} {choice(result)}"
    if best.test is None or best.macro_f1 is None:
        opened = any(row.test is not None for row in result.rows)
        of_whom = f"for {best.model}" if opened else f"for any {what} here"
        return [f"The test images were not opened {of_whom}, so its error on new images is not known.", last]
    images = formats.plural(result.chosen.tests[0].look.scores.images, "test image")
    runs = formats.plural(best.replicates, "replicate")
    scored = (
        f"Of the {images} it got {_score(best.test)} right over {runs} "
        f"(95{PERCENT} interval {_range(best.test)}; macro F1 {_score_of(best.macro_f1, best.test)})."
    )
    return [" ".join([scored, *comparison(result.rows, what)]), last]


def looks(result: StudyResult) -> str:
    """How often the test images were looked at, and which configurations this study opened them for."""
    if all(row.test is None for row in result.rows):
        return "The test images were not opened."
    counted = ""
    if result.looks is not None:
        by = formats.plural(result.looks.configurations, "configuration")
        counted = f"so far these test images were looked at {formats.times(result.looks.runs)}, by {by}"
    said = "; ".join(text for text in (counted, _opened(result)) if text)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _opened(result: StudyResult) -> str:
    """For which of several configurations the test images were opened; nothing if for all."""
    opened = [m for m, row in zip(result.members, result.rows, strict=True) if row.test is not None]
    if len(opened) == len(result.members):
        return ""
    chosen = chosen_of_each(result.members)
    if set(opened) == set(chosen):
        each = " of each recipe" if len(chosen) > 1 else ""
        return f"here they were opened only for the chosen configuration{each}"
    return f"here they were opened for {len(opened)} of {formats.plural(len(result.members), noun(result))}"


def comparison(rows: Sequence[Row], what: str = "recipe") -> list[str]:
    """Which test intervals overlap with that of the first row, and which lie apart from it.

    Rows whose test images were not opened are left out, and nothing is said if the first is one of them.
    """
    tested = [(row.model, row.test) for row in rows if row.test is not None]
    if len(tested) < 2 or rows[0].test is None:
        return []
    (name, score), (second, second_score), *others = tested
    runner_up = "The runner-up on validation images"
    if second != rows[1].model:
        runner_up = "The next on validation images of those whose test images were opened"
    said = [
        f"{runner_up}, {second}, got {_score(second_score)} of the test images "
        f"right ({_range(second_score)}); {_relation(second_score, score)}."
    ]
    for where, (one, many) in {
        "overlap": ("overlaps with that of {} as well", "overlap with that of {} as well"),
        "below": ("lies wholly below that of {}", "lie wholly below that of {}"),
        "above": (
            "lies wholly above that of {}, which validation images preferred",
            "lie wholly above that of {}, which validation images preferred",
        ),
    }.items():
        names = [other for other, theirs in others if position(theirs, score) == where]
        if names:
            interval, verb = ("interval", one) if len(names) == 1 else ("intervals", many)
            said.append(f"The {interval} of {_names(names, what)} {verb.replace('{}', name)}.")
    # An interval is of one recipe alone; a verdict pairs images and pays for all comparisons, so may differ.
    return [*said, "Whether two differ, image by image and all pairs counted, is for the verdicts to say."]


def _names(names: Sequence[str], what: str) -> str:
    """The names, or how many they are where that would be a long list."""
    return formats.joined(names) if len(names) <= MOST_NAMES else f"{len(names)} other {what}s"


def covers(rows: Sequence[Row]) -> str:
    """What the intervals allow for."""
    counts = {row.replicates for row in rows}
    if counts == {1}:
        return (
            "Each recipe was trained once, so the intervals allow for the choice of images "
            "but not for that of the seed."
        )
    if 1 in counts:
        return (
            "The intervals allow for the choice of images and of seeds; "
            "those of recipes trained only once allow for images alone."
        )
    return "The intervals allow for the choice of images and of seeds."


def position(other: Interval, best: Interval) -> str:
    """Where `other` lies: `overlap`, `below` or `above`."""
    if other.high < best.low:
        return "below"
    return "above" if other.low > best.high else "overlap"


def _relation(second: Interval, best: Interval) -> str:
    return {
        "overlap": "the two intervals overlap, so they alone do not settle which of the two "
        "does better on new images",
        "below": "the two intervals do not overlap, and its interval is the lower one",
        "above": "the two intervals do not overlap, and its interval is the higher one, "
        "although validation images preferred the other",
    }[position(second, best)]


def _score(interval: Interval) -> str:
    return _score_of(interval.mean, interval)


def _score_of(share: float, interval: Interval) -> str:
    return f"{formats.percent(share, formats.percent_digits([interval]))}{PERCENT}"


def _range(interval: Interval) -> str:
    digits = formats.percent_digits([interval])
    return f"{formats.percent(interval.low, digits)} to {formats.percent(interval.high, digits)}{PERCENT}"
