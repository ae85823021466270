"""Scores: what they were measured on, and what was chosen by them."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from handlens.lint import hints
from handlens.lint.memory import Loop
from handlens.lint.objects import Function, History, Method, Model, Out, Score
from handlens.lint.values import TEST, TRAIN, UNKNOWN, VAL, Const, Data, Map, Place, Seq, Value
from handlens.lint.walker import Walker

MOST_SEEN = 500
# A baseline of shuffled labels, or a permutation test, is meant to disagree.
_ON_PURPOSE = re.compile("copy|random_|_random|shuffled|permut|zufall", re.IGNORECASE)


def measured(
    walker: Walker, parts: frozenset[str], at: ast.AST, model: Model | None = None, *, key: str = ""
) -> Score:
    """A score is born: remembered with the loops over settings that its model depends on."""
    score = Score(parts, walker.place(at), model, key=key)
    memory = walker.memory
    active = {loop.number for loop in walker.loops}
    if parts == {TEST}:
        memory.scored.append(score)
        settings = (model.settings if model is not None else set()) & active
        if settings:
            memory.sweeps.setdefault(score.place, set()).update(settings)
    if VAL in parts or (not parts and active):
        if VAL in parts:
            memory.scored.append(score)
        memory.validated |= active
    if parts == {TRAIN}:
        memory.scored.append(score)
    return score


def agreement(walker: Walker, out: Out, labels: Value, at: ast.AST) -> Value:
    """Predictions beside labels: are they in the same order, and of which part are they?"""
    aligned(walker, out.data or UNKNOWN, labels, at)
    parts = out.data.parts if out.data is not None else frozenset()
    if not parts and isinstance(labels, Data):
        parts = labels.parts
    return measured(walker, parts, at, out.model)


def aligned(walker: Walker, first: Value, second: Value, at: ast.AST) -> None:
    if not (isinstance(first, Data) and isinstance(second, Data)):
        return
    if first.origin and first.origin == second.origin and first.rows != second.rows:
        if _ON_PURPOSE.search(ast.unparse(at)):
            return
        walker.report("misaligned", at, "The two sides were put into different orders before they meet here.")


def scores_in(value: Value) -> list[Score]:
    """All scores inside a value and its lists and dictionaries, in order, each object once."""
    found: list[Score] = []
    seen: set[int] = set()
    waiting = [value]
    while waiting and len(seen) < MOST_SEEN:
        item = waiting.pop()
        if isinstance(item, Score):
            found.append(item)
        elif id(item) not in seen:
            seen.add(id(item))
            if isinstance(item, Seq):
                waiting.extend(reversed(item.items))
            elif isinstance(item, Map):
                waiting.extend(reversed(item.items.values()))
            elif isinstance(item, Method):
                waiting.append(item.owner)
    return found


def history_score(walker: Walker, history: History, key: Value, at: ast.AST) -> Value:
    """`history.history["val_accuracy"]`."""
    name = key.value if isinstance(key, Const) and isinstance(key.value, str) else ""
    if name.startswith("val_"):
        given = history.validation
        parts = given.parts if isinstance(given, Data) else frozenset({VAL})
        walker.memory.validated |= {loop.number for loop in walker.loops}
        return Score(parts or frozenset({VAL}), walker.place(at), history.model, history=True, key=name)
    return Score(frozenset({TRAIN}), walker.place(at), history.model, history=True, key=name)


def chosen(walker: Walker, value: Value, at: ast.AST | Place, key: str = "") -> None:
    """The best of several scores was taken."""
    scores = scores_in(value)
    if key:
        narrowed = [s for s in scores if s.key == key]
        scores = narrowed or scores
        if not narrowed and not hints.speaks_of_test(key) and any(VAL in s.parts for s in scores):
            return
    tests = [s for s in scores if s.parts == {TEST}]
    if not tests or any(VAL in s.parts for s in scores) or any(s.history for s in tests):
        return
    models = [s.model for s in tests if s.model is not None]
    drawn = any(model.seeded for model in models) or any(loop.seeds for loop in walker.loops)
    seeds = drawn and not any(model.settings for model in models)
    if seeds:
        walker.report("seed-chosen", at, "The scores differ in nothing but the seed.")
    else:
        walker.report("chosen-on-test", at, "The scores compared here were measured on test images.")
    walker.memory.chosen.update(s.place for s in tests)


def first_taken(walker: Walker, ranked: Value) -> None:
    """The first of a list that was sorted by scores is a choice; a sorted list alone is only shown."""
    if isinstance(ranked, Seq) and ranked.ranked is not None:
        chosen(walker, ranked, ranked.ranked, ranked.ranked_by)


def condition(walker: Walker, node: ast.If) -> None:
    """`if test_accuracy > best: best = test_accuracy`."""
    walker.evaluate(node.test)
    for test in _comparisons(node.test):
        sides = [test.left, test.comparators[0]]
        values = [walker.evaluate(side) for side in sides]
        scores = [v for v in values if isinstance(v, Score)]
        if not scores or any(s.history or s.parts != {TEST} for s in scores):
            continue
        written = {ast.unparse(side) for side, v in zip(sides, values, strict=True) if isinstance(v, Score)}
        if _keeps(node, written) or (len(scores) == 2 and _takes(node)):
            chosen(walker, Seq(list(scores)), test)


def _comparisons(test: ast.expr) -> list[ast.Compare]:
    tests = test.values if isinstance(test, ast.BoolOp) else [test]
    return [
        t
        for t in tests
        if isinstance(t, ast.Compare) and isinstance(t.ops[0], ast.Gt | ast.Lt | ast.GtE | ast.LtE)
    ]


def _keeps(node: ast.If, written: set[str]) -> bool:
    """The score that won is remembered, as the best so far."""
    return any(
        isinstance(n, ast.Assign) and any(ast.unparse(v) in written for v in _parts(n.value))
        for statement in node.body
        for n in ast.walk(statement)
    )


def _parts(value: ast.expr) -> list[ast.expr]:
    return value.elts if isinstance(value, ast.Tuple) else [value]


def _takes(node: ast.If) -> bool:
    """Something is bound to the winner: `best_model = a`."""
    return any(
        isinstance(n, ast.Assign) and isinstance(n.value, ast.Name | ast.Attribute)
        for statement in (*node.body, *node.orelse)
        for n in ast.walk(statement)
    )


def conditional(walker: Walker, node: ast.IfExp) -> None:
    """`best = a if score_a > score_b else b`."""
    value = walker.evaluate(node.test)
    if isinstance(node.test, ast.Compare):
        right = walker.evaluate(node.test.comparators[0])
        names = isinstance(node.body, ast.Name) and isinstance(node.orelse, ast.Name)
        if isinstance(value, Score) and isinstance(right, Score) and names:
            chosen(walker, Seq([value, right]), node)


def key_of(key: ast.expr | None, value: Value) -> str:
    """Which column a `key=` or `by=` speaks of."""
    if key is None:
        return ""
    if isinstance(value, Const) and isinstance(value.value, str):
        return value.value
    if isinstance(value, Function):
        texts = [n.value for n in ast.walk(key) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        return texts[0] if texts else ""
    return ""


def tagged(name: str, value: Value) -> Value:
    """A score under the name it is filed by."""
    return replace(value, key=name) if isinstance(value, Score) and not value.key else value


def loop_done(walker: Walker, loop: Loop) -> None:
    """A loop over folds or seeds has repeated what is in it."""
    if loop.folds or loop.seeds:
        walker.memory.replicated = True


def judge_sweeps(walker: Walker) -> None:
    """Settings tried one after the other with only test scores to tell them apart."""
    for place, loops in walker.memory.sweeps.items():
        if place not in walker.memory.chosen and not loops & walker.memory.validated:
            walker.report(
                "chosen-on-test", place, "Every setting of this loop is scored on test images alone."
            )
