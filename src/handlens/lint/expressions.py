"""What an expression stands for."""

from __future__ import annotations

import ast
import string
from dataclasses import replace
from typing import Any

from handlens.lint import binding, choices, comprehensions, letters
from handlens.lint.library import arrays, call
from handlens.lint.objects import Function, History, Instance, Method, Model, Out, Score
from handlens.lint.operators import binary, compare, unary
from handlens.lint.values import MOST_ITEMS, MOST_TEXT, UNKNOWN, Const, Data, Map, Perm, Ref, Seq, Value
from handlens.lint.walker import Walker


def evaluate(walker: Walker, node: ast.AST) -> Value:
    """The abstract value of an expression; `UNKNOWN` for what the check does not follow."""
    match node:
        case ast.Constant():
            return Const(node.value)
        case ast.Name():
            value = walker.lookup(node.id)
            return value if value is not None else _unbound(node.id)
        case ast.Attribute():
            return attribute(walker.evaluate(node.value), node.attr)
        case ast.Call():
            return call.evaluate(walker, node)
        case ast.Subscript():
            return subscript(walker, node)
        case ast.BinOp():
            return binary(walker, node)
        case ast.UnaryOp():
            return unary(walker, node)
        case ast.Compare():
            return compare(walker, node)
        case ast.Tuple() | ast.List() | ast.Set():
            return sequence(walker, node.elts)
        case ast.Dict():
            return mapping(walker, node)
        case ast.JoinedStr():
            return joined(walker, node)
        case ast.FormattedValue():
            return walker.evaluate(node.value)
        case ast.IfExp():
            choices.conditional(walker, node)
            return _first_known(walker, [node.body, node.orelse])
        case ast.BoolOp():
            return _first_known(walker, node.values)
        case ast.Lambda():
            return Function(node, walker.frames[-1].scope, walker.cell)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return comprehensions.evaluate(walker, node)
        case ast.NamedExpr():
            value = walker.evaluate(node.value)
            binding.assign(walker, node.target, value, node.value)
            return value
        case ast.Await() | ast.Starred():
            return walker.evaluate(node.value)
        case ast.Yield() if node.value is not None:
            walker.evaluate(node.value)
    return UNKNOWN


def _first_known(walker: Walker, nodes: list[ast.expr]) -> Value:
    values = [walker.evaluate(node) for node in nodes]
    return next((value for value in values if value is not UNKNOWN), UNKNOWN)


def _unbound(name: str) -> Value:
    """A name that nothing in the notebook binds (`from utils import *`)."""
    return Ref(name) if not _known_data(name) else arrays.from_name(name)


def _known_data(name: str) -> bool:
    return name.lower().startswith(("x_", "y_", "x", "y")) and arrays.part_of(name) != ""


def sequence(walker: Walker, nodes: list[ast.expr]) -> Seq:
    items: list[Value] = []
    for element in nodes[:MOST_ITEMS]:
        value = walker.evaluate(element)
        if isinstance(element, ast.Starred) and isinstance(value, Seq):
            items.extend(value.items)
        else:
            items.append(value)
    return Seq(items[:MOST_ITEMS])


def mapping(walker: Walker, node: ast.Dict) -> Map:
    made: dict[Any, Value] = {}
    for key, element in list(zip(node.keys, node.values, strict=True))[:MOST_ITEMS]:
        value = walker.evaluate(element)
        name = walker.evaluate(key)
        if key is None and isinstance(value, Map):
            made.update(value.items)
        elif isinstance(name, Const) and isinstance(name.value, str | int | float):
            made[name.value] = value
        else:
            made[f"?{len(made)}"] = value
    return Map(made)


def joined(walker: Walker, node: ast.JoinedStr) -> Value:
    text = ""
    scores: list[Value] = []
    for part in node.values:
        value = walker.evaluate(part)
        text += str(value.value) if isinstance(value, Const) else "{}"
        scores += choices.scores_in(value)
    text = text[:MOST_TEXT]
    return Seq([Const(text), *scores[:MOST_ITEMS]]) if scores else Const(text)


