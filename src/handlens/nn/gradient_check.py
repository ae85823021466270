"""The proof of a backward pass: compare it with what the forward pass alone says.

    dL/dw = (L(w + h) - L(w - h)) / 2h, up to an error of the order h ** 2

for each number w by itself. Slow, and independent of every derivative that was written by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.nn.arrays import Array
from handlens.nn.losses import Labels, Loss
from handlens.nn.network import Network
from handlens.nn.passes import Pass

STEP = 1e-5
SMALL = 1e-3  # gradients below this share of the greatest one are compared with that


def gradient_errors(
    network: Network, images: NDArray[Any], labels: Labels, loss: Loss, *, fuse: bool = True, seed: int = 0
) -> dict[str, float]:
    """The relative error of the gradient of every parameter, and of the input under the name "input".

    `images` float64 `[n, height, width, channels]`; the network is float64, its parameters are put back. The
    pass is one of training, the same random numbers each time. The error is the greatest absolute difference
    over the greatest number of the two gradients compared.
    """
    through = Pass(network, network.steps(fuse=fuse), to_input=True)
    order = (3, 1, 2, 0) if images.ndim == 4 else (1, 0)
    x = np.array(images.transpose(order), network.dtype)  # batch last

    def value() -> float:
        generator = np.random.default_rng(seed)
        logits = through.forward(x, training=True, generator=generator)
        return float(loss.forward(logits, labels)[0].sum())

    state = network.state()
    dlogits = loss.forward(through.forward(x, training=True, generator=np.random.default_rng(seed)), labels)[
        1
    ]
    dx = through.backward(dlogits)
    written = {
        slot.path: slot.view(through.gradient).copy() for slot in network.slots if slot.parameter.trainable
    }
    written["input"] = np.zeros_like(x) if dx is None else dx.copy()
    variables = {
        slot.path: slot.view(network.parameters) for slot in network.slots if slot.parameter.trainable
    }
    measured = {name: _differences(value, variable) for name, variable in {**variables, "input": x}.items()}
    network.restore(state)
    floor = SMALL * max(float(np.abs(g).max()) for g in measured.values())
    return {name: _error(written[name], measured[name], floor) for name in measured}


def _differences(value: Any, variable: Array) -> Array:
    """The central difference of `value()` for each number of `variable`, which is changed and put back."""
    result = np.empty_like(variable)
    for place in np.ndindex(variable.shape):
        before = variable[place]
        variable[place] = before + STEP
        above = value()
        variable[place] = before - STEP
        result[place] = (above - value()) / (2 * STEP)
        variable[place] = before
    return result


def _error(written: Array, measured: Array, floor: float) -> float:
    scale = max(float(np.abs(written).max()), float(np.abs(measured).max()), floor)
    return float(np.abs(written - measured).max()) / scale if scale else 0.0
