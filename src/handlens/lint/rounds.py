"""What the rounds of a loop and the parameters of a function are given."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import hints
from handlens.lint.objects import Function, Out, Splitter
from handlens.lint.values import UNKNOWN, Const, Data, Map, Perm, Seq, Value
from handlens.lint.walker import Walker


def elements(walker: Walker, over: ast.expr) -> tuple[list[Value], bool]:
    """What a loop over an expression yields in its first rounds, and whether these are folds."""
    value = walker.evaluate(over)
    if isinstance(value, Seq):
        folds = any(
            isinstance(i, Perm) and "fold" in str(i.key)
            for item in value.items[:1]
            for i in (item.items if isinstance(item, Seq) else [item])
        )
        return (value.items or [UNKNOWN]), folds
    if isinstance(value, Map):
        return [_plain(key) for key in value.items] or [UNKNOWN], False
    if isinstance(value, Const) and isinstance(value.value, str):
        return [Const(c) for c in value.value[:64]] or [UNKNOWN], False
    if isinstance(value, Data):
        return [passed(walker, value)], False
    if isinstance(value, Out):
        return [value], False
    return [UNKNOWN], isinstance(value, Splitter)


def _plain(key: object) -> Value:
    return UNKNOWN if isinstance(key, str) and key.startswith("?") else Const(key)


def passed(walker: Walker, data: Data) -> Value:
    """One element of a pass over a loader, generator or array; a shuffled pass has an order of its own."""
    rows = (*data.rows, ("pass", walker.tick())) if data.shuffles else data.rows
    one = replace(data, rows=rows, shuffles=False, fresh=False, kind="array", pairs=False)
    if data.pairs or data.kind in ("loader", "generator", "dataset"):
        return Seq([one, one])
    return one


def parameters(
    walker: Walker, function: Function, args: list[Value], kwargs: dict[str, Value], scope: dict[str, Value]
) -> None:
    """Bind parameters to what is given, to their defaults, or to what their names say."""
    spec = function.node.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    defaults = dict(zip(reversed(names), reversed(spec.defaults), strict=False))
    origin = walker.tick()
    for place, name in enumerate([*names, *(a.arg for a in spec.kwonlyargs)]):
        if place < len(args) and place < len(names):
            scope[name] = args[place]
        elif name in kwargs:
            scope[name] = kwargs[name]
        elif name in defaults:
            scope[name] = walker.evaluate(defaults[name])
        elif (part := hints.part(name)) and hints.looks_like_data(name):
            loader = "loader" if "loader" in name.lower() or "_dl" in name.lower() else "array"
            scope[name] = Data(frozenset({part}), origin=origin, kind=loader)
        else:
            scope[name] = UNKNOWN
