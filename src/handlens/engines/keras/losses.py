"""The losses of recipes as functions of `jax.numpy`; the formulas are those of `handlens.nn.losses`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handlens import spec
from handlens.engines.keras.libraries import jax, jnp
from handlens.engines.keras.program import Numbers


def cross_entropy(outputs: Any, labels: Any, numbers: Numbers) -> Any:
    """Each image's loss [n] of logits [n, k]."""
    log = jax.nn.log_softmax(outputs)
    hit = jnp.take_along_axis(log, labels[:, None], axis=1)[:, 0]
    smoothed = (1 - numbers.smoothing) * hit + numbers.smoothing * log.mean(axis=1)
    return -smoothed * numbers.weights[labels]


def squared_error(outputs: Any, labels: Any, _numbers: Numbers) -> Any:
    """Each image's loss [n] of outputs [n, k]."""
    return jnp.square(outputs - jax.nn.one_hot(labels, outputs.shape[1], dtype=outputs.dtype)).mean(axis=1)


LOSSES: dict[type, Callable[[Any, Any, Numbers], Any]] = {
    spec.SoftmaxCrossEntropy: cross_entropy,
    spec.MeanSquaredError: squared_error,
}
