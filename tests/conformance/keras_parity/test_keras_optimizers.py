"""The weights after 50 steps of every optimizer are Keras's; so are the learning rates of every schedule."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import numpy as np
import pytest
from test_optimizers_conform import EXAMPLES
from twins import flat, jax, keras, keras_optimizer, twin

from handlens.nn import Network, layers, optimizers, schedules
from handlens.nn.losses import SoftmaxCrossEntropy
from handlens.nn.optimizers import Optimizer, Stepper
from handlens.nn.passes import Pass

STEPS = 50
rates = keras.optimizers.schedules


def network_and_batches(dtype: str) -> tuple[Network, np.ndarray, np.ndarray]:
    """A small network with every kind of variable, and 50 batches of 16 rows."""
    inner = [layers.Dense(7, "tanh"), layers.BatchNormalization(), layers.Dense(4)]
    network = Network(inner, input_shape=(5,), rng=np.random.default_rng(0), dtype=dtype)
    rng = np.random.default_rng(1)
    return network, rng.normal(size=(STEPS, 16, 5)).astype(dtype), rng.integers(4, size=(STEPS, 16))


@cache
def keras_model(dtype: str) -> tuple[Any, Any]:
    """The twin, and its function from weights, moving statistics and a batch to gradient and statistics."""
    model = twin(network_and_batches(dtype)[0])
    cost = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(weights: Any, others: Any, x: Any, y: Any) -> Any:
        outputs, after = model.stateless_call(weights, others, x, training=True)
        return cost(y, outputs), after

    return model, jax.jit(jax.grad(loss, has_aux=True))


def train_keras(optimizer: Any, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The weights and moving statistics after a step on each batch."""
    model, gradient = keras_model(images.dtype.name)
    optimizer.build(model.trainable_variables)
    apply = jax.jit(optimizer.stateless_apply)
    weights, others = (
        [v.value for v in part] for part in (model.trainable_variables, model.non_trainable_variables)
    )
    memory = [v.value for v in optimizer.variables]
    for x, y in zip(images, labels, strict=True):
        downhill, others = gradient(weights, others, x, y)
        weights, memory = apply(memory, downhill, weights)
    return flat([*weights, *others])


def train_ours(network: Network, optimizer: Optimizer, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    through, stepper = Pass(network, network.steps()), Stepper(optimizer, network.parameters)
    for x, y in zip(images, labels, strict=True):
        dlogits = SoftmaxCrossEntropy().forward(through.forward(x.T.copy(), training=True), y)[1]
        through.backward(dlogits / len(y))
        stepper.step(through.gradient, optimizer.learning_rate)
    return network.state()


@pytest.mark.parametrize("optimizer", EXAMPLES, ids=str)
def test_fifty_steps_lead_to_the_weights_of_keras(optimizer: Optimizer, dtype: str, tolerance: float) -> None:
    network, images, labels = network_and_batches(dtype)
    start = network.state()
    theirs = train_keras(keras_optimizer(optimizer), images, labels)
    ours = train_ours(network, optimizer, images, labels)
    assert theirs.dtype == ours.dtype == dtype
    assert np.abs(ours - start).max() > 0.01
    assert np.allclose(ours, theirs, rtol=tolerance, atol=tolerance), np.abs(ours - theirs).max()


@pytest.mark.parametrize("name", optimizers.REGISTRY)
def test_defaults_are_those_of_keras(name: str) -> None:
    """`decay`, which Keras 3 dropped, is none by default."""
    ours = inspect.signature(optimizers.REGISTRY[name]).parameters
    theirs = inspect.signature(getattr(keras.optimizers, name)).parameters
    assert set(ours) - set(theirs) <= {"decay"}
    for argument in set(ours) & set(theirs):
        assert ours[argument].default == theirs[argument].default, argument


PER_EPOCH, ALL = 7, 70
PAIRS: tuple[tuple[schedules.Schedule, Any], ...] = (
    (schedules.Constant(), lambda step: 1.0 + 0.0 * step),
    (
        schedules.StepDecay(0.5, 3),
        rates.PiecewiseConstantDecay([3 * PER_EPOCH * k - 1 for k in (1, 2, 3)], [1.0, 0.5, 0.25, 0.125]),
    ),
    (schedules.ExponentialDecay(0.8), rates.ExponentialDecay(1.0, PER_EPOCH, 0.8)),
    (schedules.ExponentialDecay(0.8, True), rates.ExponentialDecay(1.0, PER_EPOCH, 0.8, staircase=True)),
    (schedules.InverseTimeDecay(0.3), rates.InverseTimeDecay(1.0, PER_EPOCH, 0.3)),
    (schedules.CosineDecay(0.1), rates.CosineDecay(1.0, ALL, 0.1)),
    (
        schedules.CosineDecay(0.1, 2.0),
        rates.CosineDecay(1 / 15, ALL - 14, 0.1, warmup_target=1.0, warmup_steps=14),
    ),
    (
        schedules.WarmUp(3.0),
        rates.CosineDecay(1 / 22, ALL, 1.0, warmup_target=1.0, warmup_steps=21),
    ),
)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[str(ours) for ours, _ in PAIRS])
def test_learning_rates_are_those_of_keras(ours: schedules.Schedule, theirs: Any) -> None:
    """Ours are factors of the optimizer's rate and count epochs; Keras's count steps and hold the rate."""
    found = [ours.factor(step, ALL, PER_EPOCH) for step in range(ALL)]
    wanted = jax.jit(jax.vmap(theirs))(np.arange(ALL, dtype=np.float32))
    assert np.allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_one_cycle_is_the_only_schedule_that_keras_lacks() -> None:
    assert set(schedules.REGISTRY) - {type(ours).__name__ for ours, _ in PAIRS} == {"OneCycle"}
