"""Names and what they are bound to: assignment, unpacking, loop variables, parameters."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import hints
from handlens.lint.objects import History, Instance, Model, Out, Score
from handlens.lint.values import TEST, TRAIN, UNKNOWN, VAL, Const, Data, Map, Ref, Seq, Value
from handlens.lint.walker import Walker


def assign(
    walker: Walker, target: ast.expr, value: Value, source: ast.AST | None = None, *, loop: bool = False
) -> None:
    """Bind a target (a name, attribute, place in a list, or a tuple of them) to a value."""
    match target:
        case ast.Name():
            value = named(walker, target.id, value, target, source, fold=loop)
            walker.frames[-1].scope[target.id] = value
            if not loop and source is not None:
                _derived(walker, {target.id}, value, source)
        case ast.Attribute():
            _attribute(walker, target, value, source)
        case ast.Subscript():
            _item(walker, target, value)
        case ast.Starred():
            assign(walker, target.value, Seq(), source, loop=loop)
        case ast.Tuple() | ast.List():
            _unpack(walker, target, value, source, loop)


def _unpack(
    walker: Walker, target: ast.Tuple | ast.List, value: Value, source: ast.AST | None, loop: bool
) -> None:
    items: list[Value] = []
    if isinstance(value, Seq):
        items = value.items
    elif isinstance(value, Data) and value.pairs:
        items = [value, value]
    elif isinstance(value, Data | Out | Score):
        items = [value] * len(target.elts)
    elif value is UNKNOWN or isinstance(value, Ref):
        origin = walker.tick()
        items = [Data(origin=origin, fresh=True, kind="guess") for _ in target.elts] if not loop else []
    for place, element in enumerate(target.elts):
        item = items[place] if place < len(items) else UNKNOWN
        if item is UNKNOWN and isinstance(element, ast.Tuple | ast.List) and not loop:
            origin = walker.tick()
            item = Seq([Data(origin=origin, fresh=True, kind="guess") for _ in element.elts])
        if isinstance(item, Data) and item.kind == "guess":
            item = _guess(item, element)
        assign(walker, element, item, source, loop=loop)


def _guess(item: Data, element: ast.expr) -> Value:
    """Nothing is known of it: the name alone says what it may be."""
    if isinstance(element, ast.Tuple | ast.List):
        return Seq([item for _ in element.elts])
    name = element.id if isinstance(element, ast.Name) else ""
    part = hints.part(name)
    return replace(item, parts=frozenset({part}), fresh=False, kind="array") if part else UNKNOWN


def named(
    walker: Walker, name: str, value: Value, at: ast.AST, source: ast.AST | None = None, *, fold: bool = False
) -> Value:
    """The value under its new name: what was just cut or loaded is the part that its name says."""
    if isinstance(value, Data):
        if value.fresh:
            value = _cut(walker, name, value, at)
        elif not value.parts and (part := hints.part(name)):
            value = replace(value, parts=frozenset({part}))
        return value
    if isinstance(value, Score):
        if hints.speaks_of_test(name):
            walker.memory.train_scores.append((value, name))
        return value
    if isinstance(value, Seq) and value.items and all(isinstance(i, Data) and i.fresh for i in value.items):
        return Seq([named(walker, name, item, at) for item in value.items], value.by_class, value.run)
    if value is UNKNOWN and source is not None and not fold and isinstance(source, ast.Call):
        part = hints.part(name)
        if part and hints.looks_like_data(name):
            return Data(frozenset({part}), origin=walker.tick())
    return value


def _cut(walker: Walker, name: str, value: Data, at: ast.AST) -> Data:
    part = hints.part(name)
    if not part or (part in value.parts and not value.whole):
        return replace(value, fresh=False)
    inner = part == TEST and value.parts == {VAL} and len(walker.frames) > 1
    if value.kind == "fold" or inner:
        return replace(value, fresh=False)
    if part == TEST and (value.whole or TEST not in value.parts):
        for leak in value.leaks:
            if leak.parts == {TRAIN} and (value.parts != {TRAIN} or len(walker.frames) > 1):
                continue  # training and test part were put together after an honest fit
            walker.report("fitted-before-split", leak.place, f"{leak.what} saw what became `{name}`.")
        if value.augmented:
            walker.report("augmented-before-split", value.augmented, f"`{name}` was cut off afterwards.")
        if value.order == "sorted" and value.cut.startswith("["):
            walker.report(
                "sorted-split", at, f"The rows are sorted by class, and `{name}` takes some as they lie."
            )
        walker.memory.tests.append(value)
    if value.origin:
        walker.memory.split.add(value.origin)
    return replace(value, parts=frozenset({part}), fresh=False)


def _derived(walker: Walker, names: set[str], value: Value, source: ast.AST) -> None:
    """What is computed from a loop's variable is a setting of that loop too."""
    if isinstance(value, Data | Score | Out | Model | History) or not walker.loops:
        if isinstance(value, Out) and value.data is None:
            pass
        else:
            return
    said = {n.id for n in ast.walk(source) if isinstance(n, ast.Name)}
    for loop in walker.loops:
        if loop.names & said:
            loop.names |= names


