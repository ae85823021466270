"""A call: which function is it, and what comes back?"""

from __future__ import annotations

import ast

from handlens.lint import functions
from handlens.lint.library import (
    arranging,
    arrays,
    builtins,
    containers,
    generators,
    keras,
    layers,
    loading,
    scoring,
    sklearn,
    torch,
    tuned,
)
from handlens.lint.library.called import Called, Handler
from handlens.lint.objects import (
    Augment,
    Function,
    Instance,
    Loss,
    Method,
    Model,
    Optimizer,
    Out,
    Score,
    Splitter,
    Transformer,
    UserClass,
)
from handlens.lint.values import UNKNOWN, Const, Data, Layer, Map, Ref, Seq, Value
from handlens.lint.walker import Walker

# Asked in turn; the first that knows the name answers.
_LIBRARIES: tuple[dict[str, Handler], ...] = tuple(
    module.FUNCTIONS
    for module in (builtins, loading, generators, sklearn, scoring, layers, keras, torch, arranging, arrays)
)
# Walked once when the object is made; a call of them means the network, not their body.
_SYMBOLIC = ("forward", "call", "train", "eval")


def evaluate(walker: Walker, node: ast.Call) -> Value:
    """The value of a call; a function of the notebook is walked, one of a library looked up."""
    callee = walker.evaluate(node.func)
    called = _called(walker, node, callee)
    value = _result(walker, callee, called)
    if isinstance(value, Model) and isinstance(callee, Ref | UserClass):
        _tag(walker, value, node)
    return value


def _called(walker: Walker, node: ast.Call, callee: Value) -> Called:
    args: list[Value] = []
    for argument in node.args:
        value = walker.evaluate(argument)
        if isinstance(argument, ast.Starred):
            args.extend(value.items if isinstance(value, Seq) else [value])
        else:
            args.append(value)
    kwargs: dict[str, Value] = {}
    for keyword in node.keywords:
        value = walker.evaluate(keyword.value)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
        elif isinstance(value, Map):
            kwargs.update({str(k): v for k, v in value.items.items()})
    name = callee.name if isinstance(callee, Ref | Method) else ""
    path = callee.path if isinstance(callee, Ref) else name
    return Called(walker, node, name, path, args, kwargs)


def _tag(walker: Walker, model: Model, node: ast.Call) -> None:
    """Which loops over settings and seeds does this model depend on?"""
    for argument in node.args:
        model.settings |= walker.mentioned(argument)
        model.seeded |= walker.mentioned(argument, seeds=True)
    for keyword in node.keywords:
        if keyword.arg in ("random_state", "seed"):
            model.seeded |= walker.mentioned(keyword.value) | walker.mentioned(keyword.value, seeds=True)
        else:
            model.settings |= walker.mentioned(keyword.value)


def _result(walker: Walker, callee: Value, called: Called) -> Value:
    match callee:
        case Function():
            return functions.call(walker, callee, called.args, called.kwargs, called.node)
        case UserClass():
            return torch.instance(called, callee)
        case Ref():
            # `RandomRotation` is a layer of Keras and a transform of torchvision.
            libraries = (torch.FUNCTIONS, *_LIBRARIES) if "torch" in callee.path else _LIBRARIES
            for library in libraries:
                if callee.name in library:
                    return library[callee.name](called)
            return (
                sklearn.estimator(called) if sklearn.is_estimator(callee.name) else arranging.default(called)
            )
        case Method():
            return _method(callee, called)
        case Model():
            return torch.forward(called, callee)
        case Layer():
            return layers.apply(called, callee)
        case Loss():
            return torch.loss(called, callee)
        case Augment():
            return arranging.default(called)
        case Instance():
            method = callee.of.method("__call__")
            if method is not None:
                return _own(called, callee, callee.of, method)
    return arranging.default(called)


def _own(called: Called, owner: Value, made_of: UserClass, body: ast.FunctionDef) -> Value:
    """A method that the notebook defines itself: walked."""
    function = Function(body, made_of.scope, made_of.cell)
    return functions.call(called.walker, function, [owner, *called.args], called.kwargs, called.node)


def _method(method: Method, called: Called) -> Value:
    owner = method.owner
    match owner:
        case Instance():
            body = owner.of.method(method.name)
            return _own(called, owner, owner.of, body) if body is not None else arranging.default(called)
        case Model():
            body = owner.of.method(method.name) if owner.of is not None else None
            if owner.of is not None and body is not None and method.name not in _SYMBOLIC:
                return _own(called, owner, owner.of, body)
            if owner.kind == "sklearn":
                return sklearn.model_method(called, owner)
            return keras.model_method(called, owner)
        case Transformer():
            return sklearn.transformer_method(called, owner)
        case Splitter():
            return scoring.folds(called, owner)
        case Data():
            return arrays.method(called, owner)
        case Augment():
            return keras.augment_method(called, owner)
        case Optimizer():
            return torch.optimizer_method(called, owner)
        case Seq() | Map():
            return containers.container_method(called, owner)
        case Score() | Out():
            return containers.score_method(called, owner)
        case Const() if isinstance(owner.value, str):
            return containers.text_method(called, owner.value)
        case Ref() if owner.path == "?":
            return UNKNOWN
    return tuned.method(called, owner)
