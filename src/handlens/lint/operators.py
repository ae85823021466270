"""Arithmetic and comparisons."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from handlens.lint import choices
from handlens.lint.objects import Loss, Out, Score
from handlens.lint.values import MOST_ITEMS, UNKNOWN, Const, Data, Leak, Ref, Seq, Stat, Value
from handlens.lint.walker import Walker


def binary(walker: Walker, node: ast.BinOp) -> Value:
    left, right = walker.evaluate(node.left), walker.evaluate(node.right)
    for side in (left, right):
        if isinstance(side, Score):
            other = right if side is left else left
            if isinstance(other, Score) and other.parts != side.parts:
                return Score(other.parts | side.parts, side.place, None, True)
            return side
    if isinstance(left, Const) and isinstance(right, Const):
        return _constants(left.value, node.op, right.value)
    if isinstance(left, Seq) and isinstance(node.op, ast.Mult):
        return Seq(left.items, left.by_class, run=True)
    if isinstance(left, Seq) and isinstance(right, Seq) and isinstance(node.op, ast.Add):
        by_class = left.by_class or right.by_class or (walker.tick() if left.run and right.run else 0)
        return Seq([*left.items, *right.items][:MOST_ITEMS], by_class)
    if (
        isinstance(node.op, ast.Div)
        and any(isinstance(v, Ref | Const) for v in (left,))
        and isinstance(right, Const)
    ):
        return Const(f"{left.value if isinstance(left, Const) else ''}/{right.value}")
    if isinstance(left, Data):
        return _with_statistic(walker, left, right, node)
    if isinstance(right, Data):
        return right
    if isinstance(left, Out) or isinstance(right, Out):
        out = left if isinstance(left, Out) else right
        assert isinstance(out, Out)
        return replace(out, last="") if isinstance(node.op, ast.Add) and out.data is None else out
    if isinstance(left, Stat):
        return left
    if isinstance(left, Const) and isinstance(left.value, str) and isinstance(node.op, ast.Mod):
        return Seq([left, *choices.scores_in(right)]) if choices.scores_in(right) else left
    if isinstance(left, Loss) or isinstance(right, Loss):
        return left if isinstance(left, Loss) else right
    return UNKNOWN


def _with_statistic(walker: Walker, data: Data, other: Value, node: ast.BinOp) -> Value:
    """`(x - x.mean(0)) / x.std(0)`: what the statistic saw stays with the data."""
    if isinstance(other, Stat) and other.name in ("mean", "std", "var", "median", "axis0"):
        of = other.data
        if of.sliced and not of.learnt_from:
            return data  # most likely the training rows, by their place
        leak = Leak("the mean or deviation", of.learnt_from, walker.place(node), origin=of.origin)
        if not any(known.what == leak.what and known.parts == leak.parts for known in data.leaks):
            return replace(data, leaks=data.leaks | {leak})
    changed = data
    if isinstance(other, Const) and isinstance(node.op, ast.Sub) and data.numbering == "raw":
        changed = replace(changed, numbering="changed") if not isinstance(other.value, float) else changed
    if (
        isinstance(other, Data)
        and data.origin == other.origin
        and isinstance(node.op, ast.Sub)
        and data.numbering == "raw"
    ):
        changed = replace(changed, numbering="changed")  # `y - (y > 9)`
    return changed


def _constants(left: Any, operation: ast.operator, right: Any) -> Value:
    """Small arithmetic and joined text, so that paths and numbers of classes stay known."""
    numbers = all(isinstance(v, int | float) and abs(v) < 1e9 for v in (left, right))
    if isinstance(left, str) and isinstance(right, str) and isinstance(operation, ast.Add):
        return Const((left + right)[:2000])
    if isinstance(left, str) and isinstance(operation, ast.Mod):
        return Const(left)
    if not numbers:
        return UNKNOWN
    match operation:
        case ast.Add():
            return Const(left + right)
        case ast.Sub():
            return Const(left - right)
        case ast.Mult():
            return Const(left * right)
        case ast.FloorDiv() if right:
            return Const(left // right)
    return UNKNOWN


def unary(walker: Walker, node: ast.UnaryOp) -> Value:
    value = walker.evaluate(node.operand)
    if isinstance(value, Const) and isinstance(node.op, ast.USub) and isinstance(value.value, int | float):
        return Const(-value.value)
    return value


def compare(walker: Walker, node: ast.Compare) -> Value:
    """`predicted == labels` is a score in the making; `df.label == 3` picks one class."""
    left, right = walker.evaluate(node.left), walker.evaluate(node.comparators[0])
    equal = isinstance(node.ops[0], ast.Eq | ast.NotEq)
    if equal and (isinstance(left, Out) or isinstance(right, Out)):
        out, labels = (left, right) if isinstance(left, Out) else (right, left)
        assert isinstance(out, Out)
        return choices.agreement(walker, out, labels, node)
    if equal and isinstance(left, Data):
        choices.aligned(walker, left, right, node)
    if isinstance(left, Data):
        single = isinstance(right, Const) and isinstance(node.ops[0], ast.Eq)
        return replace(left, one_class=single, kind="mask", fresh=False)
    if isinstance(left, Score):
        return left
    return UNKNOWN
