"""Layers, networks made of them, and losses: do outputs, labels and loss fit together?"""

from __future__ import annotations

from dataclasses import replace

from handlens.lint import hints
from handlens.lint.library.called import Called, Handler
from handlens.lint.objects import Loss, Model, Out
from handlens.lint.values import UNKNOWN, Const, Data, Layer, Ref, Seq, Value

_ENTROPIES = {"categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy"}
_CLASSES = {"CategoricalCrossentropy", "SparseCategoricalCrossentropy", "BinaryCrossentropy"}
_KEEPS = {"Flatten", "Reshape", "Dropout", "Input", "InputLayer", "GaussianNoise", "Identity", "Permute"}
_LINEAR = {"Dense", "Conv2D", "Conv1D", "Linear", "LazyLinear", "Conv2d", "SeparableConv2D", "Conv3D"}
_ACTIVATIONS = {"ReLU": "relu", "Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid",
    "Tanh": "tanh", "LeakyReLU": "relu", "ELU": "relu", "PReLU": "relu", "GELU": "relu",
    "SiLU": "relu"}  # fmt: skip
_OTHERS = {"MaxPooling2D", "MaxPool2D", "AveragePooling2D", "GlobalAveragePooling2D",
    "BatchNormalization", "Rescaling", "ZeroPadding2D", "LSTM", "GRU", "Embedding", "MaxPool2d",
    "AvgPool2d", "BatchNorm2d", "BatchNorm1d", "Dropout2d", "AdaptiveAvgPool2d", "LayerNormalization",
    "LayerNorm", "Bidirectional", "TimeDistributed", "GlobalMaxPooling2D", "AveragePooling1D",
    "MaxPooling1D", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast",
    "SpatialDropout2D", "SimpleRNN", "AlphaDropout", "Conv2DTranspose", "Add", "Concatenate",
    "Unflatten", "MultiHeadAttention"}  # fmt: skip
_NOISY = {"Dropout", "Dropout2d", "BatchNorm2d", "BatchNorm1d", "AlphaDropout"}


def _activation(value: Value, default: str) -> str:
    if isinstance(value, Const):
        return str(value.value) if value.value is not None else "linear"
    return value.name if isinstance(value, Ref) else default


def layer(called: Called) -> Value:
    name = called.name
    noisy = name in _NOISY
    if name in _ACTIVATIONS:
        return Layer(name, _ACTIVATIONS[name])
    if name == "Activation":
        return Layer(name, _activation(called.get(0, "activation"), ""))
    if name in _LINEAR:
        torch = name in ("Linear", "LazyLinear", "Conv2d")
        units = called.constant(1 if name in ("Linear", "Conv2d") else 0, "units", "out_features", "filters")
        activation = (
            "linear"
            if torch
            else _activation(called.get(1, "activation"), "")
            if name == "Dense"
            else _activation(called.kwargs.get("activation", Const(None)), "")
        )
        if name == "Dense" and called.get(1, "activation") is UNKNOWN:
            activation = "linear"
        return Layer(name, activation, units if isinstance(units, int) else None, noisy)
    return Layer(name, "", None, noisy, keeps=name in _KEEPS or noisy)


def _stack(model: Model, added: Value) -> None:
    if isinstance(added, Layer):
        model.layers.append(added)
        model.noisy |= added.noisy
        if not added.keeps:
            model.last = added.activation
        if added.units is not None:
            model.units = added.units
        elif not added.keeps and added.name not in (*_ACTIVATIONS, "Activation"):
            model.units = None
    elif isinstance(added, Model):
        model.layers.append(added)
        model.noisy |= added.noisy
        model.last, model.units = added.last, added.units
    else:
        model.last, model.units = "", None


def sequential(called: Called) -> Value:
    model = new_model(called, "torch" if "torch" in called.path or called.path.startswith("nn.") else "keras")
    value = called.get(0, "layers")
    items = value.items if isinstance(value, Seq) else called.args
    for item in items:
        for added in item.items if isinstance(item, Seq) else [item]:
            _stack(model, added)
    return model


def new_model(called: Called, kind: str) -> Model:
    model = Model(
        kind, called.name, called.walker.tick(), loops=tuple(loop.number for loop in called.walker.loops)
    )
    called.walker.memory.models.append(model)
    return model


def functional(called: Called) -> Value:
    """`Model(inputs, outputs)`."""
    model = new_model(called, "keras")
    out = called.get(1, "outputs", "output")
    if isinstance(out, Seq) and len(out.items) == 1:
        out = out.items[0]
    if isinstance(out, Out):
        model.last, model.units, model.noisy = out.last, out.units, out.noisy
    return model


