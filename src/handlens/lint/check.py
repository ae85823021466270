"""The check of a whole notebook: reads the cells, walks them, judges what only the end can tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from handlens.lint import choices, claims, expressions, functions, hints, statements
from handlens.lint.finding import Cell, Finding
from handlens.lint.magics import Unreadable, parse
from handlens.lint.memory import Enough
from handlens.lint.reading import read_cells
from handlens.lint.values import TEST, TRAIN, Place
from handlens.lint.walker import Walker


def check_notebook(path: str | Path) -> tuple[Finding, ...]:
    """Faults in the notebook or Python file `path`, in the order they stand there. Nothing in it is run.

    Raises:
        HandlensError: the file is missing, too large, or no notebook.
    """
    return check_source(read_cells(path))


def check_source(cells: Iterable[Cell | str]) -> tuple[Finding, ...]:
    """The same for cells in memory; a string is a code cell."""
    given = tuple(
        cell if isinstance(cell, Cell) else Cell(number, "code", cell)
        for number, cell in enumerate(cells, start=1)
    )
    walker = Walker(expressions.evaluate, statements.walk)
    ordered = _ordered(walker, given)
    try:
        for cell in ordered:
            if cell.kind == "code":
                _walk(walker, cell)
            else:
                walker.sources[cell.number] = walker.texts[cell.number] = cell.source.split("\n")
        functions.uncalled(walker)
    except (Enough, RecursionError):
        walker.loops = []  # what was found so far stands
    _judge(walker, ordered)
    return tuple(sorted(walker.found.values(), key=lambda f: (f.cell, f.line, f.rule)))


def _walk(walker: Walker, cell: Cell) -> None:
    try:
        tree = parse(cell.source)
    except Unreadable as error:
        walker.sources[cell.number] = cell.source.split("\n")
        walker.cell = cell.number
        walker.report("unreadable-cell", Place(cell.number, error.line), f"Python says: {error.reason}.")
        return
    try:
        walker.cell_of(cell, tree)
    except RecursionError:
        return  # nested too deep to follow; the other cells are walked all the same


def _ordered(walker: Walker, cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """As they were executed, where the counts say that this was not from top to bottom.

    A markdown cell, and a cell that was never executed, stays behind the cell above it.
    """
    counts = [cell.count for cell in cells if cell.kind == "code" and cell.count is not None]
    if counts == sorted(counts):
        return tuple(cells)
    sessions = len(set(counts)) < len(counts)
    first = next(
        cell
        for before, cell in pairwise(c for c in cells if c.kind == "code" and c.count is not None)
        if (cell.count or 0) < (before.count or 0)
    )
    walker.sources[first.number] = first.source.split("\n")
    walker.report(
        "out-of-order", Place(first.number, 1), f"This cell is [{first.count}], a cell above it ran later."
    )
    if sessions:  # the same number twice: the kernel was restarted, so the numbers give no order
        return tuple(cells)
    keys: list[tuple[int, int]] = []
    last = 0
    for place, cell in enumerate(cells):
        if cell.kind == "code" and cell.count is not None:
            last = cell.count
        keys.append((last, place))
    return tuple(cell for _, cell in sorted(zip(keys, cells, strict=True), key=lambda pair: pair[0]))


def _judge(walker: Walker, cells: tuple[Cell, ...]) -> None:
    choices.judge_sweeps(walker)
    _judge_validation(walker)
    claims.judge(walker, cells)
    for score, text in walker.memory.train_scores:
        if score.parts == {TRAIN} and not score.history and hints.speaks_of_test(text):
            walker.report(
                "train-as-test", score.place, "The score of training images is called a test score."
            )


def _judge_validation(walker: Walker) -> None:
    """Test images watched during training; half of them may be, if the score is of the other half."""
    scored = [data for data in walker.memory.tests if data.parts == {TEST}]
    for place, data, _ in walker.memory.validation:
        if (
            data.cut
            and "[" in data.cut
            and not any(data.cut == other.cut or not other.cut for other in scored)
        ):
            continue
        walker.report("test-as-validation", place, "What `validation_data` holds are the test images.")
