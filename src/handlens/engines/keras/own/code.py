"""Functions of the user's own that build Keras models: imported because the user named them, never otherwise.

What a run's folder says is no reason to import anything: a model that needs code is loaded only where `asked`
has imported that very code before, for a recipe or an option of the user's.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handlens.engines.keras.libraries import keras
from handlens.errors import SpecError, did_you_mean
from handlens.spec.source import source_of

Shape = tuple[int, int, int]


class NotAsked(SpecError):
    """A model needs code of the user's own, which the user has not named, or has changed."""


Build = Callable[[Shape, int], Any]  # of an image's shape and the number of classes: a new Keras model
ARGUMENTS = ("input_shape", "classes")
_ASKED: dict[str, tuple[str, Build]] = {}  # by `module:function`: the source's digest, and what it gave


def asked(text: str, source: str = "") -> Build:
    """The function `module:function`, imported now unless it was before from the same source.

    Args:
        source: what the sha256 of the module's file must be; anything unless given.

    Raises:
        SpecError: no such module or function, one that takes other arguments, or another source.
    """
    name, _, function = text.partition(":")
    found = source_of(name)
    if source and found != source:
        raise SpecError(
            "the file is not the one that the recipe was made from",
            where=text,
            expected=f"sha256 {source[:12]}..., and it is {found[:12]}...",
            remedy="put the old file back, or run the recipe again with the new one",
        )
    if text not in _ASKED or _ASKED[text][0] != found:
        _ASKED[text] = found, adapted(_function(name, function, text), text)
    return _ASKED[text][1]


def before(text: str, source: str) -> Build:
    """The function that `asked` has imported before from that source; nothing is imported now.

    Raises:
        NotAsked: it has not.
    """
    known = _ASKED.get(text)
    if known is None:
        raise NotAsked(
            f"the model is built by code of your own, {text}, which is not imported on a run's say-so",
            remedy=f"if you trust that file, add --keras {text}",
        )
    if known[0] != source:
        raise NotAsked(
            f"{text} is not the code any more that this model was trained with",
            expected=f"a file of sha256 {source[:12]}...",
            remedy="put the old file back, or train again",
        )
    return known[1]


def adapted(function: Any, where: str) -> Build:
    """The function as one of an image's shape and the number of classes, of which it may want both or none.

    Raises:
        SpecError: it cannot be called, or wants something else.
    """
    expected = f"a function of no arguments, or of {' and '.join(ARGUMENTS)}"
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise SpecError(f"{type(function).__name__} is no function", where=where, expected=expected) from None
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unknown = [p.name for p in parameters if p.name not in ARGUMENTS and p.default is p.empty]
    unknown = [n for n in unknown if n not in _variadic(function)]
    if unknown:
        raise SpecError(f"the function wants {', '.join(unknown)}", where=where, expected=expected)
    wanted = {p.name for p in named} & set(ARGUMENTS)

    def build(shape: Shape, classes: int) -> Any:
        given = {"input_shape": shape, "classes": classes}
        return function(**{name: given[name] for name in wanted})

    return build


def _variadic(function: Any) -> set[str]:
    """`*args` and `**kwargs`, which may stay empty."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def _function(name: str, function: str, where: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    again = name in sys.modules  # what was imported may be older than the file
    try:
        module = importlib.import_module(name)
        if again:
            module = importlib.reload(module)
    except Exception as error:
        raise SpecError(
            f"importing the module failed: {type(error).__name__}: {error}",
            where=where,
            remedy=f"see all of it: KERAS_BACKEND={keras.backend.backend()} python -c 'import {name}'",
        ) from error
    if not hasattr(module, function):
        functions = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        raise SpecError(
            f"the module has no function {function!r}", where=where, remedy=did_you_mean(function, functions)
        )
    return getattr(module, function)
