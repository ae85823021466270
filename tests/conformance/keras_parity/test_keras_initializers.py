"""First values are distributed like Keras's; the labs' networks have Keras's number of parameters."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from scipy.stats import ks_2samp
from twins import keras, twin

from handlens.nn import Network, initializers
from handlens.nn.layers import ELU, Activation, Conv2D, Dense, Flatten, Layer, LeakyReLU, MaxPooling2D

DRAWN = sorted(set(initializers.REGISTRY) - {"zeros", "ones"})


def keras_values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    kind = getattr(keras.initializers, "".join(word.title() for word in name.split("_")))
    seeded = {"seed": 3} if "seed" in inspect.signature(kind).parameters else {}
    return np.asarray(kind(**seeded)(shape))


@pytest.mark.parametrize("shape", [(300, 90), (3, 5, 24, 40), (5, 3, 40, 2)], ids=str)
@pytest.mark.parametrize("name", DRAWN)
def test_first_values_are_distributed_as_in_keras(name: str, shape: tuple[int, ...]) -> None:
    ours, theirs = initializers.REGISTRY[name](shape, np.random.default_rng(3)), keras_values(name, shape)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05)
    assert np.abs(ours).max() == pytest.approx(
        np.abs(theirs).max(), rel=0.02 if name != "orthogonal" else 0.5
    )
    assert ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(20, 8), (8, 20), (3, 2, 4, 6)], ids=str)
def test_orthogonal_kernels_are_orthogonal_the_way_keras_has_it(shape: tuple[int, ...]) -> None:
    for values in (
        initializers.orthogonal(shape, np.random.default_rng(0)),
        keras_values("orthogonal", shape),
    ):
        matrix = values.reshape(-1, shape[-1])
        gram = matrix.T @ matrix if len(matrix) >= shape[-1] else matrix @ matrix.T
        assert np.allclose(gram, np.eye(len(gram)), atol=1e-5)


@pytest.mark.parametrize("name", ["zeros", "ones"])
def test_constants_are_those_of_keras(name: str) -> None:
    ours = initializers.REGISTRY[name]((3, 4), np.random.default_rng(0))
    assert np.array_equal(ours, keras_values(name, (3, 4)))


def lenet(f: str = "relu") -> list[Layer]:
    """The two convolutions of LeNet with their pools: 28 x 28 pixels to 4 x 4."""
    return [
        Conv2D(6, 5, activation=f), MaxPooling2D(2), Conv2D(16, 5, activation=f), MaxPooling2D(2),
    ]  # fmt: skip


NETWORKS: dict[int, list[Layer]] = {
    44_426: [*lenet(), Flatten(), Dense(120, "relu"), Dense(84, "relu"), Dense(10)],
    545_810: [Flatten(), Dense(500, "relu"), Dense(300, "relu"), Dense(10)],
    539_673: [Flatten(), Dense(512, "relu"), Dense(256, "relu"), Dense(25)],
    238_510: [Flatten(), Dense(300, "relu"), Dense(10)],
    35_626: [
        *lenet(), Conv2D(16, 3), LeakyReLU(), Flatten(),
        Dense(200), LeakyReLU(), Dense(84), LeakyReLU(), Dense(10),
    ],
    157_606: [
        *lenet("elu"), Flatten(),
        Dense(300), ELU(), Dense(200), ELU(), Dense(84), Activation("elu"), Dense(10),
    ],
}  # fmt: skip


@pytest.mark.parametrize("count", NETWORKS)
def test_networks_of_the_labs_have_the_published_number_of_parameters(count: int) -> None:
    network = Network(NETWORKS[count], input_shape=(28, 28, 1), rng=np.random.default_rng(0))
    model = twin(network)
    assert network.count_params() == model.count_params() == count
    images = np.random.default_rng(1).random((3, 28, 28, 1), np.float32)
    assert np.allclose(network.predict_logits(images), model(images), rtol=1e-5, atol=1e-5)
