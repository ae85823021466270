"""The layers of compiled programs give the outputs and gradients of Keras's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from handlens.engines.keras import forms
from handlens.engines.keras.libraries import jax, jnp, keras

RNG = np.random.default_rng(0)


def outputs_and_gradients(layer: Any, x: np.ndarray, weights: list[np.ndarray]) -> list[np.ndarray]:
    """The layer's output for x, then the gradients by x and by each weight of a score of it."""
    layer.build(x.shape)
    layer.set_weights(weights)
    shape = layer.compute_output_shape(x.shape)
    weigh = np.random.default_rng(1).normal(size=shape).astype(np.float32)

    def score(x: Any, held: Any) -> Any:
        y = layer.stateless_call(held, [], x)[0]
        return (y * weigh).sum(), y

    held = [v.value for v in layer.trainable_variables]
    (_, y), (dx, dw) = jax.jit(jax.value_and_grad(score, argnums=(0, 1), has_aux=True))(x, held)
    assert y.shape == shape
    return [np.asarray(a) for a in (y, dx, *dw)]


def same(kind: str, arguments: dict[str, Any], x: np.ndarray, weights: list[np.ndarray]) -> None:
    mine, keras_own = (
        outputs_and_gradients(getattr(module, kind)(**arguments), x, weights)
        for module in (forms, keras.layers)
    )
    for ours, theirs in zip(mine, keras_own, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-5), np.abs(ours - theirs).max()


@pytest.mark.parametrize("channels", [1, 3, forms.THIN])
@pytest.mark.parametrize(
    ("kernel", "strides", "padding"),
    [
        (3, 1, "valid"),
        (3, 1, "same"),
        ((2, 5), (2, 1), "same"),
        ((4, 3), (3, 2), "same"),
        ((3, 2), (2, 3), "valid"),
        (1, 2, "valid"),
        ((6, 5), 1, "valid"),
        ((7, 6), (2, 1), "same"),
    ],
    ids=str,
)
def test_convolution_is_that_of_keras(channels: int, kernel: Any, strides: Any, padding: str) -> None:
    arguments = {"filters": 5, "kernel_size": kernel, "strides": strides, "padding": padding}
    size = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    x = RNG.normal(size=(4, 6, 5, channels)).astype(np.float32)
    deviation = 1 / np.sqrt(size[0] * size[1] * channels)
    weights = [RNG.normal(0, deviation, (*size, channels, 5)), RNG.normal(size=5)]
    same("Conv2D", arguments | {"activation": "tanh"}, x, [w.astype(np.float32) for w in weights])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("window", "strides"),
    [(2, None), (3, None), ((3, 2), None), ((1, 4), None), (2, 1), ((3, 2), (2, 1)), ((6, 5), None)],
    ids=str,
)
def test_the_greatest_of_each_window_is_that_of_keras(window: Any, strides: Any, padding: str) -> None:
    """Values repeat and are below zero: no gradient may count twice, nor the image's surroundings win."""
    arguments = {"pool_size": window, "strides": strides, "padding": padding}
    x = -RNG.integers(1, 5, size=(8, 6, 5, 3)).astype(np.float32)
    same("MaxPooling2D", arguments, x, [])


def test_of_equal_numbers_one_alone_has_the_gradient() -> None:
    layer = forms.MaxPooling2D(2)
    gradient = jax.grad(lambda x: layer(x).sum())(jnp.ones((1, 4, 6, 1)))
    assert np.array_equal(gradient[0, :, :, 0], np.tile([[1, 0], [0, 0]], (2, 3)))


def dropped(rate: float, x: np.ndarray, *, seed: int = 0, training: bool = True) -> np.ndarray:
    """x through a Dropout that was made with another rate."""
    layer = forms.Dropout(0.9)
    layer.build(x.shape)
    state = [v.value for v in layer.non_trainable_variables]
    held = {v.path.split("/")[-1]: i for i, v in enumerate(layer.non_trainable_variables)}
    state[held["rate"]] = jnp.asarray(rate, "float32")
    state[1 - held["rate"]] = jnp.asarray([0, seed], "uint32")
    return np.asarray(layer.stateless_call([], state, x, training=training)[0])


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.8])
def test_dropout_drops_the_share_that_its_variable_says(rate: float) -> None:
    x = np.full((400, 100), 3, np.float32)
    y = dropped(rate, x)
    deviation = np.sqrt(rate * (1 - rate) / x.size)
    assert abs((y == 0).mean() - rate) <= 4 * deviation
    assert np.allclose(y[y != 0], 3 / (1 - rate), rtol=1e-6)
    assert y.mean() == pytest.approx(3, abs=4 * 3 * deviation / (1 - rate) + 1e-6)
    lost = (y == 0).astype(float)
    assert abs(np.cov(lost[:, :-1].ravel(), lost[:, 1:].ravel())[0, 1]) <= 4 / np.sqrt(x.size)


def test_dropout_draws_by_its_seed_and_only_in_training() -> None:
    x = np.ones((20, 50), np.float32)
    assert np.array_equal(dropped(0.5, x, seed=1), dropped(0.5, x, seed=1))
    assert not np.array_equal(dropped(0.5, x, seed=1), dropped(0.5, x, seed=2))
    assert np.array_equal(dropped(0.5, x, training=False), x)


def test_networks_with_other_rates_share_a_program() -> None:
    layer = forms.Dropout(0.5, name="drop")
    layer.build((None, 100))
    place = next(i for i, v in enumerate(layer.non_trainable_variables) if v.path.endswith("rate"))

    def mean_zero(rate: Any) -> Any:
        state = [v.value for v in layer.non_trainable_variables]
        state[place] = rate
        return (layer.stateless_call([], state, jnp.ones((200, 100)), training=True)[0] == 0).mean()

    shares = jax.jit(jax.vmap(mean_zero))(jnp.array([0.1, 0.4, 0.7]))
    assert np.allclose(shares, [0.1, 0.4, 0.7], atol=0.02)


def test_each_call_draws_anew() -> None:
    layer, x = forms.Dropout(0.5), np.ones((10, 10), np.float32)
    assert not np.array_equal(layer(x, training=True), layer(x, training=True))
