"""The fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from handlens.nn import checks, initializers
from handlens.nn.activations import Function, activation
from handlens.nn.arrays import Array, Shape
from handlens.nn.cache import Cache
from handlens.nn.layers.activations import activate, deactivate
from handlens.nn.layers.base import Layer, Parameter


@dataclass(eq=False)
class Dense(Layer):
    """Every output sees every input: `y = f(kernel.T @ x + bias)`.

    Parameters are `kernel [in, units]` and `bias [units]`; x is `[in, n]`, y `[units, n]`, n images.
    `l1 * sum(|kernel|) + l2 * sum(kernel ** 2)` joins the loss.
    """

    formula = "y = f(kernel.T @ x + bias)"
    units: int
    activation: str | None = None
    use_bias: bool = True
    kernel_initializer: str = "glorot_uniform"
    l1: float = 0.0
    l2: float = 0.0
    kernel: Array = field(init=False, repr=False)
    bias: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checks.whole(self, "units", self.units)
        checks.flag(self, "use_bias", self.use_bias)
        checks.choice(self, "kernel_initializer", self.kernel_initializer, initializers.REGISTRY)
        checks.number(self, "l1", self.l1, 0)
        checks.number(self, "l2", self.l2, 0)
        self.function: Function = activation(self.activation, "Dense")

    def build(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise self.refuse_shape(input_shape, "one row of features", "put Flatten() before it")
        return (self.units,)

    def parameters(self) -> tuple[Parameter, ...]:
        kernel = Parameter(
            "kernel", (*self.input_shape, self.units), self.kernel_initializer, self.l1, self.l2
        )
        return (kernel, Parameter("bias", (self.units,), "zeros")) if self.use_bias else (kernel,)

    def forward(self, x: Array, cache: Cache) -> Array:
        cache.saved["x"] = x
        z = cache.buffer("z", (self.units, x.shape[-1]))
        cache.product(self.kernel.T, x, z)  # [units, n]
        if self.use_bias:
            z += self.bias[:, None]
        return activate(self.function, z, cache)

    def backward(self, dy: Array, cache: Cache) -> Array | None:
        """With `dz = f'(z) * dy`:

        dkernel = x @ dz.T,  dbias = sum of dz over the images,  dx = kernel @ dz.
        """
        x = cache.saved["x"]
        dz = deactivate(self.function, dy, cache)
        cache.product(x, dz.T, cache.gradients["kernel"])  # [in, units]
        if self.use_bias:
            np.sum(dz, axis=1, out=cache.gradients["bias"])
        if not cache.wants_dx:
            return None
        dx = cache.buffer("dx", (len(self.kernel), x.shape[-1]))
        cache.product(self.kernel, dz, dx)  # [in, n]
        return dx
