"""Convolution as one matrix product over patches."""

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
class Conv2D(Layer):
    """Each of `filters` kernels looks at every window: `y = f(kernel.T @ patches + bias)`.

    Parameters are `kernel [height, width, channels, filters]` and `bias [filters]`; x is
    `[channels, height, width, n]`, y `[filters, out, out, n]`. The patch matrix (im2col) holds one window in
    each column: `[height * width * channels, out * out * n]`. With the image last in memory, each of its rows
    is a few long runs. As everywhere in deep learning, the kernel is not turned round (cross-correlation).
    """

    formula = "y = f(kernel.T @ patches(x) + bias)"
    filters: int
    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = (1, 1)
    padding: str = "valid"
    activation: str | None = None
    use_bias: bool = True
    kernel_initializer: str = "glorot_uniform"
    l1: float = 0.0
    l2: float = 0.0
    kernel: Array = field(init=False, repr=False)
    bias: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checks.whole(self, "filters", self.filters)
        self.window = self.kernel_size = checks.pair(self, "kernel_size", self.kernel_size)
        self.step = self.strides = checks.pair(self, "strides", self.strides)
        check_padding(self, self.padding)
        checks.flag(self, "use_bias", self.use_bias)
        checks.choice(self, "kernel_initializer", self.kernel_initializer, initializers.REGISTRY)
        checks.number(self, "l1", self.l1, 0)
        checks.number(self, "l2", self.l2, 0)
        self.function = activation(self.activation, "Conv2D")

    def build(self, input_shape: Shape) -> Shape:
        shape = self.image_shape(input_shape)
        self.windows = windows(self, shape, self.window, self.step, self.padding)
        return (self.windows.rows.out, self.windows.columns.out, self.filters)

    def parameters(self) -> tuple[Parameter, ...]:
        shape = (*self.window, self.input_shape[2], self.filters)
        kernel = Parameter("kernel", shape, self.kernel_initializer, self.l1, self.l2)
        return (kernel, Parameter("bias", (self.filters,), "zeros")) if self.use_bias else (kernel,)

    def forward(self, x: Array, cache: Cache) -> Array:
        patches = self.windows.patches(self.windows.pad(x, cache), cache)  # [h, w, channels, out, out, n]
        height, width, channels = self.output_shape
        matrix = cache.saved["patches"] = patches.reshape(self.kernel[..., 0].size, -1)
        cache.saved["x_shape"] = x.shape

        z = cache.buffer("z", (channels, matrix.shape[1]))
        cache.product(self.kernel.reshape(-1, channels).T, matrix, z)  # [filters, out * out * n]
        if self.use_bias:
            z += self.bias[:, None]
        return activate(self.function, z.reshape(channels, height, width, -1), cache)

    def backward(self, dy: Array, cache: Cache) -> Array | None:
        """With `dz = f'(z) * dy`, both as matrices `[filters, out * out * n]`:

        dkernel = patches @ dz.T,  dbias = sum of dz,  dpatches = kernel @ dz,
        and dx adds up, pixel by pixel, what the patches that held it received (col2im).
        """
        patches = cache.saved["patches"]
        dz = deactivate(self.function, dy, cache).reshape(self.filters, -1)
        cache.product(patches, dz.T, cache.gradients["kernel"].reshape(len(patches), -1))
        if self.use_bias:
            np.sum(dz, axis=1, out=cache.gradients["bias"])
        if not cache.wants_dx:
            return None

        dpatches = cache.buffer("dpatches", patches.shape)
        cache.product(self.kernel.reshape(-1, self.filters), dz, dpatches)
        height, width, _ = self.output_shape
        x_shape = cache.saved["x_shape"]
        dpatches = dpatches.reshape(*self.window, x_shape[0], height, width, -1)
        dpadded = self.windows.empty_gradient(x_shape, cache)
        for i, j, index in self.windows.offsets():
            dpadded[index] += dpatches[i, j]
        return self.windows.inside(dpadded)  # [channels, height, width, n]
