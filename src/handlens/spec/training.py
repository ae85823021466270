"""How a network is trained, as data: optimizers. Names, arguments and defaults are Keras's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from handlens.spec.network import NonNegative, Share
from handlens.spec.text import description

Rate = Annotated[float, Field(gt=0)]


@description
class SGD:
    """`velocity = momentum * velocity - learning_rate * gradient`; weights move by the velocity."""

    learning_rate: Rate = 0.01
    momentum: Share = 0.0
    nesterov: bool = False


@description
class Adam:
    """Steps scaled by running means of gradient and squared gradient (Kingma & Ba 2015)."""

    learning_rate: Rate = 0.001
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: NonNegative = 1e-7


OPTIMIZERS: dict[str, type] = {optimizer.__name__: optimizer for optimizer in (SGD, Adam)}
Optimizer = SGD | Adam
