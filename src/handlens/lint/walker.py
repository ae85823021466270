"""Walks through the statements of a notebook in order, without running any: what does each name stand for?

A light abstract interpretation: loops are walked twice (so that the second round sees what the first
one left), both sides of an `if` are walked, functions are walked where they are called.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from handlens.lint import binding, choices, expressions, hints, rounds
from handlens.lint.finding import Cell, Finding
from handlens.lint.memory import Enough, Frame, Loop, Memory
from handlens.lint.objects import Function, UserClass
from handlens.lint.values import UNKNOWN, Layer, Place, Ref, Value

MOST_STEPS = 100_000
DEEPEST_CALL = 8
_GOES_ON = re.compile(
    r"fine.?tun|warm.?start|unfreez|thaw|(continue|resume|further|more) train"
    r"|train(ing)? (on|further|longer|some more)"
    r"|second (phase|stage)|feinabstimm|weiter ?train|nachtrain|auftauen",
    re.IGNORECASE,
)


class Walker:
    """The state of a walk and its statements; expressions are in `expressions`, calls in `library`."""

    def __init__(self) -> None:
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

    # What the rules use

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
        return expressions.evaluate(self, node)

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

    # Statements

    def cell_of(self, cell: Cell, tree: ast.Module) -> None:
        self.cell = cell.number
        self.sources[cell.number] = cell.source.split("\n")
        self.loops = []
        del self.frames[1:]
        self.run(tree.body)

    def run(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self.imported(node)
            case ast.Assign():
                value = self.evaluate(node.value)
                for target in node.targets:
                    binding.assign(self, target, value, node.value)
            case ast.AnnAssign() if node.value is not None:
                binding.assign(self, node.target, self.evaluate(node.value), node.value)
            case ast.AugAssign():
                binding.augment(self, node)
            case ast.Expr():
                self.evaluate(node.value)
            case ast.For() | ast.AsyncFor():
                self.repeat(node.target, node.iter, node.body)
                self.run(node.orelse)
            case ast.While():
                self.repeat(None, node.test, node.body)
            case ast.If():
                choices.condition(self, node)
                self.run(node.body)
                self.run(node.orelse)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    value = self.evaluate(item.context_expr)
                    if item.optional_vars is not None:
                        binding.assign(self, item.optional_vars, value, item.context_expr)
                self.run(node.body)
            case ast.Match():
                for case in node.cases:
                    self.run(case.body)
            case ast.Try() | ast.TryStar():
                for part in (node.body, node.orelse, node.finalbody):
                    self.run(part)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.define(node)
            case ast.ClassDef():
                self.define_class(node)
            case ast.Return():
                self.frames[-1].returned.append(self.evaluate(node.value))
            case ast.Assert():
                self.evaluate(node.test)

    def define_class(self, node: ast.ClassDef) -> None:
        base = next((self.evaluate(b) for b in node.bases), UNKNOWN)
        path = base.path if isinstance(base, Ref) else base.base if isinstance(base, UserClass) else ""
        made = UserClass(node, self.frames[-1].scope, self.cell, path)
        self.classes.append(made)
        self.frames[-1].scope[node.name] = made

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        made = Function(node, self.frames[-1].scope, self.cell)
        self.functions.append(made)
        self.frames[-1].scope[node.name] = made

    def imported(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                path = alias.name if alias.asname else name
            else:
                name = alias.asname or alias.name
                path = f"{node.module or ''}.{alias.name}"
            if name != "*":
                self.frames[-1].scope[name] = Ref(path)

    def repeat(self, target: ast.expr | None, over: ast.expr, body: Sequence[ast.stmt]) -> None:
        values, folds = rounds.elements(self, over)
        names = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)} if target is not None else set()
        folds = folds or any("fold" in hints.words(name) for name in names)
        label = "epoch" if target is None else "_".join(sorted(names))
        loop = Loop(self.tick(), names, folds=folds, label=label)
        self.loops.append(loop)
        try:
            # Layers kept in a list are applied one after the other; of anything else two rounds show all.
            often = len(values) if all(isinstance(v, Layer) for v in values) else 2
            for iteration in range(often):
                loop.iteration = iteration
                if target is not None:
                    binding.assign(self, target, values[min(iteration, len(values) - 1)], over, loop=True)
                self.run(body)
        finally:
            self.loops.pop()
        choices.loop_done(self, loop)

    # Functions

    def call(self, function: Function, args: list[Value], kwargs: dict[str, Value], node: ast.Call) -> Value:
        """Walk a function's body with what it is given, where it is called."""
        function.called = True
        if len(self.frames) > DEEPEST_CALL or any(
            f.name == getattr(function.node, "name", "lambda") for f in self.frames[1:]
        ):
            return UNKNOWN
        scope = dict(function.scope) if len(self.frames) > 1 else {}
        rounds.parameters(self, function, args, kwargs, scope)
        added = self._settings_of(function, node)
        self.frames.append(Frame(scope, name=getattr(function.node, "name", "lambda")))
        cell, self.cell = self.cell, function.cell
        try:
            if isinstance(function.node, ast.Lambda):
                return self.evaluate(function.node.body)
            self.run(function.node.body)
            returned = [v for v in self.frames[-1].returned if v is not UNKNOWN]
            return returned[-1] if returned else UNKNOWN
        finally:
            self.cell = cell
            self.frames.pop()
            for loop, names in added:
                loop.names -= names

    def _settings_of(self, function: Function, node: ast.Call) -> list[tuple[Loop, set[str]]]:
        """Parameters that receive a loop's variable stand for it while the function is walked."""
        added = []
        names = [a.arg for a in (*function.node.args.posonlyargs, *function.node.args.args)]
        for loop in self.loops:
            given = set()
            for name, value in zip(names, node.args, strict=False):
                if {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} & loop.names:
                    given.add(name)
            for keyword in node.keywords:
                said = {n.id for n in ast.walk(keyword.value) if isinstance(n, ast.Name)}
                if said & loop.names and keyword.arg:
                    given.add(keyword.arg)
            if given - loop.names:
                added.append((loop, given - loop.names))
                loop.names |= given
        return added

    def uncalled(self) -> None:
        """Functions that are never called: walked once, with what the names of their parameters say."""
        for function in list(self.functions):
            if not function.called:
                self._alone(function)
        for made in list(self.classes):
            if not made.used:
                for node in made.node.body:
                    if isinstance(node, ast.FunctionDef):
                        self._alone(Function(node, made.scope, made.cell))

    def _alone(self, function: Function) -> None:
        call = ast.Call(ast.Name("f"), [], [], lineno=1)
        self.loops = []
        del self.frames[1:]
        self.call(function, [], {}, call)
