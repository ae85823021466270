"""The check of an activation function, `dx = f'(x) * dout`."""

from __future__ import annotations

from typing import Any

import numpy as np

from handlens.lessons import calls, numeric
from handlens.lessons.activation_faults import formulas, guesses_of_dx, guesses_of_forward
from handlens.lessons.explain import Guess, fits, judge, lent_findings
from handlens.lessons.functions import FUNCTIONS, named_in, pull, slope
from handlens.lessons.observe import Seen, run
from handlens.lessons.report import NOTE, OK, WRONG, Finding
from handlens.lessons.setup import Setup
from handlens.lessons.subject import Stopped, Subject
from handlens.nn.arrays import Array


def check_activation(setup: Setup, wanted: str) -> tuple[str, list[Finding], str]:
    """Which function it is, the findings, the convention.

    `wanted` is the function's name, or "" to find out.

    Raises:
        Stopped: forward or backward raised.
    """
    subject, held = setup.ready()
    x = setup.inputs(2)
    rows = setup.turn(x)
    y = subject.forward(x.copy())
    name = next((f for f, g in FUNCTIONS.items() if fits(y, setup.turn(g(rows)), 1e-6)), "")
    if wanted and not name.startswith(wanted):
        name = next(f for f in FUNCTIONS if f.startswith(wanted))
    dout = setup.turn(np.random.default_rng(4).normal(size=rows.shape))
    alone = subject.backward_function is not None and _is_derivative(setup, subject, x, name)
    seen = _derivative(subject, x) if alone else run(subject, held, x, dout)
    if not name:
        return "another function", _by_forward_alone(setup, subject, seen, dout, alone), ""
    findings = [_forward(setup, name, seen), *lent_findings(seen), _large(setup, name)]
    if subject.backward_function is None:
        return name, [*findings, Finding("backward", WRONG, "missing", "no backward was found")], ""
    if alone:
        return name, [*findings, _judge_derivative(setup, subject, name, seen)], "a derivative by itself"
    measured = _measured(subject, x, dout)
    truth = setup.turn(pull(name, setup.turn(dout), rows))
    guesses = guesses_of_dx(name, rows, setup.turn(dout), setup.turn)
    findings.append(judge("dx", seen.dx, [truth, *measured], guesses, n=setup.n, tolerance=seen.tolerance))
    return name, findings, ""


def _forward(setup: Setup, name: str, seen: Seen) -> Finding:
    rows = setup.turn(seen.x)
    truth = setup.turn(FUNCTIONS[name](rows))
    guesses = guesses_of_forward(name, rows, setup.turn)
    return judge("forward", seen.y, [truth], guesses, n=setup.n, tolerance=seen.tolerance)


def _by_forward_alone(setup: Setup, subject: Subject, seen: Seen, dout: Array, alone: bool) -> list[Finding]:
    """The gradient of a function that is not among ours: against the numerical one."""
    said = "not a function that is known here: its gradient is compared with forward's own numbers"
    findings = [Finding("forward", NOTE, detail=said), *lent_findings(seen)]
    if subject.backward_function is None:
        return [*findings, Finding("backward", WRONG, "missing", "no backward was found")]
    truths = _measured(subject, seen.x, np.ones_like(dout) if alone else dout)
    guesses = [Guess("wrong-derivative", "the gradient passes unchanged", dout)]
    return [*findings, judge("dx", seen.dx, truths, guesses, n=setup.n, tolerance=seen.tolerance)]


def _large(setup: Setup, name: str) -> Finding:
    """Forward on numbers of which exp overflows."""
    rows = np.array([[1000.0, -1000.0, 3.0, 0.5, -800.0], [-1000.0, 900.0, 1000.0, 2.0, 1.0]])
    rows = np.tile(rows, (setup.n, setup.into // 5 + 1))[: setup.n, : setup.into]
    subject = setup.fresh()
    try:
        y = subject.forward(setup.turn(rows))
    except Stopped as error:
        return Finding("large numbers", WRONG, "raises", str(error))
    if not np.isfinite(np.asarray(y, float)).all():
        return Finding("large numbers", WRONG, "overflow", f"{name} of 1000 or -1000 is not a number")
    return Finding("large numbers", OK)


def _measured(subject: Subject, x: Array, dout: Array) -> list[Array]:
    try:
        return [numeric.gradient(lambda at: float(np.sum(np.asarray(subject.forward(at)) * dout)), x)]
    except (Stopped, ValueError):
        return []


def _is_derivative(setup: Setup, subject: Subject, x: Array, name: str) -> bool:
    """Whether backward is a derivative alone, of one array that is no gradient: sigmoid_prime(z)."""
    function: Any = subject.backward_function
    must = calls.required(function)
    if len(must) != 1 or calls.role(must[0]) == "gradient":
        return False
    if any(mark in getattr(function, "__name__", "") for mark in ("prime", "deriv", "der_", "_d")):
        return True
    try:
        got = _derivative(subject, x).dx
    except Stopped:
        return False
    return bool(name) and fits(got, setup.turn(slope(name, setup.turn(x))), 1e-6)


def _derivative(subject: Subject, x: Array) -> Seen:
    lent = x.copy()
    y = subject.forward(lent)
    seen = Seen(x, np.array(y), lent=[("the input", lent.copy(), x)])
    seen.dx = subject.backward(x.copy()).returned[0]
    return seen


def _judge_derivative(setup: Setup, subject: Subject, name: str, seen: Seen) -> Finding:
    """f'(x) given x, or given y = f(x): students write either."""
    x = setup.turn(seen.x)
    y = FUNCTIONS[name](x)
    truth = setup.turn(slope(name, x))
    of_output = subject.backward(setup.turn(y)).returned[0]
    if fits(of_output, truth, seen.tolerance) and not fits(seen.dx, truth, seen.tolerance):
        return Finding("derivative", NOTE, "", "right when it is given the output, f(x), not x")
    guesses = [Guess("wrong-derivative", "evaluated at f(x)", setup.turn(slope(name, y)))]
    guesses += [
        Guess("wrong-derivative", f"it is {f}", setup.turn(v)) for f, v in formulas(x, "x") + formulas(y, "y")
    ]
    guesses += [Guess("wrong-mask", "turned round", setup.turn((x < 0).astype(float)))]
    return judge("derivative", seen.dx, [truth], guesses, n=setup.n, tolerance=seen.tolerance)


def kind_by_name(target: Any) -> str:
    """The activation that the target's own name speaks of, or ""."""
    return named_in(getattr(target, "__name__", type(target).__name__))
