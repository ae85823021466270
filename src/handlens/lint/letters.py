"""Letter tables: is the alphabet in the same numbering as the labels?"""

from __future__ import annotations

import ast
import string

from handlens.lint.objects import Out
from handlens.lint.values import Const, Data, Map, Seq, Value
from handlens.lint.walker import Walker


def text_of(table: Value) -> str:
    """A table of single capital letters as one text, whatever it is kept in; empty if it is none."""
    letters: list[str] = []
    if isinstance(table, Const) and isinstance(table.value, str):
        letters = list(table.value)
    elif isinstance(table, Seq):
        letters = [str(i.value) if isinstance(i, Const) else "?" for i in table.items]
    elif isinstance(table, Map) and all(isinstance(k, int) for k in table.items):
        if max(table.items, default=0) > 100:
            return ""
        size = max(table.items, default=-1) + 1
        letters = ["." for _ in range(size)]
        for key, value in table.items.items():
            if key >= 0:
                letters[key] = str(value.value) if isinstance(value, Const) else "?"
    text = "".join(letter.upper() if len(letter) == 1 else "?" for letter in letters)
    return text if len(text) >= 10 and text.startswith("ABCDEFGHI") else ""


def filtered(values: list[Value], node: ast.ListComp | ast.GeneratorExp) -> Value | None:
    """`[c for c in string.ascii_uppercase if c not in "JZ"]`."""
    table = text_of(Seq(values))
    first = node.generators[0]
    if not table or len(node.generators) != 1 or not isinstance(first.target, ast.Name):
        return None
    if not (isinstance(node.elt, ast.Name) and node.elt.id == first.target.id):
        return None
    left_out = {
        str(n.value)
        for test in first.ifs
        for n in ast.walk(test)
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    letters = "".join(left_out).upper()
    return Seq([Const(c) for c in table if c not in letters])


def numbering(value: Value) -> tuple[str, str]:
    """Data set and numbering of labels or of predictions of a model that was fitted to them."""
    if isinstance(value, Data):
        return value.dataset, value.numbering
    if isinstance(value, Out):
        said, _, number = value.numbering.partition("/")
        return said, number
    return "", ""


def looked_up(walker: Walker, table: Value, label: Value, node: ast.Subscript) -> Value | None:
    """`letters[label]`: checked where both the table and the labels' numbering are known."""
    text = text_of(table)
    if not text or isinstance(label, Const) or isinstance(node.slice, ast.Slice):
        return None
    check(walker, text, label, node)
    return Const("A")


def check(walker: Walker, text: str, label: Value, node: ast.AST) -> None:
    dataset, number = numbering(label)
    full = text[9:10] == "J" or text[9:10] in (".", "?")
    if dataset == "sign-mnist":
        if number == "raw" and text[9:10] == "K":
            walker.report(
                "letter-shift", node, "The labels are the file's own, 0 to 24 without 9; the table has no J."
            )
        elif number == "contiguous" and full and len(text) >= 24:
            walker.report(
                "letter-shift", node, "The labels were renumbered 0 to 23; the table has all letters."
            )
    elif dataset == "emnist-letters" and number == "raw" and text[:2] == "AB":
        walker.report(
            "letter-shift", node, "EMNIST letters are numbered from 1: A is 1, and index 1 of the table is B."
        )


def shown_by_code(walker: Walker, node: ast.BinOp, label: Value) -> None:
    """`chr(65 + label)` and `chr(label + ord("A"))`."""
    check(walker, string.ascii_uppercase, label, node)
