"""Rows shuffled, split and joined."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import choices
from handlens.lint.library.called import Called, Handler
from handlens.lint.objects import Out, Score
from handlens.lint.values import ALL, TEST, TRAIN, UNKNOWN, VAL, Data, Perm, Ref, Seq, Value
from handlens.lint.walker import Walker


def _token(called: Called) -> tuple[object, ...]:
    """Two shuffles with the same seed set right before each put rows into the same order."""
    state = called.constant(-1, "random_state", "seed")
    if isinstance(state, int):
        return ("perm", "seed", state)
    seeded = called.walker.memory.seeded
    if seeded is not None:
        called.walker.memory.seeded = None
        return ("perm", "seeded", seeded[0])
    return ("perm", called.walker.tick())


def shuffled(called: Called, data: Data) -> Value:
    if data.kind in ("dataset", "loader", "generator", "tf"):
        again = called.flag("reshuffle_each_iteration", True)
        return replace(data, shuffles=again, order="shuffled")
    fraction = called.constant(-1, "frac")
    changed = replace(data, rows=(*data.rows, _token(called)), order="shuffled")
    if called.name == "sample" and fraction != 1 and fraction != 1.0:
        return replace(changed, fresh=True, cut="sample")
    return changed


def shuffle(called: Called) -> Value:
    """`np.random.shuffle(x)` and `random.shuffle(x)` in place; sklearn's `shuffle(x, y)` returns."""
    token = _token(called)
    if called.path.startswith("sklearn") or called.path == "shuffle" or "utils" in called.path:
        made: list[Value] = [
            replace(v, rows=(*v.rows, token), order="shuffled") if isinstance(v, Data) else v
            for v in called.args
        ]
        return made[0] if len(made) == 1 else Seq(made)
    in_place(called, token)
    return UNKNOWN


def in_place(called: Called, token: tuple[object, ...]) -> None:
    target = called.node.args[0] if called.node.args else None
    value = called.get(0)
    if isinstance(value, Data) and isinstance(target, ast.Name):
        changed = replace(value, rows=(*value.rows, token), order="shuffled")
        called.walker.frames[-1].scope[target.id] = changed
    elif isinstance(value, Seq):
        value.by_class = 0
        value.run = False
    elif isinstance(value, Perm) and isinstance(target, ast.Name):
        called.walker.frames[-1].scope[target.id] = Perm(token)


def split(called: Called) -> Value:
    """`train_test_split(x, y, ...)`: every array in two parts, in the same new order."""
    walker = called.walker
    keeps = called.has("shuffle") and called.flag("shuffle", True) is False
    state = called.constant(-1, "random_state")
    size = ast.unparse(
        next(
            (k.value for k in called.node.keywords if k.arg in ("test_size", "train_size")), called.node.func
        )
    )
    token: tuple[object, ...] = ("split", state, size) if isinstance(state, int) else ("split", walker.tick())
    made: list[Value] = []
    for value in called.args:
        if not isinstance(value, Data):
            value = (
                Data(frozenset({ALL}), origin=walker.tick())
                if not isinstance(value, Seq)
                else from_list(walker, value)
            )
        made.extend(_halves(walker, called, value, token, keeps))
    return Seq(made)


def _halves(
    walker: Walker, called: Called, data: Data, token: tuple[object, ...], keeps: bool
) -> list[Value]:
    if data.origin:
        walker.memory.split.add(data.origin)
    inner = data.parts in ({TRAIN}, {VAL})
    if (not inner and not data.is_part(TEST)) or data.whole:
        for leak in data.leaks:
            walker.report(
                "fitted-before-split", leak.place, f"{leak.what} saw all rows; the split comes afterwards."
            )
    if data.augmented and not inner:
        walker.report("augmented-before-split", data.augmented, "The split comes afterwards.")
    if keeps and data.order == "sorted":
        walker.report("sorted-split", called.node, "The data are sorted by class and `shuffle=False`.")
    names = (TRAIN, VAL) if inner else (VAL, TEST) if data.parts == {TEST} else (TRAIN, TEST)
    order = data.order if keeps else "shuffled"
    leaks = frozenset() if not inner else data.leaks
    return [
        replace(
            data,
            parts=frozenset({part}),
            fresh=True,
            order=order,
            cut=f"{data.cut}/{part}",
            rows=(*data.rows, (*token, place)),
            leaks=leaks,
            augmented=data.augmented if inner else None,
        )
        for place, part in enumerate(names)
    ]


