"""What holds of every optimizer: the update rules of Keras's documentation, one weight at a time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from handlens.errors import SpecError
from handlens.nn import optimizers
from handlens.nn.optimizers import SGD, Adadelta, Adagrad, Adam, AdamW, Nadam, Optimizer, RMSprop, Stepper
from handlens.nn.optimizers.base import BLOCK

EXAMPLES: tuple[Optimizer, ...] = (
    SGD(),
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.9, nesterov=True),
    SGD(0.1, momentum=0.5, decay=0.01),
    SGD(0.1, weight_decay=0.01),
    RMSprop(),
    RMSprop(0.01, momentum=0.8, centered=True),
    Adagrad(0.1),
    Adadelta(1.0),
    Adam(),
    Adam(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3, amsgrad=True),
    Adam(weight_decay=0.1),
    AdamW(0.01),
    Nadam(0.01),
)
every_optimizer = pytest.mark.parametrize("optimizer", EXAMPLES, ids=str)


def written_out(o: Optimizer, w: float, gradients: list[float]) -> float:
    """One weight after those gradients."""
    memory: dict[str, float] = {}
    for t, g in enumerate(gradients, start=1):
        lr = o.learning_rate
        if isinstance(o, SGD):
            lr = lr / (1 + o.decay * (t - 1))
        if o.weight_decay:
            w = w - w * o.weight_decay * lr
        w = RULES[type(o)](o, w, g, t, lr, memory)
    return w


def sgd(o: SGD, w: float, g: float, _t: int, lr: float, s: dict[str, float]) -> float:
    if o.momentum == 0:
        return w - lr * g
    s["v"] = o.momentum * s.get("v", 0.0) - lr * g
    return w + o.momentum * s["v"] - lr * g if o.nesterov else w + s["v"]


def rmsprop(o: RMSprop, w: float, g: float, _t: int, lr: float, s: dict[str, float]) -> float:
    s["v"] = o.rho * s.get("v", 0.0) + (1 - o.rho) * g**2
    spread = s["v"]
    if o.centered:
        s["m"] = o.rho * s.get("m", 0.0) + (1 - o.rho) * g
        spread = s["v"] - s["m"] ** 2
    increment = lr * g / math.sqrt(spread + o.epsilon)
    s["momentum"] = o.momentum * s.get("momentum", 0.0) + increment
    return w - s["momentum"]


def adagrad(o: Adagrad, w: float, g: float, _t: int, lr: float, s: dict[str, float]) -> float:
    s["sum"] = s.get("sum", o.initial_accumulator_value) + g**2
    return w - lr * g / math.sqrt(s["sum"] + o.epsilon)


def adadelta(o: Adadelta, w: float, g: float, _t: int, lr: float, s: dict[str, float]) -> float:
    s["v"] = o.rho * s.get("v", 0.0) + (1 - o.rho) * g**2
    delta = -math.sqrt(s.get("d", 0.0) + o.epsilon) * g / math.sqrt(s["v"] + o.epsilon)
    s["d"] = o.rho * s.get("d", 0.0) + (1 - o.rho) * delta**2
    return w + lr * delta


def adam(o: Adam | AdamW, w: float, g: float, t: int, lr: float, s: dict[str, float]) -> float:
    s["m"] = s.get("m", 0.0) + (g - s.get("m", 0.0)) * (1 - o.beta_1)
    s["v"] = s.get("v", 0.0) + (g**2 - s.get("v", 0.0)) * (1 - o.beta_2)
    s["v_hat"] = max(s.get("v_hat", 0.0), s["v"])
    v = s["v_hat"] if o.amsgrad else s["v"]
    alpha = lr * math.sqrt(1 - o.beta_2**t) / (1 - o.beta_1**t)
    return w - s["m"] * alpha / (math.sqrt(v) + o.epsilon)


def nadam(o: Nadam, w: float, g: float, t: int, lr: float, s: dict[str, float]) -> float:
    now, then = (o.beta_1 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
    s["product"] = s.get("product", 1.0) * now
    s["m"] = s.get("m", 0.0) + (g - s.get("m", 0.0)) * (1 - o.beta_1)
    s["v"] = s.get("v", 0.0) + (g**2 - s.get("v", 0.0)) * (1 - o.beta_2)
    m_hat = then * s["m"] / (1 - s["product"] * then) + (1 - now) * g / (1 - s["product"])
    return w - m_hat * lr / (math.sqrt(s["v"] / (1 - o.beta_2**t)) + o.epsilon)


RULES: dict[type[Optimizer], Callable[..., float]] = {
    SGD: sgd, RMSprop: rmsprop, Adagrad: adagrad, Adadelta: adadelta, Adam: adam, AdamW: adam, Nadam: nadam,
}  # fmt: skip

KERAS_DEFAULTS = {
    "SGD": {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False, "weight_decay": None},
    "RMSprop": {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False},
    "Adagrad": {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7},
    "Adadelta": {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7},
    "Adam": {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False},
    "AdamW": {"learning_rate": 0.001, "weight_decay": 0.004, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "Nadam": {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
}


def test_every_optimizer_has_an_example_and_known_defaults() -> None:
    assert {type(o).__name__ for o in EXAMPLES} == set(optimizers.REGISTRY) == set(KERAS_DEFAULTS)


@pytest.mark.parametrize("name", KERAS_DEFAULTS)
def test_defaults_are_those_of_keras(name: str) -> None:
    defaults = dataclasses.asdict(optimizers.REGISTRY[name]())
    assert {k: defaults[k] for k in KERAS_DEFAULTS[name]} == KERAS_DEFAULTS[name]


@every_optimizer
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_fifty_steps_follow_the_rule(optimizer: Optimizer, dtype: str, tolerance: float) -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(50, 5))
    w = start.astype(dtype)
    stepper = Stepper(optimizer, w)
    for g in gradients:
        stepper.step(g.astype(dtype), optimizer.learning_rate)
    wanted = [written_out(optimizer, start[i], list(gradients[:, i])) for i in range(5)]
    assert w.dtype == dtype
    assert np.allclose(w, wanted, rtol=tolerance, atol=tolerance)


@every_optimizer
def test_blocks_change_nothing(optimizer: Optimizer) -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=2 * BLOCK + 3), rng.normal(size=(3, 2 * BLOCK + 3))
    whole, parts = start.copy(), [start[:100].copy(), start[100:].copy()]
    steppers = [Stepper(optimizer, w) for w in (whole, *parts)]
    for g in gradients:
        for stepper, piece in zip(steppers, (g, g[:100], g[100:]), strict=True):
            stepper.step(piece.copy(), 0.01)
    assert np.array_equal(whole, np.concatenate(parts))


@every_optimizer
def test_one_optimizer_may_serve_two_networks(optimizer: Optimizer) -> None:
    first, second = np.ones(3), np.ones(3)
    g = np.array([0.1, -0.2, 0.3])
    one, two = Stepper(optimizer, first), Stepper(optimizer, second)
    for _ in range(3):
        one.step(g.copy(), 0.1)
    for _ in range(3):
        two.step(g.copy(), 0.1)
    assert np.array_equal(first, second)


@every_optimizer
def test_an_optimizer_comes_back_from_its_arguments(optimizer: Optimizer) -> None:
    assert optimizers.REGISTRY[type(optimizer).__name__](**dataclasses.asdict(optimizer)) == optimizer


@every_optimizer
def test_bad_arguments_are_refused_in_one_line(optimizer: Optimizer) -> None:
    for name, value in dataclasses.asdict(optimizer).items():
        wrong = [-1.0, "much", float("inf")] if not isinstance(value, bool) else [1, "yes"]
        for bad in wrong:
            with pytest.raises(SpecError) as caught:
                dataclasses.replace(optimizer, **{name: bad})
            assert name in str(caught.value)
            assert type(optimizer).__name__ in str(caught.value)
