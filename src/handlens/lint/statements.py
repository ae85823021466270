"""Walks through statements in order, without running any: what does each name stand for?

A light abstract interpretation: loops are walked twice (so that the second round sees what the first
one left), both sides of an `if` are walked, functions are walked where they are called.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from handlens.lint import binding, choices, hints, rounds
from handlens.lint.memory import Loop
from handlens.lint.objects import Function, UserClass
from handlens.lint.values import UNKNOWN, Layer, Ref
from handlens.lint.walker import Walker


def walk(walker: Walker, node: ast.stmt) -> None:
    """Walk one statement."""
    match node:
        case ast.Import() | ast.ImportFrom():
            _imported(walker, node)
        case ast.Assign():
            value = walker.evaluate(node.value)
            for target in node.targets:
                binding.assign(walker, target, value, node.value)
        case ast.AnnAssign() if node.value is not None:
            binding.assign(walker, node.target, walker.evaluate(node.value), node.value)
        case ast.AugAssign():
            binding.augment(walker, node)
        case ast.Expr():
            walker.evaluate(node.value)
        case ast.For() | ast.AsyncFor():
            _repeat(walker, node.target, node.iter, node.body)
            walker.run(node.orelse)
        case ast.While():
            _repeat(walker, None, node.test, node.body)
        case ast.If():
            choices.condition(walker, node)
            walker.run(node.body)
            walker.run(node.orelse)
        case ast.With() | ast.AsyncWith():
            for item in node.items:
                value = walker.evaluate(item.context_expr)
                if item.optional_vars is not None:
                    binding.assign(walker, item.optional_vars, value, item.context_expr)
            walker.run(node.body)
        case ast.Match():
            for case in node.cases:
                walker.run(case.body)
        case ast.Try() | ast.TryStar():
            for part in (node.body, node.orelse, node.finalbody):
                walker.run(part)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            _function(walker, node)
        case ast.ClassDef():
            _class(walker, node)
        case ast.Return():
            walker.frames[-1].returned.append(walker.evaluate(node.value))
        case ast.Assert():
            walker.evaluate(node.test)


def _class(walker: Walker, node: ast.ClassDef) -> None:
    base = next((walker.evaluate(b) for b in node.bases), UNKNOWN)
    path = base.path if isinstance(base, Ref) else base.base if isinstance(base, UserClass) else ""
    made = UserClass(node, walker.frames[-1].scope, walker.cell, path)
    walker.classes.append(made)
    walker.frames[-1].scope[node.name] = made


def _function(walker: Walker, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    made = Function(node, walker.frames[-1].scope, walker.cell)
    walker.functions.append(made)
    walker.frames[-1].scope[node.name] = made


def _imported(walker: Walker, node: ast.Import | ast.ImportFrom) -> None:
    for alias in node.names:
        if isinstance(node, ast.Import):
            name = alias.asname or alias.name.partition(".")[0]
            path = alias.name if alias.asname else name
        else:
            name = alias.asname or alias.name
            path = f"{node.module or ''}.{alias.name}"
        if name != "*":
            walker.frames[-1].scope[name] = Ref(path)


def _repeat(walker: Walker, target: ast.expr | None, over: ast.expr, body: Sequence[ast.stmt]) -> None:
    values, folds = rounds.elements(walker, over)
    names = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)} if target is not None else set()
    folds = folds or any("fold" in hints.words(name) for name in names)
    label = "epoch" if target is None else "_".join(sorted(names))
    loop = Loop(walker.tick(), names, folds=folds, label=label)
    walker.loops.append(loop)
    try:
        # Layers kept in a list are applied one after the other; of anything else two rounds show all.
        often = len(values) if all(isinstance(v, Layer) for v in values) else 2
        for iteration in range(often):
            loop.iteration = iteration
            if target is not None:
                binding.assign(walker, target, values[min(iteration, len(values) - 1)], over, loop=True)
            walker.run(body)
    finally:
        walker.loops.pop()
    choices.loop_done(walker, loop)