def _attribute(walker: Walker, target: ast.Attribute, value: Value, source: ast.AST | None) -> None:
    owner = walker.evaluate(target.value)
    if target.attr in ("trainable", "requires_grad"):
        walker.memory.thawed = walker.tick()
    if isinstance(owner, Instance | Model):
        owner.attributes[target.attr] = named(walker, target.attr, value, target, source)
    elif isinstance(owner, Data) and isinstance(target.value, ast.Name) and isinstance(value, Data):
        walker.frames[-1].scope[target.value.id] = replace(owner, leaks=owner.leaks | value.leaks)


def _item(walker: Walker, target: ast.Subscript, value: Value) -> None:
    owner, key = walker.evaluate(target.value), walker.evaluate(target.slice)
    if isinstance(owner, Map):
        name = key.value if isinstance(key, Const) and _hashable(key.value) else f"?{len(owner.items)}"
        if len(owner.items) < 64:
            owner.items[name] = value
    elif isinstance(owner, Seq) and len(owner.items) < 64:
        owner.items.append(value)
    elif isinstance(owner, Data) and isinstance(target.value, ast.Name):
        changed = owner
        if isinstance(value, Data):
            changed = replace(owner, leaks=owner.leaks | value.leaks)
        if owner.dataset and owner.numbering == "raw" and isinstance(target.slice, ast.Compare):
            changed = replace(changed, numbering="changed")
        if isinstance(value, Data) and value.numbering not in ("", "raw"):
            changed = replace(changed, numbering=value.numbering)
        walker.frames[-1].scope[target.value.id] = changed


def _hashable(value: object) -> bool:
    return isinstance(value, str | int | float | bool | None | bytes)


def augment(walker: Walker, node: ast.AugAssign) -> None:
    """`correct += (predicted == y).sum()`, `x_train /= 255`, `x -= x.mean()`."""
    shown = ast.BinOp(_loaded(node.target), node.op, node.value)
    ast.copy_location(shown, node)
    value = walker.evaluate(shown)
    if isinstance(node.target, ast.Subscript):
        _item(walker, node.target, UNKNOWN if not isinstance(value, Score | Data) else value)
    else:
        if isinstance(value, Data):
            value = replace(value, fresh=False)
        assign(walker, node.target, value, None)


def _loaded(target: ast.expr) -> ast.expr:
    copied: ast.expr
    match target:
        case ast.Name():
            copied = ast.Name(target.id, ast.Load())
        case ast.Attribute():
            copied = ast.Attribute(target.value, target.attr, ast.Load())
        case ast.Subscript():
            copied = ast.Subscript(target.value, target.slice, ast.Load())
        case _:
            copied = target
    return ast.copy_location(copied, target)
