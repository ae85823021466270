"""Weights between a network of ours and its Keras twin, both ways; layers are paired by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handlens import nn
from handlens.errors import SpecError
from handlens.nn.arrays import Array
from handlens.nn.layers import Layer
from handlens.nn.layers.base import leaves


def names(layers: Sequence[Layer]) -> dict[int, str]:
    """The name of every layer's twin by the layer's `id`, such as `dense_3` for the third layer."""
    found = [leaf for layer in layers for leaf in leaves(layer)]
    return {id(leaf): f"{type(leaf).__name__.lower()}_{i}" for i, leaf in enumerate(found, 1)}


def variables(network: nn.Network, model: Any) -> list[Any]:
    """The twin's variables in the order of `network.get_weights()`.

    Raises:
        SpecError: the model is not the network's twin.
    """
    called = names(network.layers)
    pending: dict[str, list[Any]] = {}
    found = []
    for slot in network.slots:
        name = called[id(slot.layer)]
        if name not in pending:
            pending[name] = _weights(model, name)
        if not pending[name] or tuple(pending[name][0].shape) != slot.parameter.shape:
            raise _other(name)
        found.append(pending[name].pop(0))
    for name, left in pending.items():
        if left:
            raise _other(name)
    return found


def to_keras(network: nn.Network, model: Any) -> None:
    """Give the twin the network's weights.

    Raises:
        SpecError: the model is not the network's twin.
    """
    for variable, value in zip(variables(network, model), network.get_weights(), strict=True):
        variable.assign(value)


def to_scratch(model: Any, network: nn.Network) -> None:
    """Give the network the weights of its twin.

    Raises:
        SpecError: the model is not the network's twin.
    """
    network.set_weights([np.asarray(variable.value) for variable in variables(network, model)])


def arranged(network: nn.Network, model: Any, wanted: Sequence[Any]) -> list[Array | None]:
    """The network's weights for the `wanted` variables of its twin; None for what it does not have."""
    place = {id(variable): i for i, variable in enumerate(variables(network, model))}
    weights = network.get_weights()
    return [weights[place[id(v)]] if id(v) in place else None for v in wanted]


def _weights(model: Any, name: str) -> list[Any]:
    try:
        return list(model.get_layer(name).weights)
    except ValueError:
        raise _other(name) from None


def _other(name: str) -> SpecError:
    return SpecError("the Keras model is another network", where=name, expected="the network's twin")
