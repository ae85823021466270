"""Claims in words: "the CNN is better", from one training of each."""

from __future__ import annotations

import re

from handlens.lint.finding import Cell
from handlens.lint.library.sklearn import SEEDED
from handlens.lint.objects import Model, Score
from handlens.lint.values import TEST, VAL, Place
from handlens.lint.walker import Walker

_CLAIM = re.compile(
    r"\b(outperform\w*|beats?|superior|better than|worse than|more accurate than|wins|clear(?:ly)? winner"
    r"|best (?:model|classifier|network|architecture|optimi[sz]er|result|performance|accuracy|choice|one)"
    r"|(?:is|was|performs?|works?|does|did|generali[sz]es)"
    r" (?:clearly |much |slightly |significantly |far |a bit |the )?(?:better|best)"
    r"|(?:higher|lower) (?:test )?(?:accuracy|error|f1)\w* than"
    r"|besser(?:e[nrs]?)? als|schlechter als|genauer als|übertrifft|schlägt|überlegen|am besten|gewinnt"
    r"|(?:das|die|der|beste[sn]?) beste[sn]? (?:modell|netz|ergebnis|genauigkeit|klassifikator)"
    r"|ist (?:deutlich |klar |etwas )?besser)\b",
    re.IGNORECASE,
)
# Questions, wishes and doubts are no claims; nor is a word about chance or about the training score.
_HEDGE = re.compile(
    r"\?|±|\+/-|\+-|\b(not|cannot|can't|no evidence|whether|if|which|would|could|might|may|should|let's"
    r"|we want|goal|aim|try|to see"
    r"|compare|expect\w*|hypothes\w*|undecided|interval|std|standard deviation|seeds?"
    r"|replicat\w*|repeated|runs|significan(?:t|ce)|p-value|chance|guess\w*|at random|baseline of"
    r"|train(?:ing)? (?:set|accuracy|score)"
    r"|kein\w*|nicht|ob|welche\w*|vielleicht|könnte|sollte|erwart\w*|wiederhol\w*|unentschieden)\b",
    re.IGNORECASE,
)
_TESTED = re.compile(r"±|\+/-|\b(confidence.interval|mcnemar|t-test|konfidenzintervall)\b", re.IGNORECASE)
_REPEATED = re.compile(
    r"\b(standard deviation|std|seeds|replicates|repetitions|wiederholungen|standardabweichung)\b",
    re.IGNORECASE,
)


def claim_in(text: str) -> tuple[int, str] | None:
    """The first line (from 0) of a text that claims one model to be better, with the words it uses."""
    for number, line in enumerate(text.split("\n")):
        for sentence in re.split(r"(?<=[.!?:;])\s", line):
            found = _CLAIM.search(sentence)
            if found and not _HEDGE.search(sentence):
                return number, found.group(0)
    return None


def judge(walker: Walker, cells: tuple[Cell, ...]) -> None:
    """Two models scored, each trained once, and a text after them that calls one better."""
    memory = walker.memory
    repeated = any(c.kind == "markdown" and _REPEATED.search(c.source) for c in cells)
    if memory.replicated or repeated or any(_TESTED.search(c.source) for c in cells):
        return
    firsts: dict[int, Score] = {}
    for score in memory.scored:
        if score.model is not None and score.parts & {TEST, VAL} and not score.history:
            firsts.setdefault(score.model.made, score)
    models = [s.model for s in firsts.values() if s.model is not None]
    if len(models) < 2 or not any(_seeded(m) for m in models):
        return
    order = {cell.number: i for i, cell in enumerate(cells)}
    second = sorted(_key(order, s.place) for s in firsts.values())[1]
    said = [*memory.said, *_written(cells)]
    for place, text in sorted(said, key=lambda s: _key(order, s[0])):
        if _key(order, place) >= second and (claim := claim_in(text)):
            line = Place(place.cell, place.line + claim[0])
            walker.report("one-replicate", line, f"The text says “{claim[1]}”; each model was trained once.")
            return


def _seeded(model: Model) -> bool:
    return model.kind != "sklearn" or any(word in model.name for word in SEEDED)


def _key(order: dict[int, int], place: Place) -> tuple[int, int]:
    return order.get(place.cell, 0), place.line


def _written(cells: tuple[Cell, ...]) -> list[tuple[Place, str]]:
    """Markdown cells. Comments are left out: `# save the best model` speaks of code."""
    return [(Place(cell.number, 1), cell.source) for cell in cells if cell.kind == "markdown"]
