"""A Keras model as a network from scratch: its layers in a row, residual blocks among them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.engines.keras.exchange.translate import SILENT, lost, translated
from handlens.engines.keras.libraries import keras
from handlens.errors import SpecError
from handlens.nn.arrays import Array
from handlens.nn.layers import Activation, Flatten, Layer, Residual, Softmax
from handlens.nn.layers.base import leaves


@dataclass(frozen=True, eq=False)
class Read:
    """What a Keras model was found to be.

    Attributes:
        network: gives logits.
        offset, scale: float64, of the model's own first step `(x - offset) * scale`; None where it has none.
        softmax: whether the model ends in probabilities.
        notes: what was left out or taken for granted.
    """

    network: nn.Network
    rescaling: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    softmax: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sum:
    """Two ways from one place of the model, whose results are added."""

    ways: tuple[Steps, Steps]


Steps = tuple[Any, ...]  # Keras layers and `Sum`s


def read(model: Any) -> Read:
    """The network of a Keras model's layers and weights.

    Raises:
        SpecError: a layer, setting or connection that ours do not have; says which.
    """
    found = _Reader(_first_shape(model))
    row = _with_activations(found.row(_steps(model)))
    softmax = bool(row) and _ends_in_softmax(row[-1])
    if softmax:
        row[-1:] = found.linear(row[-1])
    else:
        found.notes.append("the model does not end in softmax: its outputs are taken for logits")
    network = nn.Network(row, input_shape=found.input_shape, rng=None)
    if network.classes < 2:
        raise SpecError(
            "the model gives one number an image", expected="a number for each class, two or more"
        )
    network.set_weights(
        [w for layer in row for leaf in leaves(layer) for w in found.weights.get(id(leaf), ())]
    )
    return Read(network, found.rescaling, softmax, tuple(dict.fromkeys(found.notes)))


def _first_shape(model: Any) -> tuple[int, ...]:
    """Of one image: `[h, w]` is taken for `[h, w, 1]`."""
    if len(model.inputs or ()) != 1 or len(model.outputs) != 1:
        raise SpecError("the model has several inputs or outputs, or none", expected="one of each")
    shape = tuple(model.inputs[0].shape[1:])
    if None in shape or len(shape) not in (1, 2, 3):
        raise SpecError(
            f"the model's input is {list(shape)}", expected="[height, width, channels] or [features]"
        )
    return (*shape, 1) if len(shape) == 2 else shape


def _steps(model: Any) -> Steps:
    """From input to output, the steps of models inside among them."""
    if isinstance(model, keras.Sequential):
        return tuple(step for layer in model.layers for step in _opened(layer))
    ways: dict[int, Steps] = {id(model.inputs[0]): ()}  # to each tensor
    for operation in model.operations:  # each after those that it needs
        for node in operation._inbound_nodes:
            before = [ways.get(id(tensor)) for tensor in node.input_tensors]
            known = [way for way in before if way is not None]
            if known and len(known) == len(before) and len(node.output_tensors) == 1:
                ways[id(node.output_tensors[0])] = _joined(operation, known)
    if id(model.outputs[0]) not in ways:
        raise SpecError(
            "the model uses a layer twice, or one with several outputs", expected="a row of layers"
        )
    return ways[id(model.outputs[0])]


def _opened(layer: Any) -> Steps:
    return _steps(layer) if isinstance(layer, keras.Model) else (layer,)


def _joined(operation: Any, before: Sequence[Steps]) -> Steps:
    if len(before) == 1:
        return before[0] + _opened(operation)
    if type(operation).__name__ != "Add" or len(before) != 2:
        raise SpecError(
            f"a {type(operation).__name__} layer of {len(before)} inputs",
            expected="layers in a row, or the sum of two ways (a residual block)",
        )
    one, other = before
    shared = len(list(takewhile(lambda pair: pair[0] is pair[1], zip(one, other, strict=False))))
    return (*one[:shared], Sum((one[shared:], other[shared:])))


@dataclass
class _Reader:
    """Turns steps into our layers, and remembers what is no layer."""

    input_shape: tuple[int, ...]
    weights: dict[int, list[Array]] = field(default_factory=dict)  # by the layer's id
    rescaling: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    notes: list[str] = field(default_factory=list)

    def row(self, steps: Steps, *, first: bool = True) -> list[Layer]:
        """The steps as layers; `first` where nothing of the model comes before them."""
        row: list[Layer] = []
        for step in steps:
            at_start = first and not row
            kind = type(step).__name__
            if isinstance(step, Sum):
                row.append(self._block(step))
            elif kind in SILENT:
                self.notes.append(f"a {kind} layer is left out: it acts in training only")
            elif kind == "Rescaling" and at_start:
                self._rescale(step)
            elif kind == "Reshape":
                row += self._reshape(step, at_start=at_start)
            elif kind != "InputLayer":
                row.append(self._layer(step))
        return row

    def linear(self, last: Layer) -> list[Layer]:
        """The last layer without its softmax."""
        if isinstance(last, Softmax | Activation):
            return []
        changed: Any = dataclasses.replace(last, activation=None)  # type: ignore[call-arg]
        self.weights[id(changed)] = self.weights.get(id(last), [])
        return [changed]

    def _block(self, step: Sum) -> Layer:
        shortcut, layers = (tuple(self.row(way, first=False)) for way in step.ways)
        if not layers:
            shortcut, layers = layers, shortcut
        if not layers:
            raise SpecError("an Add layer that adds a tensor to itself", expected="a way with layers")
        return Residual(layers, shortcut)

    def _layer(self, step: Any) -> Layer:
        config, name = step.get_config(), getattr(step, "name", "")
        try:
            layer = translated(type(step).__name__, config, 1 + len(_shape_before(step)))
        except SpecError as error:
            error.where = f"layer {name!r}"
            raise
        self.notes += [f"{what} of {name} is left out: it acts in training only" for what in lost(config)]
        self.weights[id(layer)] = [np.asarray(w, np.float32) for w in step.get_weights()]
        return layer

    def _rescale(self, step: Any) -> None:
        """Keras's `x * scale + offset`."""
        config = step.get_config()
        scale, offset = (np.asarray(config[key], np.float64) for key in ("scale", "offset"))
        if self.rescaling is not None or not np.all(scale):
            raise SpecError("several Rescaling layers, or one by zero", where=f"layer {step.name!r}")
        self.rescaling = -offset / scale, scale

    def _reshape(self, step: Any, *, at_start: bool) -> list[Layer]:
        before = _shape_before(step)
        after = tuple(step.compute_output_shape((None, *before))[1:])
        if len(after) == 1:
            return [Flatten()]
        if at_start and len(after) == 3 and math.prod(after) == math.prod(self.input_shape):
            self.input_shape = after
        elif after != before and not (at_start and (*after, 1) == self.input_shape):
            raise SpecError(f"a Reshape layer from {list(before)} to {list(after)}", expected="one row")
        return []


def _shape_before(step: Any) -> tuple[int, ...]:
    """Of one image."""
    return tuple(step._inbound_nodes[0].input_tensors[0].shape[1:])


def _ends_in_softmax(last: Layer) -> bool:
    return isinstance(last, Softmax) or getattr(last, "activation", None) == "softmax"


def _with_activations(row: list[Layer]) -> list[Layer]:
    """A function behind a residual block becomes the block's own, as in `handlens.engines.keras.twin`."""
    made: list[Layer] = []
    for layer in row:
        block = made[-1] if made else None
        if isinstance(block, Residual) and block.activation is None and isinstance(layer, Activation):
            made[-1] = dataclasses.replace(block, activation=layer.activation)
        else:
            made.append(layer)
    return made
