"""The check of a loss: cross-entropy of logits (with softmax) or of probabilities, mean squared error."""

from __future__ import annotations

from typing import Any

import numpy as np

from handlens.lessons import calls, numeric
from handlens.lessons.explain import Guess, fits, judge, lent_findings
from handlens.lessons.inside import Slot
from handlens.lessons.loss_faults import guesses_of_gradient, guesses_of_loss, mixture
from handlens.lessons.loss_reference import (
    ENTROPY,
    LIKELIHOOD,
    LOSS,
    SOFTMAX,
    SQUARES,
    K,
    N,
    each_loss,
    gradient_of_sum,
    scales,
)
from handlens.lessons.loss_setup import LossSetup
from handlens.lessons.observe import Seen, run
from handlens.lessons.report import NOTE, OK, WRONG, Finding
from handlens.lessons.subject import Stopped, Subject
from handlens.nn.arrays import Array


def check_loss(setup: LossSetup) -> tuple[list[Finding], str]:
    """The findings and the convention.

    Raises:
        Stopped: forward or backward raised.
    """
    z, targets, labels = setup.batch_of(2)
    given = setup.labels(targets, labels)
    subject = setup.fresh()
    seen = run(subject, [], setup.turn(z), _above(subject), given, labels_forward=True)
    forward, scale, said = _forward(setup, seen, z, targets)
    findings = [forward, *lent_findings(seen), _large(setup)]
    if subject.backward_function is None and seen.dx is None:
        return [*findings, Finding("backward", WRONG, "missing", "no backward was found")], said
    if forward.cause in ("unknown", "scale", "formula") and (own := _own_gradient(subject, seen, given)):
        note = "none of the losses known here: its gradient is compared with its own numbers"
        findings[0] = Finding("loss", NOTE, detail=note)
        return [*findings, own], ""
    finding, more = _gradient(setup, seen, scale, z, targets, labels)
    return [*findings, finding], "; ".join(filter(None, (said, more)))


def _own_gradient(subject: Subject, seen: Seen, given: Array) -> Finding | None:
    """The gradient's finding if it is that of the loss's own numbers, whatever loss that is."""

    def value(at: Array) -> float:
        return float(np.sum(np.asarray(subject.forward(at, given), float)))

    try:
        measured = numeric.gradient(value, seen.x)
    except (Stopped, TypeError, ValueError):
        return None
    found = judge("gradient", seen.dx, [measured], [], n=N, tolerance=LOSS)
    return found if found.verdict == OK and measured.any() else None


def loss_pass(setup: LossSetup) -> Any:
    def one_pass(subject: Subject, held: list[Slot], seed: int, n: int) -> Seen:
        z, targets, labels = setup.batch_of(seed, n)
        return run(
            subject, held, setup.turn(z), _above(subject), setup.labels(targets, labels), labels_forward=True
        )

    return one_pass


def _above(subject: Subject) -> Any:
    wants = subject.backward_function is not None and "gradient" in [
        calls.role(n) for n in calls.required(subject.backward_function)
    ]
    return np.ones(()) if wants else None


def _forward(setup: LossSetup, seen: Seen, z: Array, targets: Array) -> tuple[Finding, list[float], str]:
    """The finding, the scales that the gradient may have, and the convention."""
    each = each_loss(setup.kind, z, targets)
    got = np.asarray(seen.y, float)
    if got.size == N and got.ndim:
        finding = judge(
            "loss", got, [each, each / K], guesses_of_loss(setup.kind, z, targets), n=N, tolerance=LOSS
        )
        return finding, [1.0, 1 / N], "a loss for each image"
    known = scales(setup.kind)
    found = next((s for s in known if fits(got, s * each.sum(), LOSS)), None)
    if found is not None:
        return (
            Finding("loss", OK, error=abs(float(got.ravel()[0]) / (found * each.sum()) - 1)),
            [found],
            f"loss: {known[found]}",
        )
    truth = np.asarray(each.mean())
    return (
        judge("loss", got, [truth], guesses_of_loss(setup.kind, z, targets), n=N, tolerance=LOSS),
        list(known),
        "",
    )


def _gradient(
    setup: LossSetup, seen: Seen, allowed: list[float], z: Array, targets: Array, labels: Array
) -> tuple[Finding, str]:
    base = gradient_of_sum(setup.kind, z, targets)
    bases = [(base, "")]
    if setup.kind == ENTROPY:
        bases.append((z - targets, "its gradient is that of the logits, softmax and loss together"))
    for truth, said in bases:
        for scale in allowed:
            if fits(seen.dx, setup.turn(truth * scale), LOSS):
                more = f"gradient: {scales(setup.kind).get(scale, '')}" if len(allowed) > 1 else ""
                return judge(
                    "gradient", seen.dx, [setup.turn(truth * scale)], [], n=N, tolerance=LOSS
                ), said or more
    closer = [
        t for t, _ in bases if any(fits(seen.dx, setup.turn(t * s), LOSS) for s in (1, -1, 1 / N, -1 / N))
    ]
    truth = setup.turn((closer or [base])[0] * (allowed[0] if len(allowed) == 1 else 1 / N))
    guesses = guesses_of_gradient(setup, z, targets, labels)
    if setup.kind == SOFTMAX and np.shape(seen.dx) == truth.shape and np.isfinite(seen.dx).all():
        found = mixture(setup.turn(np.asarray(seen.dx, float)), z, targets)
        guesses += [Guess(g.cause, g.detail, setup.turn(g.value)) for g in found]
    return judge("gradient", seen.dx, [truth], guesses, n=N, tolerance=LOSS), ""


def _large(setup: LossSetup) -> Finding:
    """Loss and gradient of logits far from zero."""
    z, targets, labels = setup.batch_of(2)
    given = setup.labels(targets, labels)
    if setup.kind in (SQUARES, LIKELIHOOD):
        return Finding("large numbers", OK)
    if setup.kind == SOFTMAX:
        for shift in (2000.0, -2000.0):
            if not _finite(setup, z + shift, given):
                return Finding("large numbers", WRONG, "overflow", f"logits near {shift:g} give no number")
        z = z - 2000 * targets
    else:
        z = np.where(targets > 0, 0.0, 1 / (K - 1))
    if not _finite(setup, z, given):
        return Finding(
            "large numbers", NOTE, "log-zero", "a true class of probability 0 gives an infinite loss"
        )
    return Finding("large numbers", OK)


def _finite(setup: LossSetup, z: Array, given: Array) -> bool:
    subject = setup.fresh()
    try:
        seen = run(subject, [], setup.turn(z), _above(subject), given, labels_forward=True)
    except Stopped:
        return True  # named elsewhere
    numbers = [seen.y] + ([] if seen.dx is None else [seen.dx])
    return all(bool(np.isfinite(np.asarray(a, float)).all()) for a in numbers)
