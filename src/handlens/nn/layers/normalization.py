"""Normalization: subtract a mean, divide by a deviation, then scale and shift by parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from handlens.nn import checks
from handlens.nn.arrays import Array, Shape
from handlens.nn.cache import Cache
from handlens.nn.layers.base import Layer, Parameter


@dataclass(eq=False)
class BatchNormalization(Layer):
    """Each channel (or feature) with the mean and variance of its numbers in the batch.

    Ioffe & Szegedy 2015: `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`. In training,
    mean and (biased) variance are those of the whole mini-batch, and the moving ones go a step towards them:
    `moving = momentum * moving + (1 - momentum) * batch`. Predicting uses the moving ones. A network with
    this layer takes each mini-batch in one piece.
    """

    formula = "y = gamma * (x - mean) / sqrt(variance + epsilon) + beta"
    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    gamma: Array = field(init=False, repr=False)
    beta: Array = field(init=False, repr=False)
    moving_mean: Array = field(init=False, repr=False)
    moving_variance: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checks.number(self, "momentum", self.momentum, 0, 1)
        checks.number(self, "epsilon", self.epsilon, 0, open_="low")
        checks.flag(self, "center", self.center)
        checks.flag(self, "scale", self.scale)

    def build(self, input_shape: Shape) -> Shape:
        return input_shape

    def parameters(self) -> tuple[Parameter, ...]:
        shape = (self.input_shape[-1],)
        gamma = (Parameter("gamma", shape, "ones"),) if self.scale else ()
        beta = (Parameter("beta", shape, "zeros"),) if self.center else ()
        moving = (
            Parameter("moving_mean", shape, "zeros", trainable=False),
            Parameter("moving_variance", shape, "ones", trainable=False),
        )
        return (*gamma, *beta, *moving)

    def forward(self, x: Array, cache: Cache) -> Array:
        flat = x.reshape(len(x), -1)  # [channels, everything else]
        if cache.training:
            mean, variance = flat.mean(axis=1), flat.var(axis=1)
            self._move(mean, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        inverse = 1 / np.sqrt(variance + self.epsilon)
        normal = cache.buffer("normal", flat.shape)
        np.subtract(flat, mean[:, None], out=normal)
        normal *= inverse[:, None]
        cache.saved["inverse"] = inverse

        y = cache.buffer("y", flat.shape)
        np.multiply(normal, self.gamma[:, None] if self.scale else 1, out=y)
        if self.center:
            y += self.beta[:, None]
        return y.reshape(x.shape)

    def backward(self, dy: Array, cache: Cache) -> Array:
        """With `normal = (x - mean) / deviation` and `dnormal = gamma * dy`, m numbers a channel:

        dgamma = sum(dy * normal),  dbeta = sum(dy),
        dx = (dnormal - mean(dnormal) - normal * mean(dnormal * normal)) / deviation,
        the two means being what flows back through the batch's own mean and variance.
        """
        shape, dy = dy.shape, dy.reshape(len(dy), -1)
        normal = cache.buffer("normal", dy.shape)
        if self.center:
            np.sum(dy, axis=1, out=cache.gradients["beta"])
        dnormal = dy
        if self.scale:
            cache.gradients["gamma"][...] = np.einsum("cm,cm->c", dy, normal)
            dnormal = dy * self.gamma[:, None]
        dx = dnormal
        if cache.training:
            along_normal = np.einsum("cm,cm->c", dnormal, normal) / dy.shape[1]
            dx = dnormal - dnormal.mean(axis=1, keepdims=True) - normal * along_normal[:, None]
        dx = dx * cache.saved["inverse"][:, None]
        return np.asarray(dx).reshape(shape)

    def _move(self, mean: Array, variance: Array) -> None:
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving *= self.momentum
            moving += (1 - self.momentum) * batch


@dataclass(eq=False)
class LayerNormalization(Layer):
    """Each image's features (of a picture: each pixel's channels) with their own mean and variance.

    `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta` (Ba et al. 2016), over axis 0: Keras's last.
    """

    formula = "y = gamma * (x - mean) / sqrt(variance + epsilon) + beta"
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    gamma: Array = field(init=False, repr=False)
    beta: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checks.number(self, "epsilon", self.epsilon, 0, open_="low")
        checks.flag(self, "center", self.center)
        checks.flag(self, "scale", self.scale)

    def build(self, input_shape: Shape) -> Shape:
        return input_shape

    def parameters(self) -> tuple[Parameter, ...]:
        shape = (self.input_shape[-1],)
        gamma = (Parameter("gamma", shape, "ones"),) if self.scale else ()
        beta = (Parameter("beta", shape, "zeros"),) if self.center else ()
        return (*gamma, *beta)

    def forward(self, x: Array, cache: Cache) -> Array:
        flat = x.reshape(len(x), -1)
        inverse = 1 / np.sqrt(flat.var(axis=0) + self.epsilon)
        normal = cache.buffer("normal", flat.shape)
        np.subtract(flat, flat.mean(axis=0), out=normal)
        normal *= inverse
        cache.saved["inverse"] = inverse

        y = cache.buffer("y", flat.shape)
        np.multiply(normal, self.gamma[:, None] if self.scale else 1, out=y)
        if self.center:
            y += self.beta[:, None]
        return y.reshape(x.shape)

    def backward(self, dy: Array, cache: Cache) -> Array:
        """As for a batch, with the means over each image's own features."""
        shape, dy = dy.shape, dy.reshape(len(dy), -1)
        normal = cache.buffer("normal", dy.shape)
        if self.center:
            np.sum(dy, axis=1, out=cache.gradients["beta"])
        dnormal = dy
        if self.scale:
            cache.gradients["gamma"][...] = np.einsum("cm,cm->c", dy, normal)
            dnormal = dy * self.gamma[:, None]
        dx = dnormal - dnormal.mean(axis=0) - normal * (dnormal * normal).mean(axis=0)
        dx *= cache.saved["inverse"]
        return np.asarray(dx).reshape(shape)
