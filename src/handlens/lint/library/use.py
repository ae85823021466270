"""Data meet a model: were they prepared, split and kept apart as they should be?"""

from __future__ import annotations

import ast

from handlens.lint.objects import Model
from handlens.lint.values import ALL, TEST, TRAIN, VAL, Data, Value
from handlens.lint.walker import Walker


def prepared(walker: Walker, data: Value) -> None:
    """Steps that were fitted on test images, reported where they were fitted."""
    if not isinstance(data, Data):
        return
    for leak in data.leaks:
        if leak.parts == {TEST} and data.parts == {TEST}:
            walker.report(
                "test-own-statistics", leak.place, f"{leak.what} was fitted to the test images themselves."
            )
        elif TEST in leak.parts and data.parts & {TRAIN, VAL, TEST} and not data.whole:
            walker.report(
                "fitted-before-split", leak.place, f"{leak.what} was fitted to the test images too."
            )
        elif (
            ALL in leak.parts
            and leak.origin in walker.memory.split
            and data.parts <= {TRAIN, TEST, VAL}
            and data.parts
        ):
            walker.report(
                "fitted-before-split", leak.place, f"{leak.what} was fitted to all rows, test rows included."
            )


def trained_on(walker: Walker, model: Model, data: Data) -> None:
    """Remember what a model has seen."""
    prepared(walker, data)
    seen = set(data.parts)
    if data.cut and ALL in seen:
        seen.discard(ALL)
    whole = {f"all:{data.origin}"} if ALL in seen else set()
    model.trained = frozenset(seen | whole) if model.kind == "sklearn" else model.trained | seen | whole


def learnt_before(walker: Walker, data: Data, model: Model, node: ast.AST, *, score: bool = True) -> None:
    """Was the model trained on what it is now scored on? And were the images prepared honestly?"""
    prepared(walker, data)
    if data.augmented and data.parts == {TEST}:
        walker.report("augmented-test", data.augmented, "Test images pass through it.")
    if not score or data.parts != {TEST}:
        return
    told_apart(walker, data, model.trained, node)


def told_apart(walker: Walker, data: Data, seen: frozenset[str], node: ast.AST) -> None:
    """A score on test images of a model that has `seen` these."""
    if data.parts != {TEST}:
        return
    if TEST in seen:
        walker.report("trained-on-test", node, "`fit` was given the test images.")
    elif f"all:{data.origin}" in seen:
        walker.report("trained-on-test", node, "`fit` was given all rows, the test rows among them.")
