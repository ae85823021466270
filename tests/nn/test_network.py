"""The network: how layers, parameters and predictions hang together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlens.errors import SpecError
from handlens.nn import Network, layers


def lenet(dtype: str = "float32", seed: int = 0) -> Network:
    return Network(
        [
            layers.Conv2D(6, 5, activation="relu"), layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(2),
            layers.Flatten(), layers.Dense(120, "relu"), layers.Dense(84, "relu"), layers.Dense(10),
        ],
        input_shape=(28, 28, 1), rng=np.random.default_rng(seed), dtype=dtype,
    )  # fmt: skip


def test_parameters_are_counted_as_in_the_labs() -> None:
    assert lenet().count_params() == 44_426
    dense = [layers.Flatten(), layers.Dense(500), layers.Dense(300), layers.Dense(10)]
    assert Network(dense, input_shape=(28, 28, 1), rng=None).count_params() == 545_810
    normal = Network(
        [layers.Dense(4), layers.BatchNormalization(), layers.Dense(2)], input_shape=(3,), rng=None
    )
    assert normal.count_params() == 16 + 16 + 10
    assert (normal.parameters.size, normal.statistics.size) == (34, 8)


def test_weights_have_the_order_and_the_shapes_of_keras() -> None:
    shapes = [w.shape for w in lenet().get_weights()]
    assert shapes[:5] == [(5, 5, 1, 6), (6,), (5, 5, 6, 16), (16,), (256, 120)]
    normal = Network(
        [layers.BatchNormalization(), layers.Dense(2)], input_shape=(3,), rng=np.random.default_rng(0)
    )
    assert [w.tolist() for w in normal.get_weights()[:4]] == [[1] * 3, [0] * 3, [0] * 3, [1] * 3]


def test_every_parameter_is_a_view_of_the_flat_vector() -> None:
    network = lenet()
    network.parameters[...] = 7
    assert all((w == 7).all() for w in network.get_weights())
    kernel = network.layers[5]
    assert isinstance(kernel, layers.Dense)
    assert np.shares_memory(kernel.kernel, network.parameters)


def test_the_layers_that_were_given_stay_descriptions() -> None:
    dense = layers.Dense(3)
    first = Network([dense], input_shape=(4,), rng=np.random.default_rng(0))
    second = Network([dense], input_shape=(5,), rng=np.random.default_rng(0))
    assert dense.output_shape == ()
    assert [n.get_weights()[0].shape for n in (first, second)] == [(4, 3), (5, 3)]


def test_a_convolution_by_hand() -> None:
    network = Network([layers.Conv2D(1, 2), layers.Flatten()], input_shape=(3, 3, 1), rng=None)
    network.set_weights([np.array([[1, 2], [3, 4]]).reshape(2, 2, 1, 1), [10]])
    image = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    assert network.predict_logits(image).tolist() == [[37, 47, 67, 77]]


def test_dense_layers_by_hand() -> None:
    network = Network([layers.Dense(2, "relu"), layers.Dense(2)], input_shape=(2,), rng=None, dtype="float64")
    network.set_weights([[[1, -1], [2, 1]], [0, 1], [[1, 2], [3, 4]], [0.5, 0]])
    assert network.predict_logits(np.array([[1.0, 2.0]])).tolist() == [[5 + 3 * 2 + 0.5, 10 + 8]]
    assert network.predict_logits(np.array([[3.0, 0.0]])).tolist() == [[3.5, 6]]


def test_flatten_has_the_order_of_keras() -> None:
    network = Network([layers.Flatten()], input_shape=(2, 3, 2), rng=None)
    image = np.arange(12, dtype=np.uint8).reshape(1, 2, 3, 2)
    assert network.predict_logits(image).tolist() == [list(range(12))]


def test_probabilities_are_the_softmax_of_the_outputs() -> None:
    network, images = lenet(), np.random.default_rng(0).integers(256, size=(70, 28, 28, 1), dtype=np.uint8)
    p = network.predict_proba(images, offset=127.5, scale=1 / 127.5)
    assert p.dtype == np.float32
    assert p.shape == (70, 10)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-6)
    logits = network.predict_logits(images, offset=127.5, scale=1 / 127.5).astype(np.float64)
    assert np.allclose(p, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_predictions_do_not_depend_on_threads(threads: int) -> None:
    network, images = lenet(), np.random.default_rng(0).integers(256, size=(200, 28, 28, 1), dtype=np.uint8)
    assert np.array_equal(
        network.predict_proba(images, threads=threads), network.predict_proba(images, threads=1)
    )


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_many_predictions_of_wide_dense_layers_are_those_of_the_formula(threads: int) -> None:
    stack = [layers.Flatten(), layers.Dense(200, "relu"), layers.Dense(3)]
    network = Network(stack, input_shape=(14, 10, 1), rng=np.random.default_rng(0))
    images = np.random.default_rng(0).integers(256, size=(1300, 14, 10, 1), dtype=np.uint8)
    w1, b1, w2, b2 = (w.astype(np.float64) for w in network.get_weights())
    wanted = np.maximum(images.reshape(1300, -1) / 255 @ w1 + b1, 0) @ w2 + b2
    got = network.predict_logits(images, scale=1 / 255, threads=threads)
    assert np.allclose(got, wanted, atol=1e-4)
    assert np.array_equal(got, network.predict_logits(images, scale=1 / 255, threads=1))


def test_no_images_give_no_predictions() -> None:
    assert lenet().predict_proba(np.zeros((0, 28, 28, 1), np.uint8)).shape == (0, 10)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.sampled_from([1, 3]), st.booleans())
def test_preparation_is_applied_pixel_by_pixel(height: int, width: int, channels: int, dense: bool) -> None:
    rng = np.random.default_rng(height * 7 + width)
    shape = (height, width, channels)
    images = rng.integers(256, size=(5, *shape), dtype=np.uint8)
    offset, scale = rng.uniform(0, 255, shape), rng.uniform(0.001, 1, shape)
    first = layers.Flatten() if dense else layers.Conv2D(channels, 1)
    network = Network(
        [first, layers.Flatten()], input_shape=shape, rng=np.random.default_rng(0), dtype="float64"
    )
    if not dense:
        network.set_weights([np.eye(channels).reshape(1, 1, channels, channels), np.zeros(channels)])
    prepared = (images - offset) * scale
    assert np.allclose(network.predict_logits(images, offset=offset, scale=scale), prepared.reshape(5, -1))
    assert np.allclose(network.predict_logits(prepared), prepared.reshape(5, -1))


def test_state_and_restore_go_back_exactly() -> None:
    network = Network(
        [layers.Dense(4), layers.BatchNormalization(), layers.Dense(2)],
        input_shape=(3,), rng=np.random.default_rng(0),
    )  # fmt: skip
    state = network.state()
    network.parameters += 1
    network.statistics += 1
    assert not np.array_equal(network.state(), state)
    network.restore(state)
    assert np.array_equal(network.state(), state)
    with pytest.raises(SpecError, match="restore"):
        network.restore(state[1:])


@pytest.mark.parametrize(
    ("stack", "shape", "says"),
    [
        ([], (4,), "no layers"),
        ([layers.Dense(3)], (28, 28, 1), "Flatten"),
        ([layers.Conv2D(3, 3), layers.Dense(2)], (9, 9, 1), "layers[1], Dense"),
        ([layers.Conv2D(3, 3)], (9, 9, 1), "last layer"),
        (
            [layers.MaxPooling2D(2), layers.MaxPooling2D(3), layers.Flatten()],
            (4, 4, 1),
            "layers[1], MaxPooling2D",
        ),
        ([layers.Conv2D(3, 5), layers.Flatten()], (4, 9, 1), "no window of 5 x 5 fits"),
        ([layers.Flatten(), layers.Conv2D(3, 3)], (4, 9, 1), "before Flatten"),
        ([layers.Dense(2)], (0,), "input_shape"),
        ([layers.Dense(2)], (3, 3), "input_shape"),
        ([layers.Residual((layers.Dense(4),)), layers.Dense(2)], (3,), "equal shape"),
        ([layers.ZeroPadding2D(100_000), layers.Flatten()], (3, 3, 1), "at most"),
        ([layers.MaxPooling2D(100_000, padding="same"), layers.Flatten()], (3, 3, 1), "at most twice"),
    ],
)
def test_layers_that_do_not_fit_are_refused(
    stack: list[layers.Layer], shape: tuple[int, ...], says: str
) -> None:
    with pytest.raises(SpecError) as caught:
        Network(stack, input_shape=shape, rng=None)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_images_that_do_not_fit_are_refused() -> None:
    network = lenet()
    for images in (
        np.zeros((3, 28, 27, 1), np.uint8), np.zeros((3, 28, 28), np.uint8),
        np.zeros((3, 28, 28, 1), np.int64),
    ):  # fmt: skip
        with pytest.raises(SpecError, match="images"):
            network.predict_proba(images)
    good = np.zeros((3, 28, 28, 1), np.uint8)
    with pytest.raises(SpecError, match="offset"):
        network.predict_proba(good, offset=np.zeros(5))
    with pytest.raises(SpecError, match="scale"):
        network.predict_proba(good, scale=float("nan"))
    with pytest.raises(SpecError, match="threads"):
        network.predict_proba(good, threads=0)


def test_weights_that_do_not_fit_are_refused() -> None:
    network = lenet()
    with pytest.raises(SpecError, match="set_weights"):
        network.set_weights(network.get_weights()[1:])
    with pytest.raises(SpecError, match="dtype"):
        lenet("float16")
