"""The check of a whole network: the numerical gradient first, then which fault explains what differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handlens.lessons import calls
from handlens.lessons.case import Case
from handlens.lessons.explain import lent_findings
from handlens.lessons.inside import Slot
from handlens.lessons.observe import Seen, run
from handlens.lessons.report import OK, WRONG, Finding
from handlens.lessons.setup import Setup
from handlens.lessons.subject import Stopped, Subject, most_plausible
from handlens.nn.arrays import Array


@dataclass
class Plan:
    """How this network's backward is called: with labels (one-hot, or numbers) or with a gradient."""

    labels: str  # "onehot", "numbers" or "" for a gradient

    def given(self, setup: Setup, classes: int, seed: int, n: int) -> tuple[Array, Any]:
        """Targets as rows, and what backward is given."""
        rng = np.random.default_rng(seed)
        if not self.labels:
            rows = rng.normal(size=(n, classes))
            return rows, setup.turn(rows)
        numbers = rng.permutation(np.arange(n) % classes)
        rows = np.eye(classes)[numbers]
        return rows, setup.turn(rows) if self.labels == "onehot" else numbers


def check_network(setup: Setup) -> tuple[list[Finding], str]:
    """The findings and the convention.

    Raises:
        Stopped: forward or backward raised.
    """
    subject, _ = setup.ready()
    x = setup.inputs(2)
    y = np.asarray(subject.forward(x.copy()), float)
    findings = [_outputs(setup, y), _large(setup)]
    if subject.backward_function is None:
        return [*findings, Finding("backward", WRONG, "missing", "no backward was found")], ""
    tried, stops = [], []
    for way in _plans(subject):
        try:
            found, said, wrong = _under(setup, way, x)
        except Stopped as stop:
            stops.append(stop)
            continue
        tried.append((wrong, found, said))
    if not tried:
        raise most_plausible(stops)
    _, found, said = min(tried, key=lambda item: item[0])
    return findings + found, said


def _plans(subject: Subject) -> list[Plan]:
    function: Any = subject.backward_function
    roles = [r for n, r in calls.roles_of(function).items() if n in calls.required(function)]
    if "labels" in roles:
        return [Plan("onehot"), Plan("numbers")]
    if "gradient" in roles:
        return [Plan("")]
    return [Plan(""), Plan("onehot"), Plan("numbers")]


def _outputs(setup: Setup, y: Array) -> Finding:
    rows = setup.turn(y)
    if y.ndim == 2 and (y > 0).all() and len(rows) > 1:
        sums, across = rows.sum(axis=1), rows.sum(axis=0)
        if np.allclose(across, 1) and not np.allclose(sums, 1):
            return Finding("forward", WRONG, "softmax-axis", "probabilities sum to one over the images")
        if np.isclose(rows.sum(), 1) and not np.allclose(sums, 1):
            return Finding("forward", WRONG, "softmax-axis", "probabilities sum to one over the whole batch")
    return Finding("forward", OK)


def _large(setup: Setup) -> Finding:
    """Forward with weights a thousand times as large."""
    subject, held = setup.ready()
    for slot in held:
        slot.put(1000 * np.array(slot.get(), float))
    y = np.asarray(subject.forward(setup.inputs(2)), float)
    if np.isfinite(y).all():
        return Finding("large numbers", OK)
    return Finding("large numbers", WRONG, "overflow", "large weights make outputs that are not numbers")


def network_pass(setup: Setup) -> Callable[..., Seen]:
    """One pass for the check of repeated calls."""
    subject, _ = setup.ready()
    classes = _classes(setup, np.asarray(subject.forward(setup.inputs(1))))
    for way in _plans(subject):
        try:
            _pass(setup, way, classes, *setup.ready(), 1, setup.n)
            break
        except Stopped:
            continue
    return lambda subject, held, seed, n: _pass(setup, way, classes, subject, held, seed, n)


def _pass(
    setup: Setup, way: Plan, classes: int, subject: Subject, held: list[Slot], seed: int, n: int
) -> Seen:
    _, given = way.given(setup, classes, seed, n)
    x = setup.inputs(seed, n)
    return run(subject, held, x, None, given) if way.labels else run(subject, held, x, given)


def _classes(setup: Setup, y: Array) -> int:
    return int(setup.turn(y).shape[-1])


def _under(setup: Setup, way: Plan, x: Array) -> tuple[list[Finding], str, int]:
    """Findings when backward is called this way, the convention, and how many are wrong."""
    subject, held = setup.ready()
    y = np.asarray(subject.forward(x.copy()), float)
    targets, given = way.given(setup, _classes(setup, y), 6, setup.n)
    subject, held = setup.ready()
    seen = run(subject, held, x, None, given) if way.labels else run(subject, held, x, given)
    gradients, said = Case(setup, subject, held, seen, setup.turn(y), targets, bool(way.labels)).judge()
    findings = lent_findings(seen) + gradients
    return findings, said, sum(f.verdict == WRONG for f in findings)
