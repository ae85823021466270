"""Layers for compiled programs: Keras's results by arithmetic that XLA is fast at on a processor.

XLA's own convolution takes ten times as long there as these matrix products, and its own gradient of maximum
pooling longer than the rest of LeNet together (docs/benchmarks.md). Names, arguments and weights are Keras's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handlens.engines.keras.libraries import jnp, keras

THIN = 16  # input channels below which a row of the image goes into one product
SHAPE = tuple[int, int]


class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """Convolution as one matrix product.

    Of few channels, whole rows of windows: a band matrix holds the kernel once for each place in the row,
    which is more arithmetic in products of a good size. Of many channels, one row a window.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        kernel = keras.ops.convert_to_tensor(kernel)
        x = _padded(inputs, kernel.shape[:2], self.strides, self.padding)
        form = _bands if kernel.shape[2] < THIN else _patches
        return form(x, kernel, self.strides)


class MaxPooling2D(keras.layers.MaxPooling2D):  # type: ignore[misc]
    """Windows side by side: the first of the largest numbers alone has the gradient, as in XLA's own."""

    def call(self, inputs: Any) -> Any:
        height, width = self.pool_size
        if tuple(self.strides) != (height, width):
            return super().call(inputs)
        low = jnp.finfo(inputs.dtype).min
        x = _padded(inputs, self.pool_size, self.strides, self.padding, low)
        n, rows, columns, channels = x.shape
        rows, columns = rows // height, columns // width
        x = x[:, : rows * height, : columns * width].reshape(n, rows, height, columns, width, channels)
        each = [x[:, :, i, :, j] for i in range(height) for j in range(width)]
        largest = each[0]
        for other in each[1:]:
            largest = jnp.maximum(largest, other)
        y, taken = jnp.zeros_like(largest), jnp.zeros(largest.shape, bool)
        for one in each:
            hit = (one == largest) & ~taken
            y, taken = y + jnp.where(hit, one, 0), taken | hit
        return y


class Dropout(keras.layers.Layer):  # type: ignore[misc]
    """Dropout whose rate is a variable, so that networks with different rates share one program."""

    def __init__(self, rate: float, **more: Any) -> None:
        super().__init__(**more)
        self.first_rate = rate
        self.seed_generator = keras.random.SeedGenerator(0)

    def build(self, _input_shape: Any) -> None:
        first = keras.initializers.Constant(self.first_rate)
        self.rate = self.add_weight(shape=(), initializer=first, trainable=False, name="rate", autocast=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        drawn = keras.random.uniform(jnp.shape(inputs), seed=self.seed_generator, dtype="float32")
        rate = keras.ops.convert_to_tensor(self.rate)
        return jnp.where(drawn >= rate, inputs / (1 - rate).astype(inputs.dtype), 0)


REGISTRY = {"Conv2D": Conv2D, "MaxPooling2D": MaxPooling2D, "Dropout": Dropout}


def _padded(x: Any, window: Any, strides: Any, padding: str, value: float = 0.0) -> Any:
    """x with the frame that Keras's `padding` means."""
    if padding == "valid":
        return x
    frame = []
    for size, wide, step in zip(x.shape[1:3], window, strides, strict=True):
        total = max((-(-size // step) - 1) * step + wide - size, 0)
        frame.append((total // 2, total - total // 2))
    return jnp.pad(x, [(0, 0), *frame, (0, 0)], constant_values=value)


def _places(size: int, window: int, stride: int) -> int:
    return (size - window) // stride + 1


def _bands(x: Any, kernel: Any, strides: SHAPE) -> Any:
    tall, wide, channels, filters = kernel.shape
    n, height, width, _ = x.shape
    rows, columns = _places(height, tall, strides[0]), _places(width, wide, strides[1])
    at = np.zeros((wide, width, columns), np.float32)  # 1 where pixel v lies under tap j of place w
    for j in range(wide):
        at[j, np.arange(columns) * strides[1] + j, np.arange(columns)] = 1
    band = jnp.einsum("jvw,ijco->ivcwo", at.astype(kernel.dtype), kernel)
    lines = x.reshape(n, height, width * channels)
    last = (rows - 1) * strides[0] + 1
    stacked = jnp.concatenate([lines[:, i : i + last : strides[0]] for i in range(tall)], axis=-1)
    product = stacked.reshape(n * rows, -1) @ band.reshape(tall * width * channels, columns * filters)
    return product.reshape(n, rows, columns, filters)


def _patches(x: Any, kernel: Any, strides: SHAPE) -> Any:
    tall, wide, channels, filters = kernel.shape
    n, height, width, _ = x.shape
    rows, columns = _places(height, tall, strides[0]), _places(width, wide, strides[1])
    down, across = (rows - 1) * strides[0] + 1, (columns - 1) * strides[1] + 1
    taps = [
        x[:, i : i + down : strides[0], j : j + across : strides[1]] for i in range(tall) for j in range(wide)
    ]
    windows = jnp.concatenate(taps, axis=-1).reshape(n * rows * columns, tall * wide * channels)
    return (windows @ kernel.reshape(-1, filters)).reshape(n, rows, columns, filters)
