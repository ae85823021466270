"""torch, and classes that the notebook defines itself."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import choices, functions
from handlens.lint.library import layers
from handlens.lint.library.called import Called, Handler
from handlens.lint.library.use import learnt_before, trained_on
from handlens.lint.objects import Augment, Fit, Function, Instance, Loss, Model, Optimizer, Out, UserClass
from handlens.lint.values import TEST, UNKNOWN, Const, Data, Ref, Seq, Value

_NETWORKS = ("Module", "Model", "LightningModule", "Layer")
_RANDOM = {"RandomRotation", "RandomHorizontalFlip", "RandomVerticalFlip", "RandomCrop",
    "RandomResizedCrop", "ColorJitter", "RandomAffine", "RandomPerspective", "RandomErasing",
    "AutoAugment", "RandAugment", "TrivialAugmentWide", "GaussianNoise"}  # fmt: skip


def instance(called: Called, made_of: UserClass) -> Value:
    """An object of a class of the notebook: a network, or anything else."""
    made_of.used = True
    base = made_of.base.rpartition(".")[2]
    init = made_of.method("__init__")
    if base in _NETWORKS:
        model = layers.new_model(called, "torch" if base in ("Module", "LightningModule") else "keras")
        model.name, model.of = made_of.node.name, made_of
        _init(called, init, made_of, model)
        _forward(called, made_of, model)
        return model
    if base == "Dataset":
        data = next(iter(called.data), None)
        if data is not None:
            return replace(data, kind="dataset", pairs=True, fresh=False)
    thing = Instance(made_of)
    _init(called, init, made_of, thing)
    return thing


def _init(called: Called, init: ast.FunctionDef | None, made_of: UserClass, owner: Value) -> None:
    if init is not None:
        function = Function(init, made_of.scope, made_of.cell)
        functions.call(called.walker, function, [owner, *called.args], called.kwargs, called.node)


def _forward(called: Called, made_of: UserClass, model: Model) -> None:
    """Walk `forward` once with a symbolic image: what is the last thing applied?"""
    body = made_of.method("forward") or made_of.method("call")
    if body is None:
        return
    result = functions.call(
        called.walker, Function(body, made_of.scope, made_of.cell), [model, Out()], {}, called.node
    )
    if isinstance(result, Out):
        model.last, model.units = result.last, result.units
    model.noisy = any(getattr(v, "noisy", False) for v in model.attributes.values()) or (
        isinstance(result, Out) and result.noisy
    )


def forward(called: Called, model: Model) -> Value:
    """`model(x)`."""
    value = called.get(0)
    if isinstance(value, Seq) and value.items:
        value = value.items[0]
    if isinstance(value, Out) and value.data is None:
        return replace(value, last=model.last, units=model.units, noisy=value.noisy or model.noisy)
    data = value if isinstance(value, Data) else value.data if isinstance(value, Out) else None
    if data is None:
        return Out(model.last, model.units, None, model)
    if data.parts == {TEST} and model.kind == "torch":
        learnt_before(called.walker, data, model, called.node, score=False)
        if model.noisy and model.training and (model.stepped or model.fits):
            called.walker.report(
                "train-mode", called.node, "`model.eval()` was not called since the last training."
            )
    last = model.fits[-1].data if model.fits else UNKNOWN
    numbers = f"{last.dataset}/{last.numbering}" if isinstance(last, Data) else ""
    return Out(model.last, model.units, data, model, numbers)


def loss(called: Called, lost: Loss) -> Value:
    """`criterion(outputs, labels)`; Keras's losses take the labels first."""
    first, second = called.get(0), called.get(1)
    out, labels = (first, second) if isinstance(first, Out) else (second, first)
    layers.check_loss(called, out, lost, labels)
    if isinstance(out, Out) and isinstance(out.data, Data):
        choices.aligned(called.walker, out.data, labels, called.node)
        if out.model is not None:
            out.model.attributes["__batch__"] = labels if isinstance(labels, Data) else out.data
            if out.data.parts == {TEST}:
                return choices.measured(called.walker, out.data.parts, called.node, out.model, key="loss")
    return UNKNOWN


