"""What holds of every schedule."""

from __future__ import annotations

import dataclasses
import math

import pytest

from handlens.errors import SpecError
from handlens.nn import schedules as s

EXAMPLES: tuple[s.Schedule, ...] = (
    s.Constant(), s.StepDecay(0.1, 2), s.ExponentialDecay(0.8), s.ExponentialDecay(0.8, staircase=True),
    s.InverseTimeDecay(0.5), s.CosineDecay(), s.CosineDecay(0.1, warmup_epochs=1.5), s.OneCycle(),
    s.OneCycle(rise=0.0), s.WarmUp(2), s.WarmUp(0),
)  # fmt: skip
every_schedule = pytest.mark.parametrize("schedule", EXAMPLES, ids=str)


def test_every_schedule_has_an_example() -> None:
    assert {type(x).__name__ for x in EXAMPLES} == set(s.REGISTRY)


@every_schedule
@pytest.mark.parametrize(("epochs", "per_epoch"), [(5, 10), (1, 1), (1, 7), (3, 1)])
def test_factors_are_positive_and_at_most_one(schedule: s.Schedule, epochs: int, per_epoch: int) -> None:
    steps = epochs * per_epoch
    factors = [schedule.factor(i, steps, per_epoch) for i in range(steps)]
    assert all(0 <= f <= 1 + 1e-12 for f in factors)
    assert max(factors) > 0


@every_schedule
def test_a_schedule_comes_back_from_its_arguments(schedule: s.Schedule) -> None:
    assert s.REGISTRY[type(schedule).__name__](**dataclasses.asdict(schedule)) == schedule


@every_schedule
def test_bad_arguments_are_refused(schedule: s.Schedule) -> None:
    for name in dataclasses.asdict(schedule):
        for bad in (-1, "x", None):
            with pytest.raises(SpecError, match=name):
                dataclasses.replace(schedule, **{name: bad})


def test_values() -> None:
    def at(schedule: s.Schedule, *steps: int) -> list[float]:
        return [round(schedule.factor(i, 100, 10), 6) for i in steps]

    assert at(s.StepDecay(0.5, 3), 0, 29, 30, 60) == [1, 1, 0.5, 0.25]
    assert at(s.ExponentialDecay(0.8), 0, 5, 10) == [1, round(0.8**0.5, 6), 0.8]
    assert at(s.ExponentialDecay(0.8, staircase=True), 9, 10, 25) == [1, 0.8, 0.64]
    assert at(s.InverseTimeDecay(0.5), 0, 20) == [1, 0.5]
    assert at(s.CosineDecay(), 0, 50) == [1, 0.5]
    assert at(s.CosineDecay(0.2), 50) == [0.6]
    assert at(s.CosineDecay(warmup_epochs=1), 0, 4, 10, 55) == [round(1 / 11, 6), round(5 / 11, 6), 1, 0.5]
    assert at(s.WarmUp(1), 0, 9, 10, 99) == [round(1 / 11, 6), round(10 / 11, 6), 1, 1]
    assert at(s.OneCycle(start=0.1, end=0.0), 0, 99) == [0.1, 0]
    peak = s.OneCycle(rise=1 / 3).factor(33, 100, 10)
    assert peak == pytest.approx(1)
    assert s.OneCycle(rise=1 / 3, start=0.0).factor(11, 100, 10) == pytest.approx(
        (1 - math.cos(math.pi / 3)) / 2
    )
