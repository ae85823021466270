"""Labels of a source, numbers with gaps or names, become `0..k-1`; the class names keep what they meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Labels
from handlens.errors import DataError, did_you_mean

# What the labels of a source stand for: a mapping names the labels that may occur; a sequence names labels
# 0, 1, 2, ... and every one of them must have an image.
Names = Mapping[int, str] | Sequence[str]
Value = int | str


def encode(
    parts: Sequence[NDArray[Any]], names: Names | None = None, where: object = ""
) -> tuple[list[Labels], tuple[str, ...]]:
    """Contiguous labels of all parts of a source, over one common list of classes.

    Args:
        parts: the labels of each part, training images first: int64 [n] or str [n].
        names: what they stand for; without it a label is its own name. Classes keep the order of `names`;
            without it numbers are in numerical order, before words in alphabetical order.
        where: the file or data set, for messages.

    Returns:
        int64 [n] for each part, and the k class names.

    Raises:
        DataError: a label without a name, a name given twice, fewer than two classes, or a class without a
            training image.
    """
    values: list[Value] = sorted({v for part in parts for v in np.unique(part).tolist()}, key=_order)
    if names is None:
        meaning = {value: str(value) for value in values}
    else:
        table = dict(names) if isinstance(names, Mapping) else dict(enumerate(names))
        meaning = _meaning(values, table, where)
    found = dict.fromkeys(meaning.values())
    if isinstance(names, Mapping):
        classes = tuple(name for name in names.values() if name in found)
    else:
        classes = tuple(found) if names is None else tuple(names)
    index = {name: i for i, name in enumerate(classes)}
    coded = [_code(part, meaning, index) for part in parts]
    _check(coded[0], classes, where)
    return coded, classes


def fits(parts: Sequence[NDArray[Any]], names: Mapping[int, str]) -> bool:
    """Whether every label of the parts is one that `names` knows."""
    try:
        _meaning([v for part in parts for v in np.unique(part).tolist()], names, "")
    except DataError:
        return False
    return True


def _order(value: Value) -> tuple[int, int, str]:
    """Numbers in numerical order, before words in alphabetical order."""
    number = _number(value)
    return (1, 0, str(value)) if number is None else (0, number, str(value))


def _number(value: Value) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 19 else None


def _meaning(values: Sequence[Value], table: Mapping[int, str], where: object) -> dict[Value, str]:
    """The class name of each label value: a word must be one of the names, a number must have one."""
    known = set(table.values())
    if len(known) < len(table):
        twice = next(name for name in known if list(table.values()).count(name) > 1)
        raise DataError(
            f"the class name {twice!r} is given twice", where=where, expected="distinct class names"
        )
    meaning: dict[Value, str] = {}
    for value in values:
        number = _number(value)
        if value in known:
            meaning[value] = str(value)
        elif number is not None and number in table:
            meaning[value] = table[number]
        elif number is not None:
            expected = f"labels from {min(table)} to {max(table)}" if table else "class names"
            raise DataError(f"label {value} has no class name", where=where, expected=expected)
        else:
            raise DataError(f"unknown class {value!r}", where=where, remedy=did_you_mean(str(value), known))
    return meaning


def _code(part: NDArray[Any], meaning: Mapping[Value, str], index: Mapping[str, int]) -> Labels:
    """The labels of one part as positions in the list of classes."""
    values, inverse = np.unique(part, return_inverse=True)
    positions = [index[meaning[value]] for value in values.tolist()]
    return np.array(positions, dtype=np.int64)[inverse]


def _check(train: Labels, classes: tuple[str, ...], where: object) -> None:
    """Every class has training images, and there are two classes to tell apart."""
    if len(classes) < 2:
        only = f"only one class, {classes[0]!r}" if classes else "no classes"
        raise DataError(
            only,
            where=where,
            expected="images of at least two classes",
            remedy="add images of another class, or name the label column",
        )
    empty = [
        name for name, n in zip(classes, np.bincount(train, minlength=len(classes)), strict=True) if not n
    ]
    if empty:
        listed = ", ".join(repr(name) for name in empty[:5]) + (", ..." if len(empty) > 5 else "")
        raise DataError(
            f"{'class' if len(empty) == 1 else 'classes'} {listed} without a training image",
            where=where,
            expected="at least one training image of each class",
            remedy="add some, or leave the class out of the class names and of the test images",
        )
