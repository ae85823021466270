"""Methods of lists, dictionaries, texts, scores and predictions."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import choices
from handlens.lint.library.called import Called
from handlens.lint.objects import Out, Score
from handlens.lint.values import MOST_ITEMS, UNKNOWN, Const, Data, Map, Seq, Value


def ranked(value: Value, called: Called, name: str) -> Value:
    items = (
        value.items
        if isinstance(value, Seq)
        else list(value.items.values())
        if isinstance(value, Map)
        else []
    )
    return Seq(items, ranked=called.walker.place(called.node), ranked_by=name)


_ORDERS = {"sort_values", "sort", "nlargest", "nsmallest", "idxmax", "argmax", "idxmin", "argmin", "max"}


def container_method(called: Called, owner: Seq | Map) -> Value:
    """Methods of lists and dictionaries, and of tables made of them."""
    name = called.name
    if isinstance(owner, Seq) and name in ("append", "add", "insert", "extend"):
        return _append(called, owner)
    if isinstance(owner, Map) and name in ("items", "values", "keys", "get", "setdefault", "pop", "update"):
        return _map_method(called, owner)
    if name in _ORDERS:
        return _ordered(called, owner)
    if name == "head" and called.constant(0) == 1:
        choices.first_taken(called.walker, owner)
    if name in ("copy", "head", "reset_index", "set_index", "round", "flatten", "T", "to_frame", "tolist"):
        return owner
    found = choices.scores_in(owner)
    return found[0] if name in ("mean", "std") and found else UNKNOWN


def _map_method(called: Called, owner: Map) -> Value:
    name, key = called.name, called.constant(0)
    if name == "items":
        return Seq([Seq([Const(k), v]) for k, v in owner.items.items()])
    if name == "values":
        return Seq(list(owner.items.values()))
    if name == "keys":
        keys: list[Value] = [Const(k) for k in owner.items]
        return Seq(keys)
    if name == "update":
        other = called.get(0)
        if isinstance(other, Map) and len(owner.items) < MOST_ITEMS:
            owner.items.update(other.items)
        return UNKNOWN
    if key in owner.items:
        return owner.items[key]
    if name == "setdefault":
        owner.items[key if isinstance(key, str | int) else f"?{len(owner.items)}"] = called.get(1)
    return called.get(1)


def _ordered(called: Called, owner: Seq | Map) -> Value:
    """A list or table of scores sorted, or its largest taken."""
    by = called.constant(0 if called.name == "sort_values" else 1, "by", default="")
    if not isinstance(by, str):
        return owner
    key = next((k.value for k in called.node.keywords if k.arg == "key"), None)
    said = by or choices.key_of(key, called.kwargs.get("key", UNKNOWN))
    if called.name == "sort_values":
        return ranked(owner, called, said)
    if called.name == "sort":
        if isinstance(owner, Seq):
            owner.ranked, owner.ranked_by = called.walker.place(called.node), said
        return owner
    choices.chosen(called.walker, owner, called.node, said)
    return owner


def _append(called: Called, owner: Seq) -> Value:
    value = called.args[-1] if called.args else UNKNOWN
    if called.name == "extend" and isinstance(value, Seq):
        owner.by_class = owner.by_class or value.by_class
        if value.run:
            owner.by_class = owner.by_class or _class_loop(called) or 0
        owner.items.extend(value.items[:8])
    elif isinstance(value, Out | Score | Data) or len(owner.items) < 8:
        owner.items.append(value)
    del owner.items[MOST_ITEMS:]
    if called.node.args:
        _by_class(called, owner, called.node.args[-1])
    return UNKNOWN


def _class_loop(called: Called) -> int:
    return called.walker.loops[-1].number if called.walker.loops else 0


def _by_class(called: Called, owner: Seq, added: ast.expr) -> None:
    """In a loop over files inside a loop over classes, lists are filled one class after the other."""
    loops = called.walker.loops
    if len(loops) < 2 or loops[-2].epochs or loops[-1].epochs or loops[-2].seeds:
        return
    inner, outer = loops[-1], loops[-2]
    said = {n.id for n in ast.walk(added) if isinstance(n, ast.Name)}
    if said & outer.names and not said & (inner.names - outer.names):
        owner.by_class = outer.number
        outer.label = f"{outer.label}_classes"
    elif isinstance(added, ast.Tuple | ast.List) and any(
        isinstance(e, ast.Name) and e.id in outer.names and e.id not in inner.names for e in added.elts
    ):
        owner.by_class = outer.number
    elif said & inner.names:
        owner.by_class = owner.by_class or -outer.number


def score_method(called: Called, owner: Score | Out) -> Value:
    """`(predicted == y).sum().item()`, `outputs.argmax(1)`, `probabilities.round()`."""
    if isinstance(owner, Score):
        return owner
    name = called.name
    if name in ("argmax", "round", "topk"):
        return replace(owner, labels=True, last="labels")
    if name == "max":
        return Seq([owner, replace(owner, labels=True, last="labels")])
    if name in ("softmax", "sigmoid", "log_softmax"):
        return replace(owner, last=name)
    if name in ("backward", "item", "shape", "size"):
        return UNKNOWN
    if name in ("eq", "equal"):
        return choices.agreement(called.walker, owner, called.get(0), called.node)
    return owner


def text_method(called: Called, text: str) -> Value:
    name = called.name
    if name == "format":
        scores = [s for v in called.args for s in choices.scores_in(v)]
        return Seq([Const(text), *scores]) if scores else Const(text)
    if name == "replace":
        old, new = called.constant(0, default=""), called.constant(1, default="")
        if isinstance(old, str) and isinstance(new, str) and len(text) * (len(new) + 1) < 10_000:
            return Const(text.replace(old, new))
    if name == "split" and len(text) < 2000:
        mark = called.constant(0)
        if isinstance(mark, str | None) and mark != "":
            parts: list[Value] = [Const(t) for t in text.split(mark)[:MOST_ITEMS]]
            return Seq(parts)
    if name == "join":
        over = called.get(0)
        if isinstance(over, Seq):
            return Const("".join(str(i.value) for i in over.items if isinstance(i, Const)))
    return Const(text) if name in ("upper", "lower", "strip") else UNKNOWN
