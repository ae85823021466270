"""Proof that the tests can fail: each backward pass (and more) is broken on purpose, and must be caught.

A mutation is a piece of source text and what it becomes. The mutated file is run, its functions replace the
real ones for the length of a test, and the same checks as everywhere in this folder must find the fault.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from types import FunctionType, ModuleType

import numpy as np
import pytest
from layer_examples import EXAMPLES, Example, batch, network_of

from handlens.nn import Network, layers, losses
from handlens.nn.gradient_check import gradient_errors
from handlens.nn.optimizers import SGD
from handlens.nn.training import fit

L = layers
DENSE = Example(L.Dense(4, "tanh"), (11,))
CONV = Example(L.Conv2D(4, 3, activation="tanh"))
DEPTH = Example(L.DepthwiseConv2D(3, activation="sigmoid", depth_multiplier=2))
BATCH = Example(L.BatchNormalization())
RESIDUAL = Example(L.Residual((L.Dense(5, "tanh"),), (L.Dense(5),), "elu"), (11,))
FUSED = Example(
    L.Residual((L.ReLU(),)),  # behind it, the convolution is not the first layer and owes a dx
    (9, 8, 2),
)


def of(kind: type[layers.Layer]) -> tuple[Example, ...]:
    return tuple(e for e in EXAMPLES if type(e.layer) is kind)


LAYER = of(L.LayerNormalization)

# file, text, what it becomes, examples whose gradients must go wrong
MUTATIONS: list[tuple[str, str, str, tuple[Example, ...]]] = [
    ("layers.dense", "x, dz.T, cache.gradients", "2 * x, dz.T, cache.gradients", (DENSE,)),
    ("layers.dense", "np.sum(dz, axis=1, out=", "np.mean(dz, axis=1, out=", (DENSE,)),
    ("layers.dense", "np.sum(dz, axis=1, out=", "np.sum(dz[:, :1], axis=1, out=", (DENSE,)),
    ("layers.dense", "dz = deactivate(self.function, dy, cache)", "dz = dy", (DENSE,)),
    ("layers.dense", "cache.product(self.kernel, dz, dx)", "cache.product(-self.kernel, dz, dx)", (DENSE,)),
    ("layers.convolution", "patches, dz.T, cache", "patches[::-1], dz.T, cache", (CONV,)),
    ("layers.convolution", "np.sum(dz, axis=1, out=", "np.sum(dz, axis=1, where=dz > 0, out=", (CONV,)),
    ("layers.convolution", "dpadded[index] +=", "dpadded[index] =", (CONV,)),
    ("layers.convolution", "dpatches[i, j]", "dpatches[j, i]", (CONV,)),
    ("layers.convolution", "dz = deactivate(self.function, dy, cache)", "dz = dy", (CONV,)),
    ("layers.windows", "gradient.fill(0)", "gradient.fill(1e-3)", (CONV,)),
    ("layers.depthwise", "axis=(1, 2, 3), out=", "axis=(1, 2, 3), where=dz > 0, out=", (DEPTH,)),
    ("layers.depthwise", "self.kernel[i, j])", "self.kernel[j, i])", (DEPTH,)),
    ("layers.depthwise", "padded[index], out=dkernel[i, j]", "padded[index], out=dkernel[j, i]", (DEPTH,)),
    ("layers.pooling", "dy * (winner == k)", "dy * (winner >= k)", of(L.MaxPooling2D)),
    ("layers.pooling", "np.greater(padded[index], y", "np.less(padded[index], y", of(L.MaxPooling2D)),
    ("layers.pooling", "share = dy * self.shares.astype(dy.dtype)", "share = dy", of(L.AveragePooling2D)),
    ("layers.pooling", "(dy / (height * width))", "(dy / height)", of(L.GlobalAveragePooling2D)),
    ("layers.normalization", "dnormal - dnormal.mean(axis=1, keepdims=True)", "dnormal", (BATCH,)),
    ("layers.normalization", " - normal * along_normal[:, None]", "", (BATCH,)),
    ("layers.normalization", "/ dy.shape[1]", "", (BATCH,)),
    ("layers.normalization", "dnormal - dnormal.mean(axis=0)", "dnormal", LAYER),
    ("layers.normalization", "(dnormal * normal).mean(axis=0)", "(dnormal * normal).mean()", LAYER),
    ("layers.normalization", "dx *= cache.saved[", "dx += 0 * cache.saved[", LAYER),
    ("layers.dropout", "dx *= mask", "dx *= 1", of(L.Dropout)),
    ("layers.dropout", "np.multiply(dy, 1 / (1 - self.rate)", "np.multiply(dy, 1", of(L.Dropout)),
    ("layers.reshaping", ".transpose(2, 0, 1, 3)", ".transpose(2, 0, 1, 3)[::-1]", (of(L.Flatten)[0],)),
    ("layers.reshaping", "return self._inside(dy)", "return self._inside(dy)[:, ::-1]", of(L.ZeroPadding2D)),
    ("layers.residual", "np.copyto(copied, dz)", "np.copyto(copied, 0)", (RESIDUAL,)),
    ("layers.residual", "return np.add(long, short", "return np.subtract(long, short", (RESIDUAL,)),
    ("layers.residual", "dz = deactivate(self.function, dy, cache)", "dz = dy", (RESIDUAL,)),
    ("activations", "dy *= y > 0", "dy *= y >= 0", of(L.ReLU)),
    ("activations", "np.multiply(dy, self.slope, out=dy, where=y <= 0)", "dy *= self.slope", of(L.LeakyReLU)),
    ("activations", "y + self.alpha", "y", of(L.ELU)),
    ("activations", "dy *= y * (1 - y)", "dy *= y", of(L.Activation)),
    ("activations", "dy *= 1 - y * y", "dy *= 1 - y", (DENSE,)),
    ("activations", "gate + y * (1 - gate)", "gate", (Example(L.Activation("silu")),)),
    ("activations", "below + z * density", "below", (Example(L.Activation("gelu")),)),
    ("activations", "dy -= (dy * y).sum(axis=0)", "dy -= 0", of(L.Softmax)),
    ("losses", "gradient /= total", "gradient /= 1", (DENSE,)),
    ("losses", "gradient[labels, images] -= 1\n", "gradient[labels, images] -= 0.5\n", (DENSE,)),
    ("fused", "dkernel += places", "dkernel = dkernel + places", (FUSED,)),
    ("fused", "d[0] -= d[1]", "d[0] -= 0", (FUSED,)),
    ("fused", "d[2] -= d[3]", "d[2] -= 0", (FUSED,)),
    ("fused", "place[: part.shape[0], : part.shape[1]] += part", "place[: part.shape[0]] = part", (FUSED,)),
    ("fused", "planes.transpose(2, 3, 0, 4, 1, 5)", "planes.transpose(2, 3, 1, 4, 0, 5)", (FUSED,)),
    ("fused", "np.greater(z[3], z[2], out=right_below)", "np.less(z[3], z[2], out=right_below)", (FUSED,)),
    ("fused", "dz = deactivate(self.function, dy, cache)", "dz = dy", (FUSED,)),
    ("fused", "np.sum(dz, axis=1, out=", "np.mean(dz, axis=1, out=", (FUSED,)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "text", "becomes", "examples"),
    MUTATIONS,
    ids=[f"{m[0]}: {m[1]} -> {m[2]}"[:80] for m in MUTATIONS],
)
def test_a_broken_backward_pass_is_caught(
    monkeypatch: pytest.MonkeyPatch, file: str, text: str, becomes: str, examples: tuple[Example, ...]
) -> None:
    assert greatest_error(examples) < 1e-6
    mutate(monkeypatch, file, text, becomes)
    assert greatest_error(examples) > 1e-4


UPDATES = [
    ("trainer", "share = 1 / (part.stop - part.start)", "share = 1"),
    ("trainer", "g += w * (2 * slot.parameter.l2)", "g += w * slot.parameter.l2"),
    ("trainer", "g += np.sign(w) * slot.parameter.l1", "g += slot.parameter.l1"),
    ("trainer", "gradient += other", "gradient = gradient + 0"),
    ("trainer", "piece = slice(part.start + cuts[i].start,", "piece = slice(part.start,"),
    ("optimizers.sgd", "velocity -= g", "velocity += g"),
]


@pytest.mark.parametrize(("file", "text", "becomes"), UPDATES, ids=[f"{m[0]}: {m[1]}"[:80] for m in UPDATES])
def test_a_broken_update_is_caught(
    monkeypatch: pytest.MonkeyPatch, file: str, text: str, becomes: str
) -> None:
    assert update_error() < 1e-9
    mutate(monkeypatch, file, text, becomes)
    assert update_error() > 1e-6


def greatest_error(examples: tuple[Example, ...]) -> float:
    """Of the gradients of every example, by differences."""
    return max(max(_gradients(example).values()) for example in examples)


def _gradients(example: Example) -> dict[str, float]:
    n = 3
    if example is FUSED:
        stack = [
            L.Conv2D(2, 2, padding="same"), L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(),
            L.Dense(3),
        ]  # fmt: skip
        network = Network(stack, input_shape=example.shape, rng=np.random.default_rng(3), dtype="float64")
    else:
        network = network_of(example)
    with np.errstate(all="ignore"):
        return gradient_errors(network, *batch(example.shape, n), losses.SoftmaxCrossEntropy())


def update_error() -> float:
    """How far two steps of training, in two pieces each, lie from the formula."""
    images = np.random.default_rng(0).integers(256, size=(80, 2, 2, 1), dtype=np.uint8)
    labels = np.arange(80) % 3
    stack = [L.Conv2D(2, 2, l1=0.01, l2=0.02), L.Flatten(), L.Dense(3)]
    network = Network(stack, input_shape=(2, 2, 1), rng=np.random.default_rng(0), dtype="float64")
    kernel, bias, dense, last = network.get_weights()
    velocity = np.zeros_like(kernel)
    others = [np.zeros_like(w) for w in (bias, dense, last)]
    x = images.reshape(80, 4) / 255
    for _ in range(2):
        hidden = x @ kernel.reshape(4, 2) + bias
        z = hidden @ dense + last
        dz = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) - np.eye(3)[labels]) / 80
        dhidden = dz @ dense.T
        dkernel = (x.T @ dhidden).reshape(kernel.shape) + 0.04 * kernel + 0.01 * np.sign(kernel)
        velocity = 0.9 * velocity - 0.1 * dkernel
        kernel = kernel + velocity
        gradients = [dhidden.sum(axis=0), hidden.T @ dz, dz.sum(axis=0)]
        others = [0.9 * v - 0.1 * g for v, g in zip(others, gradients, strict=True)]
        bias, dense, last = (w + v for w, v in zip((bias, dense, last), others, strict=True))
    fit(
        network, images, labels, scale=1 / 255, optimizer=SGD(0.1, momentum=0.9), epochs=2, batch_size=80,
        rng=np.random.default_rng(1), threads=1,
    )  # fmt: skip
    pairs = zip(network.get_weights(), (kernel, bias, dense, last), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def mutate(monkeypatch: pytest.MonkeyPatch, file: str, text: str, becomes: str) -> None:
    """Put the mutated file's functions in the place of the real ones."""
    module = importlib.import_module(f"handlens.nn.{file}")
    source = inspect.getsource(module)
    assert text in source, f"{file} no longer says {text!r}: bring the list of mutations up to date"
    changed = ModuleType(module.__name__)
    exec(compile(source.replace(text, becomes), str(module.__file__), "exec"), changed.__dict__)  # noqa: S102
    for name, kind in vars(module).items():
        if inspect.isclass(kind) and kind.__module__ == module.__name__:
            for method, function in vars(vars(changed)[name]).items():
                if isinstance(function, FunctionType) and not method.startswith("__"):
                    monkeypatch.setattr(kind, method, rebound(function, module))
        elif isinstance(kind, FunctionType) and kind.__module__ == module.__name__:
            monkeypatch.setattr(module, name, rebound(vars(changed)[name], module))


def rebound(function: FunctionType, module: ModuleType) -> Callable[..., object]:
    """The function's code over the real module's names and the class it belongs to."""
    return FunctionType(
        function.__code__, vars(module), function.__name__, function.__defaults__, function.__closure__
    )
