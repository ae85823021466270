"""Python's own functions, lists, dictionaries and texts; printing."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import choices, functions, letters, rounds
from handlens.lint.library.called import Called, Handler
from handlens.lint.library.containers import ranked
from handlens.lint.objects import Function, Out, Score
from handlens.lint.values import MOST_ITEMS, UNKNOWN, Const, Data, Map, Seq, Value


def printed(called: Called) -> Value:
    """What is printed may call a score by a wrong name, or claim something."""
    texts: list[str] = []
    scores: list[Score] = []
    for value in called.args:
        for item in value.items if isinstance(value, Seq) else [value]:
            if isinstance(item, Const) and isinstance(item.value, str):
                texts.append(item.value)
        scores += choices.scores_in(value)
    text = " ".join(texts)
    if text:
        called.walker.memory.said.append((called.walker.place(called.node), text))
    if len(scores) == 1:
        called.walker.memory.train_scores.append((scores[0], text))
    return UNKNOWN


def unknown(_: Called) -> Value:
    return UNKNOWN


def listed(called: Called) -> Value:
    value = called.get(0)
    if isinstance(value, Const) and isinstance(value.value, str):
        return Seq([Const(c) for c in value.value[:MOST_ITEMS]])
    if isinstance(value, Map):
        return Seq([Const(k) for k in value.items])
    return value if value is not UNKNOWN or called.args else Seq()


def dictionary(called: Called) -> Value:
    value = called.get(0)
    if isinstance(value, Seq):
        pairs = [i.items for i in value.items if isinstance(i, Seq) and len(i.items) == 2]
        return Map({k.value: v for k, v in pairs if isinstance(k, Const) and isinstance(k.value, str | int)})
    if isinstance(value, Map):
        return Map(dict(value.items))
    return Map({name: choices.tagged(name, v) for name, v in called.kwargs.items()})


def enumerated(called: Called) -> Value:
    over = called.get(0)
    start = called.constant(1, "start", default=0)
    if isinstance(over, Const) and isinstance(over.value, str):
        over = Seq([Const(c) for c in over.value])
    if isinstance(over, Seq) and over.items:
        known = isinstance(start, int) and all(isinstance(i, Const) for i in over.items)
        return Seq([Seq([Const(start + i) if known else UNKNOWN, v]) for i, v in enumerate(over.items)])
    if isinstance(over, Data):
        return Seq([Seq([UNKNOWN, rounds.passed(called.walker, over)])])
    return Seq([Seq([UNKNOWN, UNKNOWN])])


def zipped(called: Called) -> Value:
    columns: list[list[Value]] = []
    for value in called.args:
        if isinstance(value, Seq):
            columns.append(value.items or [UNKNOWN])
        elif isinstance(value, Data):
            columns.append([rounds.passed(called.walker, value)])
        elif isinstance(value, Const) and isinstance(value.value, str):
            columns.append([Const(c) for c in value.value] or [UNKNOWN])
        else:
            columns.append([UNKNOWN])
    longest = max((len(c) for c in columns), default=0)
    return Seq([Seq([c[min(i, len(c) - 1)] for c in columns]) for i in range(min(longest, MOST_ITEMS))])


def counted(called: Called) -> Value:
    stop = called.constant(0) if len(called.args) == 1 else None
    if isinstance(stop, int) and 0 < stop <= MOST_ITEMS:
        return Seq([Const(i) for i in range(stop)])
    return Seq([UNKNOWN])


def first(called: Called) -> Value:
    value = called.get(0)
    if isinstance(value, Seq):
        return value.items[0] if value.items else UNKNOWN
    return rounds.passed(called.walker, value) if isinstance(value, Data) else UNKNOWN


def extreme(called: Called) -> Value:
    """`max(scores)`, `sorted(results, key=...)`, `np.argmax(scores)`."""
    value = called.get(0) if len(called.args) < 2 else Seq(list(called.args))
    key = next((k.value for k in called.node.keywords if k.arg == "key"), None)
    if isinstance(value, Out):
        return replace(value, labels=True, last="labels")
    if isinstance(value, Data):
        return replace(value, fresh=False)
    if called.name != "sorted" or key is not None:
        name = choices.key_of(key, called.kwargs.get("key", UNKNOWN))
        if called.name == "sorted":
            return ranked(value, called, name)
        if called.name != "min":  # the lowest score is named to show the spread, seldom to choose
            choices.chosen(called.walker, value, called.node, name)
    found = choices.scores_in(value)
    if called.name == "sorted":
        return value
    return found[0] if called.name in ("max", "min", "amax") and found else UNKNOWN


def mapped(called: Called) -> Value:
    function, over = called.get(0), called.get(1)
    item = over.items[0] if isinstance(over, Seq) and over.items else over
    if isinstance(function, Function):
        return Seq([functions.call(called.walker, function, [item], {}, called.node)])
    return over


def passes(called: Called) -> Value:
    return called.get(0)


def character(called: Called) -> Value:
    """`chr(65 + label)`."""
    argument = called.node.args[0] if called.node.args else None
    if isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Add):
        for side, other in ((argument.left, argument.right), (argument.right, argument.left)):
            base = called.walker.evaluate(other)
            if (isinstance(base, Const) and base.value == 65) or "ord('A')" in ast.unparse(other):
                letters.shown_by_code(called.walker, argument, called.walker.evaluate(side))
    return Const("A")


def framed(called: Called) -> Value:
    """`pd.DataFrame(rows)`."""
    return called.get(0, "data")


def summed(called: Called) -> Value:
    found = choices.scores_in(called.get(0))
    if found:
        return found[0]
    value = called.get(0)
    return value if isinstance(value, Data) else UNKNOWN


def join_path(called: Called) -> Value:
    return Const("/".join(str(v.value) for v in called.args if isinstance(v, Const))[:2000])


FUNCTIONS: dict[str, Handler] = {
    "print": printed, "display": printed, "Markdown": printed, "write": printed, "len": unknown,
    "type": unknown, "isinstance": unknown, "hasattr": unknown, "id": unknown, "input": unknown,
    "list": listed, "tuple": listed, "set": listed, "iter": passes, "dict": dictionary,
    "defaultdict": lambda called: Map(), "OrderedDict": dictionary, "enumerate": enumerated,
    "zip": zipped, "range": counted, "next": first, "reversed": passes, "tqdm": passes, "trange": counted,
    "max": extreme, "min": extreme, "sorted": extreme, "argmax": extreme, "argmin": extreme, "amax": extreme,
    "nanargmax": extreme, "map": mapped, "chr": character, "sum": summed, "round": passes, "float": passes,
    "int": passes, "abs": passes, "str": passes, "deepcopy": passes, "copy": passes, "Path": join_path,
    "DataFrame": framed,
    "Series": passes, "Counter": unknown, "DataFrame.from_dict": passes,
}  # fmt: skip
