"""Calling a student's function: which of its parameters is what, by name first and by place second."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from handlens.errors import SpecError

RATE = 0.1  # the learning rate that is given where one is asked for

_ROLES = (
    ("size", r"size|dim|units|neurons|nodes|^n_|_n$|^num|shape|^fan|features|^in$|^out$|channels|hidden"),
    ("training", r"^(is_?)?train(ing)?$|^mode$"),
    ("rate", r"^lr$|rate|^eta$|^alpha$|step_?size"),
    ("cache", r"cache|^ctx$|context|memory|^saved$"),
    ("weight", r"^w\d*$|weight|kernel|^theta$"),
    ("bias", r"^b\d*$|bias"),
    ("prediction", r"(y|t)_?(hat|pred)|pred|prob|scores|logits"),
    ("gradient", r"^(out|output|in|input)_?(err|error|grad|delta)"),
    ("labels", r"^y(_?(s|true|batch|train|b))?$|^t$|label|target|truth|reference|answers|one_?hot|^ys$"),
    ("gradient", r"grad|delta|err(or|s)?$|^err|upstream|^d$|^d_?(out|y|z|a|l|x|h|o|s|in)[a-z_]*\d*$|^up$"),
    ("input", r"^x|^in|inp|data|^a$|a_prev|^z$|features|images|batch"),
    ("output", r"^out|^a_?out|^s$"),
)


def role(name: str) -> str:
    """What a parameter of that name is given, or ""."""
    low = name.lower()
    return next((r for r, pattern in _ROLES if re.search(pattern, low)), "")


def required(function: Callable[..., Any]) -> list[str]:
    """Names of the parameters that must be given."""
    return [p.name for p in _positional(function) if p.default is p.empty]


def names(function: Callable[..., Any]) -> list[str]:
    """Names of all its parameters that have a place."""
    return [p.name for p in _positional(function)]


def _positional(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise SpecError(f"it cannot be called ({error})", where=str(function)) from error
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def roles_of(function: Callable[..., Any]) -> dict[str, str]:
    """The role of each parameter. Of two labels the first is the prediction, as in loss(y, t)."""
    found = {name: role(name) for name in names(function)}
    labels = [name for name, r in found.items() if r == "labels"]
    if len(labels) > 1 and not {"prediction", "input"} & set(found.values()):
        found[labels[0]] = "prediction"
    return found


def call(function: Callable[..., Any], values: dict[str, Any], order: tuple[str, ...]) -> Any:
    """The function's answer to the values, each given to the parameter of its role.

    A required parameter whose role has no value gets the first unused one of `order`. An optional parameter
    is given a value only where it is labels or a rate.
    """
    left = dict(values)
    given: dict[str, Any] = {}
    found = roles_of(function)
    must = required(function)
    optional = ("labels", "rate") if "labels" in values else ("rate",)
    for name, wanted in found.items():
        for r in (wanted, {"prediction": "input", "output": "input"}.get(wanted, "")):
            if r in left and (name in must or r in optional) and name not in given:
                given[name] = left.pop(r)
    for name in must:
        if name in given:
            continue
        spare = next((r for r in order if r in left), None)
        if spare is None:
            raise SpecError(f"nothing is known that could be its parameter {name!r}", where=_title(function))
        given[name] = left.pop(spare)
    return function(**given)


def _title(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