def tensor(_: Called) -> Value:
    return Out()


def apply(called: Called, owner: Layer) -> Value:
    """A layer applied to a tensor."""
    value = called.get(0)
    if isinstance(value, Data):
        return value
    before = value if isinstance(value, Out) else Out()
    if owner.keeps:
        return replace(before, noisy=before.noisy or owner.noisy)
    units = (
        owner.units
        if owner.units is not None
        else before.units
        if owner.name in (*_ACTIVATIONS, "Activation")
        else None
    )
    return replace(before, last=owner.activation, units=units, noisy=before.noisy or owner.noisy)


def loss(called: Called) -> Value:
    logits = called.get(0 if called.name in _CLASSES else -1, "from_logits")
    takes = "probabilities"
    if isinstance(logits, Const):
        takes = "logits" if logits.value else "probabilities"
    elif logits is not UNKNOWN:
        takes = ""
    if called.name in _ENTROPIES and called.args:
        out = called.get(1, "y_pred")
        check_loss(called, out, Loss(called.name, takes, "sparse" in called.name.lower()), called.get(0))
        return UNKNOWN
    return Loss(called.name, takes, called.name.startswith("Sparse"))


def tf_loss(called: Called) -> Value:
    """`tf.nn.softmax_cross_entropy_with_logits(labels, logits)`."""
    check_loss(called, called.get(1, "logits"), Loss(called.name, "logits"), called.get(0, "labels"))
    return UNKNOWN


def check_loss(called: Called, out: Value, lost: Loss, labels: Value) -> None:
    """Does what the network gives fit what the loss takes?"""
    last = out.last if isinstance(out, Out) else ""
    _fits(called, last, lost)
    if isinstance(out, Out) and lost.sparse:
        _enough(called, out.units, labels)


def _fits(called: Called, last: str, lost: Loss) -> None:
    wrong = ""
    if lost.takes == "logits" and last in ("softmax", "sigmoid"):
        wrong = f"The network ends in a {last}, and the loss applies another one."
    elif (
        lost.takes == "probabilities" and last in ("linear", "relu") and lost.name.lower() in _entropy_names()
    ):
        wrong = "The network's last layer has no softmax or sigmoid, and the loss expects probabilities."
    elif lost.takes == "log-probabilities" and last in ("softmax", "linear", "sigmoid", "relu"):
        wrong = "`NLLLoss` takes the logarithms of probabilities, from a `LogSoftmax`."
    if wrong:
        called.walker.report("softmax-and-logits", called.node, wrong)


def _entropy_names() -> set[str]:
    return {name.lower() for name in (*_ENTROPIES, *_CLASSES)} | {"bceloss", "categoricalcrossentropy"}


def _enough(called: Called, units: int | None, labels: Value) -> None:
    if not isinstance(labels, Data) or units is None or labels.numbering != "raw":
        return
    largest = hints.LARGEST.get(labels.dataset)
    if largest is not None and 1 < units <= largest:
        called.walker.report(
            "label-gap", called.node, f"The largest label is {largest}, the network has {units} outputs."
        )


def one_hot(called: Called) -> Value:
    """`to_categorical(y, num_classes)`."""
    data = called.get(0, "y", "x", "indices")
    if not isinstance(data, Data):
        return UNKNOWN
    classes = called.constant(1, "num_classes", "depth", "nb_classes")
    largest = hints.LARGEST.get(data.dataset)
    if isinstance(classes, int) and largest is not None and classes <= largest and data.numbering == "raw":
        called.walker.report(
            "label-gap", called.node, f"The largest label is {largest}; {classes} columns are too few."
        )
    return data


FUNCTIONS: dict[str, Handler] = {
    **dict.fromkeys(_LINEAR | _KEEPS - {"Input", "Identity"} | set(_ACTIVATIONS) | _OTHERS | _NOISY, layer),
    **dict.fromkeys((*_CLASSES, *_ENTROPIES), loss), "Activation": layer,
    "softmax_cross_entropy_with_logits": tf_loss, "sparse_softmax_cross_entropy_with_logits": tf_loss,
    "sigmoid_cross_entropy_with_logits": tf_loss, "Sequential": sequential, "Model": functional,
    "Functional": functional, "Input": tensor, "to_categorical": one_hot, "one_hot": one_hot,
}  # fmt: skip
