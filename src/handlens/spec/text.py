"""Frozen descriptions and their text: `Dense(500, activation="relu")` in a TOML file and in Python alike.

The text is read with `ast` and never evaluated: a call of a known name with literal arguments, or with
further descriptions inside (`Residual(Conv2D(8, 3), ...)`). Nothing else is accepted.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, dataclass_transform

import pydantic
import pydantic.dataclasses

from handlens.errors import SpecError, did_you_mean

T = TypeVar("T")

# pydantic's kinds of fault whose own words a student would not understand.
WORDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "string_too_short": "at least one character",
    "string_pattern_mismatch": "letters, digits, spaces, dots and hyphens, a letter or digit first",
    "tuple_type": "a list",
    "none_required": "nothing",
}


@dataclass_transform(frozen_default=True)
def description(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass whose arguments are checked against their annotations.

    Raises (on construction):
        SpecError: an unknown argument, a missing one, or a value that breaks its rule.
    """
    made: Any = pydantic.dataclasses.dataclass(
        frozen=True, config=pydantic.ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    )(cls)
    checked: Callable[..., None] = made.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            checked(self, *args, **kwargs)
        except pydantic.ValidationError as error:
            raise explained(error, made.__name__, [f.name for f in dataclasses.fields(made)]) from None

    made.__init__ = __init__
    result: type[T] = made
    return result


def explained(error: pydantic.ValidationError, where: str, known: list[str]) -> SpecError:
    """The first fault of a pydantic error as our one line."""
    fault = error.errors(include_url=False)[0]
    place = [str(part) for part in fault["loc"]]
    name = place[0] if place else ""
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        remedy = did_you_mean(place[-1], known)
        return SpecError(f"unknown argument {place[-1]!r}", where=where, remedy=remedy)
    if fault["type"] == "unexpected_positional_argument":
        return SpecError("too many arguments", where=where, remedy=f"they are, in order: {', '.join(known)}")
    if fault["type"] in ("missing_argument", "missing"):
        return SpecError(f"argument {name!r} is missing", where=where)
    got = fault["input"]
    if name.isdigit() and int(name) < len(known):
        name = known[int(name)]
    said = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    expected = WORDS.get(fault["type"], said)
    return SpecError(f"{name} is {got!r}" if name else f"got {got!r}", where=where, expected=expected)


def parse(text: str, known: Mapping[str, type[Any]], *, where: str = "") -> Any:
    """One description from its text, e.g. `Adam(0.001)`; a bare name stands for a call without arguments.

    Raises:
        SpecError: not such a text, an unknown name or argument.
    """
    items = parse_list(text, known, where=where)
    if len(items) != 1:
        raise SpecError(f"{text!r} holds {len(items)} descriptions", where=where, expected="one")
    return items[0]


def parse_list(text: str, known: Mapping[str, type[Any]], *, where: str = "") -> list[Any]:
    """All descriptions of a text like `Flatten(), Dense(10)`."""
    return [_build(item, known, where) for item in _elements(text, where)]


def parse_call(text: str, *, where: str = "") -> tuple[str, dict[str, Any]]:
    """A dotted name and its literal keyword arguments: `sklearn.svm.SVC(C=10.0)` or `forest`."""
    items = _elements(text, where)
    if len(items) != 1:
        raise SpecError(f"{text!r} is not one name", where=where, expected="name(argument=value, ...)")
    name, call = _name_and_call(items[0], where)
    if call is not None and call.args:
        raise SpecError(
            f"{name} has arguments without a name", where=where, expected=f"{name}(argument=value, ...)"
        )
    arguments = {k.arg: _literal(k.value, where) for k in call.keywords if k.arg} if call else {}
    return name, arguments


def to_text(item: Any, *, full: bool = False) -> str:
    """The text of a description: as short as it can be, or `full` with every default written out."""
    if not dataclasses.is_dataclass(item) or isinstance(item, type):
        if isinstance(item, tuple):
            inner = ", ".join(to_text(part, full=full) for part in item)
            return f"({inner},)" if len(item) == 1 else f"({inner})"
        return repr(item)
    fields = dataclasses.fields(item)
    parts = []
    for position, f in enumerate(fields):
        value = getattr(item, f.name)
        # The learning rate is always said: nobody wants to look it up.
        if not full and value == f.default and f.name != "learning_rate":
            continue
        text = to_text(value, full=full)
        parts.append(text if position == 0 and not full else f"{f.name}={text}")
    return f"{type(item).__name__}({', '.join(parts)})"


def _elements(text: str, where: str) -> list[ast.expr]:
    if len(text) > 20_000:
        raise SpecError(f"a text of {len(text)} characters", where=where, expected="at most 20,000")
    try:
        tree = ast.parse(f"[{text}\n]", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(
            f"{text!r} cannot be read", where=where, expected='a text like Dense(500, activation="relu")'
        ) from None
    if not isinstance(tree, ast.List):
        raise SpecError(f"{text!r} cannot be read", where=where, expected="a list of descriptions")
    return tree.elts


def _build(item: ast.expr, known: Mapping[str, type[Any]], where: str) -> Any:
    name, call = _name_and_call(item, where)
    if name not in known:
        raise SpecError(f"unknown name {name!r}", where=where, remedy=did_you_mean(name, known))
    if call is None:
        return known[name]()

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Call) or (isinstance(node, ast.Name) and node.id in known):
            return _build(node, known, where)
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(value(element) for element in node.elts)
        return _literal(node, where)

    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        raise SpecError(f"{name}(...) uses * or **", where=where, expected="plain arguments")
    try:
        return known[name](*map(value, call.args), **{str(k.arg): value(k.value) for k in call.keywords})
    except SpecError as error:
        if where and not error.where.startswith(where):
            error.where = f"{where}: {error.where}" if error.where else where
        raise
    except TypeError as error:  # a positional and a keyword argument for the same field
        raise SpecError(f"{name}: {error}", where=where) from None


def _name_and_call(item: ast.expr, where: str) -> tuple[str, ast.Call | None]:
    call = item if isinstance(item, ast.Call) else None
    target = call.func if call else item
    parts: list[str] = []
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    if not isinstance(target, ast.Name):
        text = ast.unparse(item)
        raise SpecError(f"{text!r} is not a name or a call", where=where, expected="Name(argument, ...)")
    return ".".join([target.id, *reversed(parts)]), call


def _literal(node: ast.expr, where: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise SpecError(
            f"{ast.unparse(node)!r} is not a plain value",
            where=where,
            expected="a number, a text in quotes, True, False, None or a tuple",
        ) from None
