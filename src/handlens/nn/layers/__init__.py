"""The layers, by name. A layer joins every test of `tests/conformance` by standing here."""

from __future__ import annotations

from handlens.nn.layers.activations import ELU, Activation, LeakyReLU, ReLU, Softmax
from handlens.nn.layers.base import Layer, Parameter
from handlens.nn.layers.convolution import Conv2D
from handlens.nn.layers.dense import Dense
from handlens.nn.layers.depthwise import DepthwiseConv2D
from handlens.nn.layers.dropout import Dropout
from handlens.nn.layers.normalization import BatchNormalization, LayerNormalization
from handlens.nn.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from handlens.nn.layers.registry import REGISTRY, from_config
from handlens.nn.layers.reshaping import Flatten, ZeroPadding2D
from handlens.nn.layers.residual import Residual

__all__ = [
    "ELU", "REGISTRY", "Activation", "AveragePooling2D", "BatchNormalization", "Conv2D", "Dense",
    "DepthwiseConv2D", "Dropout", "Flatten", "GlobalAveragePooling2D", "Layer", "LayerNormalization",
    "LeakyReLU", "MaxPooling2D", "Parameter", "ReLU", "Residual", "Softmax", "ZeroPadding2D", "from_config",
]  # fmt: skip
