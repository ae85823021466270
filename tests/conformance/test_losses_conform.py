"""What holds of every loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

from handlens.errors import SpecError
from handlens.nn import losses
from handlens.nn.losses import MeanSquaredError, SoftmaxCrossEntropy

EXAMPLES = (
    SoftmaxCrossEntropy(),
    SoftmaxCrossEntropy(label_smoothing=0.1),
    SoftmaxCrossEntropy(class_weights=(1.0, 0.5, 2.0, 0.0)),
    SoftmaxCrossEntropy(label_smoothing=0.3, class_weights=(0.1, 1.0, 1.0, 3.0)),
    MeanSquaredError(),
)
every_loss = pytest.mark.parametrize("loss", EXAMPLES, ids=str)


def written_out(loss: losses.Loss, z: np.ndarray, label: int) -> float:
    """The loss of one image, term by term."""
    k = len(z)
    onehot = [float(c == label) for c in range(k)]
    if isinstance(loss, MeanSquaredError):
        return sum((z[c] - onehot[c]) ** 2 for c in range(k)) / k
    assert isinstance(loss, SoftmaxCrossEntropy)
    s = loss.label_smoothing
    target = [(1 - s) * onehot[c] + s / k for c in range(k)]
    total = sum(math.exp(v) for v in z)
    weight = loss.class_weights[label] if loss.class_weights else 1.0
    return -weight * sum(target[c] * math.log(math.exp(z[c]) / total) for c in range(k))


def test_every_loss_has_an_example() -> None:
    assert {type(loss).__name__ for loss in EXAMPLES} == set(losses.REGISTRY)


@every_loss
@pytest.mark.parametrize("n", [1, 7])
def test_values_are_those_of_the_formula(loss: losses.Loss, n: int) -> None:
    rng = np.random.default_rng(n)
    z, labels = rng.normal(size=(4, n)), rng.integers(4, size=n)
    values, _ = loss.forward(z, labels)
    assert np.allclose(values, [written_out(loss, z[:, i], labels[i]) for i in range(n)], rtol=1e-12)


@every_loss
@pytest.mark.parametrize("n", [1, 7])
def test_gradients_are_those_of_differences(loss: losses.Loss, n: int) -> None:
    rng = np.random.default_rng(n)
    z, labels = rng.normal(size=(4, n)), rng.integers(4, size=n)
    before = z.copy()
    gradient = loss.forward(z, labels)[1]
    assert np.array_equal(z, before)
    for place in np.ndindex(z.shape):
        h = np.zeros_like(z)
        h[place] = 1e-5
        slope = (loss.forward(z + h, labels)[0].sum() - loss.forward(z - h, labels)[0].sum()) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@every_loss
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_is_kept_and_extremes_stay_finite(loss: losses.Loss, dtype: str) -> None:
    z = np.array([[1e4, -1e4], [-1e4, 1e4], [0, 0], [0, 1e4]], dtype)
    values, gradient = loss.forward(z, np.array([1, 1]))
    assert values.dtype == gradient.dtype == dtype
    assert np.isfinite(values).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "arguments",
    [
        {"label_smoothing": 1.0},
        {"label_smoothing": -0.1},
        {"class_weights": (1.0, -1.0)},
        {"label_smoothing": "x"},
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="SoftmaxCrossEntropy"):
        SoftmaxCrossEntropy(**arguments)


def test_class_weights_must_be_one_a_class() -> None:
    with pytest.raises(SpecError, match="5 numbers"):
        SoftmaxCrossEntropy(class_weights=(1.0, 2.0)).check(5)


@every_loss
def test_one_output_is_refused(loss: losses.Loss) -> None:
    with pytest.raises(SpecError, match="at least 2"):
        loss.check(1)
