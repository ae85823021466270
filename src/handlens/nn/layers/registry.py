"""From a layer's name and arguments to the layer."""

from __future__ import annotations

import dataclasses
from typing import Any

from handlens.errors import SpecError, did_you_mean
from handlens.nn.layers.activations import ELU, Activation, LeakyReLU, ReLU, Softmax
from handlens.nn.layers.base import Layer
from handlens.nn.layers.convolution import Conv2D
from handlens.nn.layers.dense import Dense
from handlens.nn.layers.depthwise import DepthwiseConv2D
from handlens.nn.layers.dropout import Dropout
from handlens.nn.layers.normalization import BatchNormalization, LayerNormalization
from handlens.nn.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from handlens.nn.layers.reshaping import Flatten, ZeroPadding2D
from handlens.nn.layers.residual import Residual

REGISTRY: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        Flatten, ZeroPadding2D, Dense, Conv2D, DepthwiseConv2D, MaxPooling2D, AveragePooling2D,
        GlobalAveragePooling2D, Dropout, BatchNormalization, LayerNormalization, Activation, ReLU, LeakyReLU,
        ELU, Softmax, Residual,
    )
}  # fmt: skip


def from_config(config: Any) -> Layer:
    """The layer of `{"layer": name, argument: value, ...}`, the inverse of `config`.

    Raises:
        SpecError: an unknown layer, or an argument that it does not have.
    """
    if not isinstance(config, dict) or not isinstance(config.get("layer"), str):
        raise SpecError(
            f"a layer is described by {config!r:.60}", expected='an object with its name under "layer"'
        )
    arguments = dict(config)
    name = arguments.pop("layer")
    if name not in REGISTRY:
        raise SpecError(f"layer {name!r} is unknown", remedy=did_you_mean(name, REGISTRY))
    known = [f.name for f in dataclasses.fields(REGISTRY[name]) if f.init]
    for argument in arguments:
        if argument not in known:
            raise SpecError(
                f"argument {argument!r} is unknown", where=name, remedy=did_you_mean(argument, known)
            )
    try:
        return REGISTRY[name](**{k: _inner(v) for k, v in arguments.items()})
    except TypeError as error:
        raise SpecError(f"its arguments do not fit ({error})", where=name) from error


def _inner(value: Any) -> Any:
    """Lists of layer descriptions become layers; other lists become tuples."""
    if isinstance(value, list):
        return tuple(from_config(v) if isinstance(v, dict) else v for v in value)
    return value
