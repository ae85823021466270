import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.evaluate import Interval
from handlens.labs.paired import difference
from handlens.labs.verdicts import Figure, deviation, interval, verdict


def around(mean, half):
    return Interval(mean, mean - half, mean + half)


def test_a_margin_by_hand():
    # z^2 p(1-p)/n = 3.8415 * 0.98 * 0.02 / 10,000; t(2)^2 s^2 = 18.513 * 1e-6; half^2 = 4e-6
    found = verdict(Figure(0.98, 10_000), around(0.981, 0.002), 3, 0.001)
    assert found.margin == pytest.approx(math.sqrt(3.8415e-4 * 0.0196 + 18.513e-6 + 4e-6), rel=1e-4)


@pytest.mark.parametrize(("mean", "kind"), [(0.9815, "agrees"), (0.9875, "better"), (0.9725, "worse")])
def test_beyond_the_margin_or_within(mean, kind):
    assert verdict(Figure(0.98, 10_000), around(mean, 0.001), 3, 0.0005).kind == kind


def test_a_wide_margin_says_nothing_and_whose_fault_it_is():
    figure = Figure(0.98, 14_000)
    ours = verdict(figure, around(0.9801, 0.01), 3, 0.0005)
    assert (ours.kind, ours.more) == ("cannot tell", True)
    theirs = verdict(Figure(0.98, 200), around(0.9801, 0.0005), 50, 0.0005)
    assert (theirs.kind, theirs.more) == ("cannot tell", False)
    assert theirs.words == "cannot tell from one published run"


def test_one_replicate_shows_no_spread():
    found = verdict(Figure(0.98, 10_000), around(0.5, 0.001), 1, None)
    assert (found.kind, found.margin) == ("cannot tell", None)


def test_printed_replicates_bring_their_own_spread():
    wide = verdict(Figure(0.98, 10**9, 3, 0.01), around(0.99, 1e-6), 3, 1e-6)
    assert wide.kind == "cannot tell"
    assert verdict(Figure(0.98, 10**9), around(0.99, 1e-6), 3, 1e-6).kind == "better"


@given(st.floats(0.5, 0.999), st.floats(0.5, 0.999), st.integers(50, 10**6), st.floats(1e-5, 0.05))
def test_swapping_better_and_worse(published, mean, images, spread):
    found = verdict(Figure(published, images), around(mean, spread), 3, spread)
    assert found.kind != ("worse" if mean > published else "better") or mean == published
    assert (found.kind in ("better", "worse")) == (abs(mean - published) > found.margin)


def test_scores_that_count_no_images():
    assert deviation([0.5]) is None
    found = interval([0.7, 0.8], images=100)
    assert found.mean == pytest.approx(0.75)
    assert found.low == pytest.approx(0.75 - math.hypot(12.706 * 0.05, 1.96 * math.sqrt(0.001875)), rel=1e-3)
    assert found.high == 1.0
    flat = interval([0.75] * 3, images=100)
    assert flat.high - 0.75 == pytest.approx(1.96 * math.sqrt(0.75 * 0.25 / 100), rel=1e-3)
    assert interval([3.0, 3.2, 3.1]).high > 3.1


def member(name, right):
    """A configuration whose replicates were right, or not, about images of class 0 out of two."""
    tests = []
    for row in np.asarray(right, bool):
        said = np.where(row[:, None], [0.9, 0.1], [0.1, 0.9])
        tests.append(SimpleNamespace(probabilities=said, labels=np.zeros(len(row), np.int64)))
    return SimpleNamespace(name=name, tests=tuple(tests))


def test_a_difference_by_hand():
    first, second = np.ones((2, 100), bool), np.ones((2, 100), bool)
    second[0, :10], second[1, :20] = False, False
    found = difference(member("first", first), member("second", second))
    image = (first.mean(axis=0) - second.mean(axis=0)).var(ddof=1) / 100
    half = math.sqrt(3.8415 * image + 12.706**2 * 0.005 / 2)
    assert found.mean == pytest.approx(0.15)
    assert found.low == pytest.approx(0.15 - half, rel=1e-3)
    assert not found.clear
    assert difference(member("first", first[:1]), member("second", second[:1])) is None


def test_equal_networks_do_not_differ():
    right = np.tile(np.arange(100) % 7 > 0, (3, 1))
    found = difference(member("one", right), member("same", right))
    assert (found.mean, found.clear) == (0, False)
    # Of 100 images none told them apart; of others a few may.
    assert -0.03 < found.low < 0 < found.high < 0.03