def attribute(owner: Value, name: str) -> Value:
    match owner:
        case Ref():
            if f"{owner.path}.{name}" == "string.ascii_uppercase":
                return Const(string.ascii_uppercase)
            return Ref(f"{owner.path}.{name}")
        case Instance():
            if name in owner.attributes:
                return owner.attributes[name]
            return Method(owner, name)
        case Model():
            if name in owner.attributes:
                return owner.attributes[name]
            if name in ("best_score_", "cv_results_", "best_params_", "feature_importances_"):
                return UNKNOWN
            if name in ("best_estimator_", "model", "estimator"):
                return owner
            if name in ("output", "outputs"):
                return Out(owner.last, owner.units, model=None, noisy=owner.noisy)
            return Method(owner, name)
        case History():
            if name == "history":
                return owner
            return UNKNOWN
        case Data():
            return arrays.attribute(owner, name)
        case Score() if name in ("T", "values", "real"):
            return owner
        case Out() if name in ("data", "T"):
            return owner
        case Map() | Seq() if name in ("values", "iloc", "loc", "T") and not isinstance(owner, Map):
            return Method(owner, name)
    return Method(owner, name)


def subscript(walker: Walker, node: ast.Subscript) -> Value:
    owner = walker.evaluate(node.value)
    key = walker.evaluate(node.slice) if not isinstance(node.slice, ast.Slice) else UNKNOWN
    if (found := letters.looked_up(walker, owner, key, node)) is not None:
        return found
    match owner:
        case Seq():
            return _seq_item(walker, owner, node.slice, key)
        case Map():
            plain = isinstance(key, Const) and isinstance(key.value, str | int | float | bool)
            if isinstance(key, Const) and plain and key.value in owner.items:
                return owner.items[key.value]
            values = list(owner.items.values())
            return values[0] if values and not isinstance(key, Const) else UNKNOWN
        case Data():
            return arrays.select(walker, owner, node.slice, key)
        case Perm():
            return replace(owner, key=(owner.key, ast.dump(node.slice)), sorts=owner.sorts)
        case History():
            return choices.history_score(walker, owner, key, node)
        case Score():
            if isinstance(key, Const) and isinstance(key.value, str):
                return replace(owner, key=key.value)
            return owner
        case Out():
            rows = owner.data
            if rows is not None and isinstance(node.slice, ast.Slice | ast.Name | ast.Constant):
                picked = arrays.select(walker, rows, node.slice, key)
                rows = picked if isinstance(picked, Data) else rows
            return replace(owner, data=rows)
        case Method() if owner.name in ("loc", "iloc", "at"):
            if isinstance(owner.owner, Data):
                return arrays.select(walker, owner.owner, node.slice, key)
            if isinstance(key, Const) and key.value in (0, -1):
                choices.first_taken(walker, owner.owner)
            return owner.owner
        case Const() if isinstance(owner.value, str) and isinstance(node.slice, ast.Slice):
            return _text_slice(walker, owner.value, node.slice)
    return UNKNOWN


def _text_slice(walker: Walker, text: str, part: ast.Slice) -> Value:
    low, high = walker.evaluate(part.lower), walker.evaluate(part.upper)
    ends = [v.value if isinstance(v, Const) and isinstance(v.value, int) else None for v in (low, high)]
    return Const(text[ends[0] : ends[1]])


def _seq_item(walker: Walker, owner: Seq, index: ast.expr, key: Value) -> Value:
    if isinstance(index, ast.Slice):
        low, high = walker.evaluate(index.lower), walker.evaluate(index.upper)
        ends = [v.value if isinstance(v, Const) and isinstance(v.value, int) else None for v in (low, high)]
        return Seq(owner.items[ends[0] : ends[1]], owner.by_class, owner.run)
    if isinstance(key, Const) and isinstance(key.value, int):
        if key.value in (0, -1):
            choices.first_taken(walker, owner)
        try:
            return owner.items[key.value]
        except IndexError:
            return UNKNOWN
    return owner.items[0] if owner.items else UNKNOWN
