"""At least one example of every layer, for tests that drive the registry: odd shapes, many arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handlens.nn import Network, layers
from handlens.nn.layers import Layer

IMAGE = (7, 5, 3)
ROW = (11,)


@dataclass(frozen=True)
class Example:
    """A layer and an input that it takes; `bad` are arguments that its constructor must refuse."""

    layer: Layer
    shape: tuple[int, ...] = IMAGE
    bad: tuple[dict[str, object], ...] = ()

    @property
    def name(self) -> str:
        arguments = ",".join(f"{k}={v}" for k, v in self.layer.config().items())
        return f"{type(self.layer).__name__}({arguments}){list(self.shape)}"[:90]


L = layers
EXAMPLES: tuple[Example, ...] = (
    Example(L.Flatten()),
    Example(L.Flatten(), ROW),
    Example(L.ZeroPadding2D((2, 1)), bad=({"padding": -1}, {"padding": (1, 2, 3)}, {"padding": "same"})),
    Example(L.Dense(4, "tanh"), ROW, ({"units": 0}, {"units": 2.5}, {"use_bias": 1}, {"l2": -1.0})),
    Example(L.Dense(4, "gelu", use_bias=False, kernel_initializer="orthogonal"), ROW),
    Example(
        L.Conv2D(4, 3, activation="tanh"),
        bad=(
            {"filters": 0},
            {"kernel_size": 0},
            {"strides": (1, 0)},
            {"padding": "full"},
            {"l1": float("nan")},
        ),
    ),
    Example(L.Conv2D(2, (2, 3), (2, 1), "same", "silu", use_bias=False)),
    Example(L.Conv2D(3, 1), (4, 4, 5)),
    Example(L.Conv2D(2, (3, 2), 3, "same"), (5, 8, 1)),
    Example(
        L.DepthwiseConv2D(3, activation="sigmoid", depth_multiplier=2),
        bad=({"kernel_size": "3"}, {"depth_multiplier": 0}, {"padding": ""}, {"depthwise_initializer": "he"}),
    ),
    Example(L.DepthwiseConv2D((2, 3), 2, "same", use_bias=False)),
    Example(L.MaxPooling2D(2), bad=({"pool_size": 0}, {"strides": 0}, {"padding": 1})),
    Example(L.MaxPooling2D((3, 2), (2, 1), "same")),
    Example(L.MaxPooling2D(2), (6, 4, 2)),
    Example(L.AveragePooling2D(2), bad=({"pool_size": 1.5}, {"padding": "SAME"})),
    Example(L.AveragePooling2D((3, 2), (2, 1), "same")),
    Example(L.GlobalAveragePooling2D()),
    Example(L.Dropout(0.4), bad=({"rate": 1.0}, {"rate": -0.1}, {"rate": "half"})),
    Example(L.Dropout(0.0), ROW),
    Example(
        L.BatchNormalization(),
        bad=({"momentum": 1.5}, {"epsilon": 0.0}, {"center": "yes"}, {"scale": None}),
    ),
    Example(L.BatchNormalization(momentum=0.5, center=False), ROW),
    Example(L.BatchNormalization(scale=False), ROW),
    Example(L.LayerNormalization(), bad=({"epsilon": 0}, {"scale": 0})),
    Example(L.LayerNormalization(center=False), ROW),
    Example(L.LayerNormalization(scale=False), (2, 2, 4)),
    Example(L.Activation("softmax"), bad=({"activation": "rleu"}, {"activation": 3})),
    Example(L.Activation("sigmoid"), ROW),
    Example(L.ReLU()),
    Example(L.LeakyReLU(0.1), bad=({"negative_slope": -0.1},)),
    Example(L.ELU(0.7), bad=({"alpha": 0.0},)),
    Example(L.Softmax(), ROW),
    Example(
        L.Residual((L.Conv2D(3, 3, padding="same", activation="tanh"), L.Conv2D(3, 1)), activation="elu"),
        bad=({"activation": "swoosh"}, {"layers": ()}, {"layers": (3,)}),
    ),
    Example(L.Residual((L.Dense(5, "tanh"),), (L.Dense(5, use_bias=False),)), ROW),
    Example(L.Residual((L.Dropout(0.5), L.BatchNormalization(), L.Dense(11))), ROW),
)


def network_of(
    example: Example, *, dtype: str = "float64", seed: int = 0, before: Sequence[Layer] = ()
) -> Network:
    """The example's layer with a small head behind it; biases and gammas drawn too, so none is special."""
    network = Network(
        [*before, example.layer, L.Flatten(), L.Dense(3)],
        input_shape=example.shape,
        rng=np.random.default_rng(seed),
        dtype=dtype,
    )
    rng = np.random.default_rng(seed + 1)
    network.parameters += rng.normal(0, 0.2, network.parameters.size)
    network.statistics *= rng.uniform(0.5, 2, network.statistics.size)
    return network


def batch(shape: tuple[int, ...], n: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """n float64 images and labels in 0..2; no two pixels are equal or nearly so, none is nearly zero."""
    rng = np.random.default_rng(seed)
    pixels = rng.permutation(np.linspace(-2, 2.1, n * math.prod(shape)))
    return pixels.reshape(n, *shape), rng.integers(3, size=n)
