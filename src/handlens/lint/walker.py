"""The state of a walk through a notebook: what all that read expressions and statements share."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

from handlens.lint.finding import Cell, Finding
from handlens.lint.memory import Enough, Frame, Loop, Memory
from handlens.lint.objects import Function, UserClass
from handlens.lint.values import UNKNOWN, Place, Value

MOST_STEPS = 100_000
_GOES_ON = re.compile(
    r"fine.?tun|warm.?start|unfreez|thaw|(continue|resume|further|more) train"
    r"|train(ing)? (on|further|longer|some more)"
    r"|second (phase|stage)|feinabstimm|weiter ?train|nachtrain|auftauen",
    re.IGNORECASE,
)


class Walker:
    """The state of a walk. What an expression stands for and what a statement does it is told at the start:
    both need the state, so neither is known here.
    """

    def __init__(
        self,
        expression: Callable[[Walker, ast.AST], Value],
        statement: Callable[[Walker, ast.stmt], None],
    ) -> None:
        self._expression, self._statement = expression, statement
        self.found: dict[tuple[str, int, int], Finding] = {}
        self.frames = [Frame({})]
        self.loops: list[Loop] = []
        self.memory = Memory()
        self.functions: list[Function] = []
        self.classes: list[UserClass] = []
        self.sources: dict[int, list[str]] = {}
        self.texts: dict[int, list[str]] = {}
        self.cell = 0
        self.steps = self.ticks = 0

    def report(self, rule: str, at: ast.AST | Place, because: str = "") -> None:
        place = at if isinstance(at, Place) else self.place(at)
        lines = self.sources.get(place.cell, [])
        source = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else ""
        if "handlens: ignore" in source:
            return
        self.found.setdefault(
            (rule, place.cell, place.line), Finding(rule, place.cell, place.line, source, because)
        )

    def place(self, node: ast.AST) -> Place:
        return Place(self.cell, getattr(node, "lineno", 1))

    def tick(self) -> int:
        self.ticks += 1
        return self.ticks

    def evaluate(self, node: ast.AST | None) -> Value:
        if node is None:
            return UNKNOWN
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Enough
        return self._expression(self, node)

    def lookup(self, name: str) -> Value | None:
        for frame in (self.frames[-1], self.frames[0]):
            if name in frame.scope:
                return frame.scope[name]
        return None

    def fine_tuning(self, node: ast.AST) -> bool:
        """Do the lines above, or the text before the cell, say that the training is meant to go on?"""
        line = getattr(node, "lineno", 1)
        above = self.sources.get(self.cell, [])[max(line - 12, 0) : line]
        text = "\n".join([*above, *self.texts.get(self.cell - 1, [])[-12:]])
        return bool(_GOES_ON.search(text))

    def mentioned(self, node: ast.AST, *, seeds: bool = False) -> set[int]:
        """The loops over settings (or over seeds) whose variables an expression speaks of."""
        loops = [loop for loop in self.loops if not loop.epochs and not loop.folds and loop.seeds == seeds]
        if not loops:
            return set()
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        return {loop.number for loop in loops if loop.names & names}

    def cell_of(self, cell: Cell, tree: ast.Module) -> None:
        self.cell = cell.number
        self.sources[cell.number] = cell.source.split("\n")
        self.loops = []
        del self.frames[1:]
        self.run(tree.body)

    def run(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self._statement(self, statement)
