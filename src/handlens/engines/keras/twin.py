"""A network of ours as a Keras model: the same layers, by Keras's own classes, with the same weights.

The model is `Sequential`; a residual block makes it a functional one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from handlens import nn
from handlens.engines.keras.libraries import keras
from handlens.engines.keras.weights import names, to_keras
from handlens.nn import layers
from handlens.nn.layers import Layer

Forms = Literal["keras", "dropout", "all"]


def twin(network: nn.Network, *, forms: Forms = "keras", precision: str | None = None) -> Any:
    """The Keras model with the network's layers and weights.

    Args:
        forms: `keras`: its own layers and regularizers. For programs, which see to penalties themselves:
            `dropout`, with rates that are variables, or `all` that `handlens.engines.keras.forms` has.
        precision: Keras's dtype policy, such as `mixed_bfloat16`; Keras's own default unless given.
    """
    build = _Builder(network.layers, forms, precision)
    inputs = keras.Input(network.input_shape)
    if any(isinstance(layer, layers.Residual) for layer in network.layers):
        model = keras.Model(inputs, build.through(network.layers, inputs))
    else:
        model = keras.Sequential([inputs, *map(build.layer, network.layers)])
    to_keras(network, model)
    return model


class _Builder:
    def __init__(self, network_layers: Sequence[Layer], forms: Forms, precision: str | None) -> None:
        self.names, self.plain = names(network_layers), forms == "keras"
        self.forms = {} if self.plain else _forms(forms)
        self.more = {} if precision is None else {"dtype": precision}

    def layer(self, layer: Layer) -> Any:
        """Keras's layer of the same name; it starts from zeros, which cost nothing to draw."""
        kind = type(layer).__name__
        arguments = {k: "zeros" if k.endswith("_initializer") else v for k, v in layer.config().items()}
        l1, l2 = arguments.pop("l1", 0.0), arguments.pop("l2", 0.0)
        if (l1 or l2) and self.plain:
            kernel = "depthwise" if isinstance(layer, layers.DepthwiseConv2D) else "kernel"
            arguments[f"{kernel}_regularizer"] = keras.regularizers.L1L2(l1, l2)
        arguments |= {"name": self.names[id(layer)]} | self.more
        return self.forms.get(kind, getattr(keras.layers, kind))(**arguments)

    def through(self, stack: Sequence[Layer], x: Any) -> Any:
        """The symbolic x through one layer after the other."""
        for layer in stack:
            x = self._residual(layer, x) if isinstance(layer, layers.Residual) else self.layer(layer)(x)
        return x

    def _residual(self, block: layers.Residual, x: Any) -> Any:
        name = self.names[id(block)]
        ways = [self.through(block.shortcut, x), self.through(block.layers, x)]
        y = keras.layers.Add(name=f"{name}_add", **self.more)(ways)
        if block.activation == "linear":
            return y
        return keras.layers.Activation(block.activation, name=f"{name}_activation", **self.more)(y)


def _forms(forms: Forms) -> dict[str, Any]:
    from handlens.engines.keras.forms import REGISTRY

    return REGISTRY if forms == "all" else {"Dropout": REGISTRY["Dropout"]}
