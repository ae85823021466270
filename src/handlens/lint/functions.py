"""Functions of the notebook: walked where they are called, or alone where nobody calls them."""

from __future__ import annotations

import ast

from handlens.lint import rounds
from handlens.lint.memory import Frame, Loop
from handlens.lint.objects import Function
from handlens.lint.values import UNKNOWN, Value
from handlens.lint.walker import Walker

DEEPEST_CALL = 8


def call(
    walker: Walker, function: Function, args: list[Value], kwargs: dict[str, Value], node: ast.Call
) -> Value:
    """Walk a function's body with what it is given, where it is called."""
    function.called = True
    if len(walker.frames) > DEEPEST_CALL or any(
        f.name == getattr(function.node, "name", "lambda") for f in walker.frames[1:]
    ):
        return UNKNOWN
    scope = dict(function.scope) if len(walker.frames) > 1 else {}
    rounds.parameters(walker, function, args, kwargs, scope)
    added = _settings_of(walker, function, node)
    walker.frames.append(Frame(scope, name=getattr(function.node, "name", "lambda")))
    cell, walker.cell = walker.cell, function.cell
    try:
        if isinstance(function.node, ast.Lambda):
            return walker.evaluate(function.node.body)
        walker.run(function.node.body)
        returned = [v for v in walker.frames[-1].returned if v is not UNKNOWN]
        return returned[-1] if returned else UNKNOWN
    finally:
        walker.cell = cell
        walker.frames.pop()
        for loop, names in added:
            loop.names -= names


def _settings_of(walker: Walker, function: Function, node: ast.Call) -> list[tuple[Loop, set[str]]]:
    """Parameters that receive a loop's variable stand for it while the function is walked."""
    added = []
    names = [a.arg for a in (*function.node.args.posonlyargs, *function.node.args.args)]
    for loop in walker.loops:
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


def uncalled(walker: Walker) -> None:
    """Functions that are never called: walked once, with what the names of their parameters say."""
    for function in list(walker.functions):
        if not function.called:
            _alone(walker, function)
    for made in list(walker.classes):
        if not made.used:
            for node in made.node.body:
                if isinstance(node, ast.FunctionDef):
                    _alone(walker, Function(node, made.scope, made.cell))


def _alone(walker: Walker, function: Function) -> None:
    node = ast.Call(ast.Name("f"), [], [], lineno=1)
    walker.loops = []
    del walker.frames[1:]
    call(walker, function, [], {}, node)