def functional_loss(called: Called) -> Value:
    takes = {
        "cross_entropy": "logits",
        "nll_loss": "log-probabilities",
        "binary_cross_entropy": "probabilities",
        "binary_cross_entropy_with_logits": "logits",
    }[called.name]
    names = {"binary_cross_entropy": "BCELoss"}
    return loss(called, Loss(names.get(called.name, called.name), takes, called.name == "cross_entropy"))


def criterion(called: Called) -> Value:
    takes = {
        "CrossEntropyLoss": "logits",
        "NLLLoss": "log-probabilities",
        "BCELoss": "probabilities",
        "BCEWithLogitsLoss": "logits",
    }[called.name]
    return Loss(called.name, takes, called.name in ("CrossEntropyLoss", "NLLLoss"))


def activation(called: Called) -> Value:
    """`F.softmax(x)`, `torch.relu(x)`."""
    value = called.get(0)
    if isinstance(value, Out):
        return replace(value, last=called.name)
    return value if isinstance(value, Data) else Ref(called.path) if not called.args else UNKNOWN


def dropout(called: Called) -> Value:
    value = called.get(0)
    guarded = called.has("training")
    return replace(value, noisy=value.noisy or guarded) if isinstance(value, Out) else value


def optimizer(called: Called) -> Value:
    """`optim.SGD(model.parameters(), lr)`: a new optimizer for old weights in a loop over settings."""
    walker = called.walker
    model = called.get(0, "params")
    if isinstance(model, Data):
        return UNKNOWN
    if not isinstance(model, Model):
        return Ref(called.path)
    model.settings |= walker.mentioned(called.node)
    loops = [loop for loop in walker.loops if loop.number not in model.loops and not loop.epochs]
    if model.stepped and walker.memory.thawed < model.optimizers:
        if any(loop.iteration for loop in loops):
            walker.report("stale-weights", called.node, "The network was made outside this loop.")
        elif (
            not loops
            and not walker.loops
            and model.attributes.get("__optimizer__") not in (None, Const(called.name))
        ):
            walker.report(
                "stale-weights", called.node, "The network was trained with another optimizer already."
            )
    model.attributes["__optimizer__"] = Const(called.name)
    model.optimizers = walker.tick()
    return Optimizer(model, called.name)


def optimizer_method(called: Called, owner: Optimizer) -> Value:
    if called.name == "step":
        owner.model.stepped = True
        batch = owner.model.attributes.get("__batch__", UNKNOWN)
        if isinstance(batch, Data):
            trained_on(called.walker, owner.model, batch)
        owner.model.fits[:] = [Fit(called.walker.tick(), 0, called.walker.place(called.node), batch)]
    return UNKNOWN


def chain(called: Called) -> Value:
    """`transforms.Compose([...])`: random if one of its steps is."""
    value = called.get(0, "transforms")
    items = value.items if isinstance(value, Seq) else []
    return Augment(next((i.random for i in items if isinstance(i, Augment) and i.random), None))


def random_step(called: Called) -> Value:
    return Augment(called.walker.place(called.node))


def pretrained(called: Called) -> Value:
    model = layers.new_model(called, "torch" if called.name[:1].islower() else "keras")
    model.noisy = called.name[:1].islower()
    if model.kind == "torch":
        model.last = "linear"
    return model


def module_list(called: Called) -> Value:
    return called.get(0)


FUNCTIONS: dict[str, Handler] = {
    **dict.fromkeys(("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss"), criterion),
    **dict.fromkeys(("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
                    functional_loss),
    **dict.fromkeys(("softmax", "log_softmax", "relu", "sigmoid", "tanh", "leaky_relu", "gelu", "elu"),
                    activation),
    **dict.fromkeys(("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam"), optimizer),
    **dict.fromkeys(_RANDOM, random_step),
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "vgg16", "mobilenet_v2", "efficientnet_b0"),
                    pretrained),
    "Compose": chain, "ModuleList": module_list, "dropout": dropout, "ResNet50": pretrained,
    "VGG16": pretrained, "MobileNetV2": pretrained, "EfficientNetB0": pretrained,
}  # fmt: skip
