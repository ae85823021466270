"""Keras's Adam and AdamW, their steps to full precision.

Both divide by `1 - beta ** t`. In single precision 0.999 is off by 1e-8, and so is its difference from 1, a
mere thousandth: the first steps are all wrong by 1e-5 of their length, in their own direction. That is far
more than rounding does elsewhere, and within a few dozen steps it switches a ReLU, from where on trainings
part. `expm1(t * log(beta))` keeps all digits.
"""

from __future__ import annotations

import math
from typing import Any

from handlens.engines.keras.libraries import keras


class Adam(keras.optimizers.Adam):  # type: ignore[misc]
    """Keras's Adam with exact corrections."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, learning_rate * _sharper(self, variable.dtype))


class AdamW(keras.optimizers.AdamW):  # type: ignore[misc]
    """Keras's AdamW with exact corrections."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, learning_rate * _sharper(self, variable.dtype))


REGISTRY = {"Adam": Adam, "AdamW": AdamW}


def _sharper(optimizer: Any, dtype: str) -> Any:
    """What the step, as Keras works it out, has to be multiplied by."""
    t = keras.ops.cast(optimizer.iterations + 1, dtype)

    def share(beta: float) -> Any:
        """The true `1 - beta ** t` over Keras's."""
        if not beta:
            return 1.0
        return -keras.ops.expm1(t * math.log(beta)) / (1 - keras.ops.power(keras.ops.cast(beta, dtype), t))

    return keras.ops.sqrt(share(optimizer.beta_2)) / share(optimizer.beta_1)