def from_list(walker: Walker, value: Seq) -> Data:
    """An array made of a list: of what it holds, or filled class by class."""
    inside = [i for i in value.items if isinstance(i, Data)]
    origin = abs(value.by_class) if value.by_class else 0
    if inside:
        first = inside[0]
        parts = frozenset(p for d in inside for p in d.parts)
        return replace(first, parts=parts, fresh=False, origin=first.origin, cut=first.cut)
    return Data(
        frozenset(), origin=origin or walker.tick(), order="sorted" if value.by_class else "", fresh=True
    )


def array(called: Called) -> Value:
    value = called.get(0)
    if isinstance(value, Seq):
        outs = [i for i in value.items if isinstance(i, Out)]
        if outs:
            return outs[0]
        if choices.scores_in(value):
            return value
        if value.by_class or any(isinstance(i, Data) for i in value.items):
            return from_list(called.walker, value)
        if value.run:
            return Data(origin=called.walker.tick(), constant=True)
        return value
    return default(called)


def joined(called: Called) -> Value:
    """`np.concatenate([a, b])`, `pd.concat`, `np.vstack`: parts add up; class after class is sorted."""
    value = called.get(0)
    items = value.items if isinstance(value, Seq) else list(called.args)
    if called.name == "append":
        items = list(called.args)
    data = [i for i in items if isinstance(i, Data)]
    outs = [i for i in items if isinstance(i, Out)]
    if outs:
        return outs[0]
    if not data:
        return value if isinstance(value, Seq) else UNKNOWN
    axis = called.constant(1, "axis", "dim", default=0)
    if (called.name in ("hstack", "column_stack") and not all(d.constant for d in data)) or axis in (1, -1):
        return data[0]
    return data[0] if len(data) == 1 else _together(called, data)


def _together(called: Called, data: list[Data]) -> Data:
    """Rows of several arrays under one another."""
    parts = frozenset(p for d in data for p in d.parts)
    constants = all(d.constant for d in data) or all(d.one_class for d in data)
    leaks = frozenset(leak for d in data for leak in d.leaks)
    placed = next((d.augmented for d in data if d.augmented), None)
    rows = tuple(d.rows for d in data)
    if len({(d.origin, d.cut, d.rows) for d in data}) == 1 and data[0].origin:
        return data[0]
    origin = (
        hash(tuple(d.origin for d in data)) & 0xFFFFFFFF
        if all(d.origin for d in data)
        else called.walker.tick()
    )
    return replace(
        data[0],
        parts=parts,
        origin=origin,
        rows=(rows,) if any(rows) else (),
        leaks=leaks,
        augmented=placed,
        order="sorted" if constants else "",
        fresh=TRAIN not in parts and TEST not in parts,
        cut="",
        constant=False,
        one_class=False,
    )


def constant(called: Called) -> Value:
    return Data(origin=called.walker.tick(), constant=True)


def repeated(called: Called) -> Value:
    value = called.get(0)
    if isinstance(value, Data) and not value.constant:
        return value
    sorts = (called.name == "repeat" and isinstance(value, Seq | Ref)) or isinstance(value, Seq)
    return Data(origin=called.walker.tick(), order="sorted" if sorts and called.name == "repeat" else "")


def permutation(called: Called) -> Value:
    value = called.get(0)
    if isinstance(value, Data):
        token = _token(called)
        return replace(value, rows=(*value.rows, token), order="shuffled")
    return Perm(_token(called))


def argsort(called: Called) -> Value:
    return Perm(("sort", called.walker.tick()), sorts=True)


def rows_of(called: Called) -> Value:
    """`np.arange(len(x))`: row numbers in order; shuffled in place they become a permutation."""
    return Perm(("range",)) if called.name == "arange" else UNKNOWN


def seed(called: Called) -> Value:
    called.walker.memory.seeded = (called.constant(0, "a", "seed", default="?"), called.walker.tick())
    return UNKNOWN


def default(called: Called) -> Value:
    """A function that is not known: what it is given comes back, as most of them do."""
    for value in (*called.args, *called.kwargs.values()):
        if isinstance(value, Data):
            return replace(value, fresh=value.fresh)
        if isinstance(value, Out | Score):
            return value
    return UNKNOWN


FUNCTIONS: dict[str, Handler] = {
    "train_test_split": split, "shuffle": shuffle, "array": array, "asarray": array, "stack": array,
    "concatenate": joined, "concat": joined, "vstack": joined, "hstack": joined, "cat": joined,
    "append": joined, "r_": joined, "ConcatDataset": joined, "zeros": constant, "ones": constant,
    "full": constant,
    "zeros_like": constant, "repeat": repeated, "tile": repeated, "permutation": permutation,
    "randperm": permutation, "argsort": argsort, "arange": rows_of, "seed": seed, "set_seed": seed,
}  # fmt: skip
