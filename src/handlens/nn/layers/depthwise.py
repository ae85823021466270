"""Convolution that keeps the channels apart."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from handlens.nn import checks, initializers
from handlens.nn.activations import activation
from handlens.nn.arrays import Array, Shape
from handlens.nn.cache import Cache
from handlens.nn.layers.activations import activate, deactivate
from handlens.nn.layers.base import Layer, Parameter
from handlens.nn.layers.windows import check_padding, windows


@dataclass(eq=False)
class DepthwiseConv2D(Layer):
    """Each channel has `depth_multiplier` kernels of its own and meets no other channel.

    Parameters are `kernel [height, width, channels, depth_multiplier]` and
    `bias [channels * depth_multiplier]`; output channel `c * depth_multiplier + m` is kernel m of channel c.
    There is too little arithmetic for a matrix product to pay: the sum over the window's pixels is written as
    it stands.
    """

    formula = "y[c, m] = f(sum over (i, j) of kernel[i, j, c, m] * x[c] shifted by (i, j) + bias[c, m])"
    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = (1, 1)
    padding: str = "valid"
    depth_multiplier: int = 1
    activation: str | None = None
    use_bias: bool = True
    depthwise_initializer: str = "glorot_uniform"
    l1: float = 0.0
    l2: float = 0.0
    kernel: Array = field(init=False, repr=False)
    bias: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.window = self.kernel_size = checks.pair(self, "kernel_size", self.kernel_size)
        self.step = self.strides = checks.pair(self, "strides", self.strides)
        check_padding(self, self.padding)
        checks.whole(self, "depth_multiplier", self.depth_multiplier)
        checks.flag(self, "use_bias", self.use_bias)
        checks.choice(self, "depthwise_initializer", self.depthwise_initializer, initializers.REGISTRY)
        checks.number(self, "l1", self.l1, 0)
        checks.number(self, "l2", self.l2, 0)
        self.function = activation(self.activation, "DepthwiseConv2D")

    def build(self, input_shape: Shape) -> Shape:
        shape = self.image_shape(input_shape)
        self.windows = windows(self, shape, self.window, self.step, self.padding)
        return (self.windows.rows.out, self.windows.columns.out, shape[2] * self.depth_multiplier)

    def parameters(self) -> tuple[Parameter, ...]:
        shape = (*self.window, self.input_shape[2], self.depth_multiplier)
        kernel = Parameter("kernel", shape, self.depthwise_initializer, self.l1, self.l2)
        if not self.use_bias:
            return (kernel,)
        return kernel, Parameter("bias", (self.output_shape[2],), "zeros")

    def forward(self, x: Array, cache: Cache) -> Array:
        padded = cache.saved["padded"] = self.windows.pad(x, cache)
        height, width, _ = self.output_shape
        z = cache.buffer("z", (len(x), self.depth_multiplier, height, width, x.shape[-1]))
        term = cache.buffer("term", z.shape)
        z.fill(0)
        for i, j, index in self.windows.offsets():
            weights = self.kernel[i, j][:, :, None, None, None]  # [channels, multiplier, 1, 1, 1]
            np.multiply(padded[index][:, None], weights, out=term)
            z += term
        z = z.reshape(-1, height, width, x.shape[-1])  # [channels * multiplier, out, out, n]
        if self.use_bias:
            z += self.bias[:, None, None, None]
        return activate(self.function, z, cache)

    def backward(self, dy: Array, cache: Cache) -> Array | None:
        """dkernel[i, j, c, m] = sum of `dz[c, m] * x[c]` shifted by (i, j); dx adds `kernel * dz` there."""
        padded = cache.saved["padded"]
        dz = deactivate(self.function, dy, cache)
        if self.use_bias:
            np.sum(dz, axis=(1, 2, 3), out=cache.gradients["bias"])
        dz = dz.reshape(len(padded), self.depth_multiplier, *dz.shape[1:])  # [channels, multiplier, ...]
        dkernel = cache.gradients["kernel"]
        for i, j, index in self.windows.offsets():
            np.einsum("cmhwn,chwn->cm", dz, padded[index], out=dkernel[i, j])
        if not cache.wants_dx:
            return None
        dpadded = self.windows.empty_gradient(padded.shape, cache)
        for i, j, index in self.windows.offsets():
            dpadded[index] += np.einsum("cmhwn,cm->chwn", dz, self.kernel[i, j])
        return self.windows.inside(dpadded)
