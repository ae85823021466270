"""Keras: layers, models, losses, `compile`, `fit`, `evaluate`."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import choices
from handlens.lint.library import generators, torch
from handlens.lint.library.called import Called, Handler
from handlens.lint.library.layers import (
    _ENTROPIES,
    _enough,
    _fits,
    _stack,
    new_model,
)
from handlens.lint.library.use import learnt_before, prepared, trained_on
from handlens.lint.objects import Augment, Fit, History, Loss, Model, Out
from handlens.lint.values import TEST, UNKNOWN, Const, Data, Ref, Seq, Value


def loaded(called: Called) -> Value:
    """A model from elsewhere: fresh as far as this notebook goes, its last layer unknown."""
    return new_model(called, "keras")


def copied(called: Called) -> Value:
    source = called.get(0)
    if not isinstance(source, Model):
        return source if not isinstance(source, Ref) else UNKNOWN
    model = new_model(called, source.kind)
    model.last, model.units, model.noisy, model.of = source.last, source.units, source.noisy, source.of
    model.settings, model.attributes = set(source.settings), source.attributes
    return model


def model_method(called: Called, model: Model) -> Value:
    """Methods of a Keras or torch model."""
    handler = _METHODS.get(called.name)
    if handler is not None:
        return handler(called, model)
    if called.name in ("get_weights", "state_dict"):
        return UNKNOWN
    if called.name in (
        "set_weights",
        "load_weights",
        "load_state_dict",
        "reset_weights",
        "initialize",
        "apply",
    ):
        model.fits.clear()
        model.stepped = False
        return model
    if called.name in ("to", "cuda", "cpu", "float", "double", "half"):
        return model
    if called.name in ("predict_generator", "evaluate_generator"):
        return _predict(called, model) if "predict" in called.name else _evaluate(called, model)
    if called.name in ("train", "eval"):
        model.training = called.name == "train" and called.constant(0, "mode", default=True) is not False
        return model
    if called.name in ("forward", "call"):
        return torch.forward(called, model)
    if called.name == "parameters":
        return model
    return UNKNOWN


def _compile(called: Called, model: Model) -> Value:
    model.compiled += 1
    lost = called.kwargs.get("loss", called.get(1))
    if isinstance(lost, Const) and isinstance(lost.value, str):
        takes = "probabilities" if lost.value in _ENTROPIES else ""
        lost = Loss(lost.value, takes, "sparse" in lost.value)
    elif isinstance(lost, Ref):
        lost = Loss(lost.name, "probabilities" if lost.name in _ENTROPIES else "", "sparse" in lost.name)
    model.loss = lost
    if isinstance(lost, Loss):
        _fits(called, model.last, lost)
    if model.last == "softmax" and model.units == 1:
        called.walker.report("single-softmax", called.node)
    model.settings |= called.walker.mentioned(called.node)
    return UNKNOWN


def _add(called: Called, model: Model) -> Value:
    _stack(model, called.get(0, "layer"))
    model.settings |= called.walker.mentioned(called.node)
    return UNKNOWN


def _fit(called: Called, model: Model) -> Value:
    walker = called.walker
    x, y = called.get(0, "x", "generator", "X"), called.get(1, "y")
    if called.name == "fit_generator":
        y = x
    choices.aligned(walker, x, y, called.node)
    _stale(called, model)
    validation = watched(called, model)
    if called.has("validation_split") and _sorted(x, y):
        walker.report("sorted-split", called.node, "The rows are sorted by class.")
    label = y if isinstance(y, Data) else x
    if isinstance(model.loss, Loss) and model.loss.sparse:
        _enough(called, model.units, label)
    elif isinstance(label, Data) and isinstance(model.loss, Loss) and not isinstance(y, Data):
        pass
    if isinstance(x, Data):
        trained_on(walker, model, x)
    batch = ast.dump(
        next((k.value for k in called.node.keywords if k.arg == "batch_size"), ast.Constant(None))
    )
    loops = tuple(loop.number for loop in walker.loops)
    model.fits.append(Fit(walker.tick(), model.compiled, walker.place(called.node), label, batch, loops))
    return History(model, validation, x)


def _sorted(x: Value, y: Value) -> bool:
    orders = {d.order for d in (x, y) if isinstance(d, Data)}
    return "sorted" in orders and "shuffled" not in orders


def _stale(called: Called, model: Model) -> None:
    """Fitted before, compiled again (or in a loop over settings or folds), and fitted on."""
    if not model.fits or called.has("initial_epoch") or model.kind not in ("keras", "torch"):
        return
    walker, last = called.walker, model.fits[-1]
    if walker.memory.thawed > last.tick or walker.fine_tuning(called.node):
        return
    again = f"It was fitted already, in {last.place}."
    if last.place == walker.place(called.node):
        again = "It comes here again with the weights of the time before."
    if model.compiled > last.compiled:
        walker.report("stale-weights", called.node, again)
        return
    inner = [loop for loop in walker.loops if loop.number not in model.loops and not loop.epochs]
    if any(
        loop.iteration and (loop.folds or loop.seeds or _mentions(called, {loop.number})) for loop in inner
    ):
        walker.report("stale-weights", called.node, "The model was made outside this loop.")
        return
    batch = next((k.value for k in called.node.keywords if k.arg == "batch_size"), None)
    if not inner and batch is not None and last.batch not in (ast.dump(ast.Constant(None)), ast.dump(batch)):
        walker.report("stale-weights", called.node, again)


def _mentions(called: Called, numbers: set[int]) -> bool:
    for keyword in called.node.keywords:
        setting = keyword.arg in ("batch_size", "epochs", "callbacks", "class_weight", "shuffle")
        if setting and called.walker.mentioned(keyword.value) & numbers:
            return True
    return False


def watched(called: Called, model: Model | None) -> Value:
    """What `validation_data` holds; test images are remembered and judged at the end."""
    given = called.kwargs.get("validation_data", UNKNOWN)
    if given is UNKNOWN:
        return UNKNOWN
    items = given.items if isinstance(given, Seq) else [given]
    first = next((i for i in items if isinstance(i, Data)), None)
    if first is None:
        return UNKNOWN
    prepared(called.walker, first)
    if len(items) > 1:
        choices.aligned(called.walker, items[0], items[1], called.node)
    if first.parts == {TEST}:
        place = called.walker.place(called.node)
        keyword = next((k for k in called.node.keywords if k.arg == "validation_data"), None)
        if keyword is not None:
            place = called.walker.place(keyword.value)
        called.walker.memory.validation.append((place, first, model))
    return first


def _evaluate(called: Called, model: Model) -> Value:
    data = called.get(0, "x", "generator")
    if not isinstance(data, Data):
        return UNKNOWN
    choices.aligned(called.walker, data, called.get(1, "y"), called.node)
    learnt_before(called.walker, data, model, called.node)
    score = choices.measured(called.walker, data.parts, called.node, model)
    called.walker.memory.tests.append(data)
    loss_ = replace(score, key="loss")
    return Seq([loss_, score])


def _predict(called: Called, model: Model) -> Value:
    data = called.get(0, "x", "generator")
    numbers = ""
    last = model.fits[-1].data if model.fits else UNKNOWN
    if isinstance(last, Data):
        numbers = f"{last.dataset}/{last.numbering}"
    if not isinstance(data, Data):
        return Out(model.last, model.units, None, model, numbers)
    learnt_before(called.walker, data, model, called.node, score=False)
    if data.shuffles:
        data = replace(data, rows=(*data.rows, ("pass", called.walker.tick())), shuffles=False)
    return Out(
        model.last, model.units, replace(data, kind="array", pairs=False), model, numbers, seen=model.trained
    )


def augment_method(called: Called, owner: Augment) -> Value:
    if called.name in ("flow", "flow_from_directory", "flow_from_dataframe"):
        return generators.flow(called, owner)
    return UNKNOWN


_METHODS = {"compile": _compile, "add": _add, "fit": _fit, "fit_generator": _fit, "evaluate": _evaluate,
            "predict": _predict, "predict_classes": _predict, "predict_proba": _predict}  # fmt: skip

FUNCTIONS: dict[str, Handler] = {
    "load_model": loaded, "clone_model": copied, "deepcopy": copied,
}  # fmt: skip
