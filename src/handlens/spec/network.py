"""What a network is made of, as data. Names, arguments and defaults are Keras's.

Defaults on which libraries differ (initialiser, epsilon, momentum, padding) stand here, so that every engine
gets the same number. A kernel's penalty `l1 * sum(|kernel|) + l2 * sum(kernel ** 2)` joins the loss.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from handlens.errors import SpecError
from handlens.spec.text import description

Count = Annotated[int, Field(gt=0)]
Pair = Count | tuple[Count, Count]
Share = Annotated[float, Field(ge=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Padding = Literal["valid", "same"]
ActivationName = Literal[
    "linear", "relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softmax"
]  # fmt: skip
Initializer = Literal[
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
    "orthogonal", "zeros",
]  # fmt: skip


@description
class Flatten:
    """Pixels and channels of an image become one row of features."""


@description
class Dense:
    """`activation(x @ kernel + bias)`."""

    units: Count
    activation: ActivationName = "linear"
    use_bias: bool = True
    kernel_initializer: Initializer = "glorot_uniform"
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0


@description
class Conv2D:
    """Each of `filters` kernels looks at every window of the image."""

    filters: Count
    kernel_size: Pair
    strides: Pair = 1
    padding: Padding = "valid"
    activation: ActivationName = "linear"
    use_bias: bool = True
    kernel_initializer: Initializer = "glorot_uniform"
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0


@description
class DepthwiseConv2D:
    """`depth_multiplier` kernels for each channel, which sees that channel alone."""

    kernel_size: Pair
    strides: Pair = 1
    padding: Padding = "valid"
    depth_multiplier: Count = 1
    activation: ActivationName = "linear"
    use_bias: bool = True
    depthwise_initializer: Initializer = "glorot_uniform"
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0


@description
class MaxPooling2D:
    """The largest number of each window; `strides` are the window's size unless said."""

    pool_size: Pair = 2
    strides: Pair | None = None
    padding: Padding = "valid"


@description
class AveragePooling2D:
    """The mean of each window; `strides` are the window's size unless said."""

    pool_size: Pair = 2
    strides: Pair | None = None
    padding: Padding = "valid"


@description
class GlobalAveragePooling2D:
    """The mean of each channel."""


@description
class ZeroPadding2D:
    """A frame of zeros: so many rows above and below, columns left and right."""

    padding: Pair = 1


@description
class Dropout:
    """In training, each number is zero with probability `rate`; the others are divided by `1 - rate`."""

    rate: Share


@description
class BatchNormalization:
    """Each channel minus its mean over the batch, over its deviation; then scaled and moved."""

    momentum: Annotated[float, Field(ge=0, le=1)] = 0.99
    epsilon: Positive = 1e-3
    center: bool = True
    scale: bool = True


@description
class LayerNormalization:
    """Each pixel's channels (or each row's features) minus their mean, over their deviation."""

    epsilon: Positive = 1e-3
    center: bool = True
    scale: bool = True


@description
class Activation:
    """A function of each number (softmax: of each row)."""

    activation: ActivationName


@description
class ReLU:
    """`max(x, 0)`."""


@description
class LeakyReLU:
    """`x` where positive, else `negative_slope * x`."""

    negative_slope: NonNegative = 0.3


@description
class ELU:
    """`x` where positive, else `alpha * (exp(x) - 1)`."""

    alpha: NonNegative = 1.0


@description
class Softmax:
    """`exp(x) / sum(exp(x))` over the channels or features."""


@description
class Residual:
    """`activation(shortcut(x) + layers(x))`; without `shortcut` layers, x itself is added."""

    layers: tuple[Any, ...]
    shortcut: tuple[Any, ...] = ()
    activation: ActivationName = "linear"

    def __post_init__(self) -> None:
        if not self.layers:
            raise SpecError("no layers", where="Residual", expected="Residual((Conv2D(8, 3), ...))")
        for layer in (*self.layers, *self.shortcut):
            if not isinstance(layer, tuple(LAYERS.values())):
                raise SpecError(
                    f"{layer!r} is not a layer", where="Residual", expected="layers in parentheses"
                )


Layer = (
    Flatten | Dense | Conv2D | DepthwiseConv2D | MaxPooling2D | AveragePooling2D | GlobalAveragePooling2D
    | ZeroPadding2D | Dropout | BatchNormalization | LayerNormalization | Activation | ReLU | LeakyReLU | ELU
    | Softmax | Residual
)  # fmt: skip
LAYERS: dict[str, type] = {layer.__name__: layer for layer in Layer.__args__}
