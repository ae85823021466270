"""List, set and dictionary comprehensions."""

from __future__ import annotations

import ast

from handlens.lint import binding, choices, letters, rounds
from handlens.lint.memory import Loop
from handlens.lint.values import Const, Map, Seq, Value
from handlens.lint.walker import Walker

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def evaluate(walker: Walker, node: Comprehension) -> Value:
    """Two rounds as of a loop; a literal list is gone through whole, so that tables of names are known."""
    first = node.generators[0]
    values, folds = rounds.elements(walker, first.iter)
    if isinstance(node, ast.ListComp | ast.GeneratorExp) and (text := letters.filtered(values, node)):
        return text
    names = {n.id for n in ast.walk(first.target) if isinstance(n, ast.Name)}
    often = len(values) if all(_literal(v) for v in values) else 2
    loop = Loop(walker.tick(), names, folds=folds, label="_".join(sorted(names)))
    walker.loops.append(loop)
    scope = dict(walker.frames[-1].scope)
    made: list[Value] = []
    keys: list[Value] = []
    try:
        for loop.iteration in range(often):
            value = values[min(loop.iteration, len(values) - 1)]
            binding.assign(walker, first.target, value, first.iter, loop=True)
            for further in node.generators[1:]:
                inner, _ = rounds.elements(walker, further.iter)
                binding.assign(walker, further.target, inner[0], further.iter, loop=True)
            if isinstance(node, ast.DictComp):
                keys.append(walker.evaluate(node.key))
                made.append(walker.evaluate(node.value))
            else:
                made.append(walker.evaluate(node.elt))
    finally:
        walker.loops.pop()
        walker.frames[-1].scope.clear()
        walker.frames[-1].scope.update(scope)
    choices.loop_done(walker, loop)
    return _map(keys, made) if isinstance(node, ast.DictComp) else Seq(made)


def _literal(value: Value) -> bool:
    return isinstance(value, Const) or (
        isinstance(value, Seq) and all(isinstance(i, Const) for i in value.items)
    )


def _map(keys: list[Value], values: list[Value]) -> Map:
    named = [
        k.value if isinstance(k, Const) and isinstance(k.value, str | int | float) else f"?{i}"
        for i, k in enumerate(keys)
    ]
    return Map(dict(zip(named, values, strict=True)))
