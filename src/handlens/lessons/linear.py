"""The check of a fully connected layer, `y = f(x @ W + b)`.

With `dz = f'(z) * dout`, n images as rows: `dW = x.T @ dz`, `db = dz.sum(axis=0)`, `dx = dz @ W.T`. Columns,
and W as `[out, in]`, are the same formulas turned; both are undone before anything is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from handlens.lessons import backprop, numeric
from handlens.lessons.explain import Guess, fits, judge, lent_findings
from handlens.lessons.functions import FUNCTIONS, slope
from handlens.lessons.inside import Slot
from handlens.lessons.linear_faults import (
    Terms,
    guesses_of_bias,
    guesses_of_dW,
    guesses_of_dx,
    guesses_of_forward,
)
from handlens.lessons.observe import Seen, rate_of, run
from handlens.lessons.report import WRONG, Finding
from handlens.lessons.setup import Setup
from handlens.lessons.subject import Stopped, Subject
from handlens.nn.arrays import Array


@dataclass(frozen=True)
class Way:
    """How this layer holds its arrays: its places for W and b, and whether W is `[out, in]`."""

    weight: int
    bias: int | None
    turned: bool
    function: str = "linear"


def check_linear(setup: Setup, turned: bool | None) -> tuple[list[Finding], str]:
    """The findings and the convention of a fully connected layer.

    `turned`: W lies as `[out, in]`; None: to be told from its shape.

    Raises:
        Stopped: forward or backward raised.
    """
    subject, held = setup.ready()
    way = _way(setup, held, turned)
    x = setup.inputs(2)
    y = subject.forward(x.copy())
    dout = np.random.default_rng(4).normal(size=np.shape(y))
    seen = run(subject, held, x, dout)
    way = _with_function(setup, way, seen, sure=turned is not None)
    terms = _terms(setup, way, seen, dout)
    findings = [_forward(setup, subject, way, seen, terms, held), *lent_findings(seen)]
    if subject.backward_function is None:
        return [*findings, Finding("backward", WRONG, "missing", "no backward was found")], ""
    gradients, convention = _backward(setup, subject, held, way, seen, dout, terms)
    return [*findings, *gradients], convention


def is_linear(setup: Setup, held: list[Slot], y: Array) -> bool:
    """Whether the parameters are those of `y = x @ W + b`: one matrix in x out, one b at most."""
    shapes = [np.shape(s.get()) for s in held]
    out = setup.turn(y).shape[-1]
    matrices = [s for s in shapes if len(s) == 2 and min(s) > 1]
    others = [s for s in shapes if s not in matrices]
    matrix = len(matrices) == 1 and sorted(matrices[0]) == sorted((setup.into, out))
    return matrix and len(others) <= 1 and all(bool(np.prod(s) == out) for s in others)


def _way(setup: Setup, held: list[Slot], turned: bool | None) -> Way:
    """Which array is W and which is b, by their shapes."""
    shapes = [np.shape(s.get()) for s in held]
    weight = max(range(len(shapes)), key=lambda k: (len(shapes[k]), np.prod(shapes[k])))
    others = [k for k in range(len(shapes)) if k != weight]
    if turned is None:
        shape = shapes[weight]
        turned = shape[0] != setup.into if shape[0] != shape[-1] else setup.batch == "last"
    return Way(weight, others[0] if others else None, turned)


def _with_function(setup: Setup, way: Way, seen: Seen, *, sure: bool) -> Way:
    """The way, with the activation that is built in; a square weight lies as it explains forward."""
    square = not sure and seen.values[way.weight].shape[0] == seen.values[way.weight].shape[-1]
    for turned in (way.turned, not way.turned) if square else (way.turned,):
        terms = _terms(setup, replace(way, turned=turned), seen, None)
        z = terms.x @ terms.W + terms.b
        for name, function in FUNCTIONS.items():
            if name != "softmax" and fits(seen.y, setup.turn(function(z)), seen.tolerance):
                return replace(way, function=name, turned=turned)
    return way


def _terms(setup: Setup, way: Way, seen: Seen, dout: Array | None) -> Terms:
    x = setup.turn(seen.x)
    W = seen.values[way.weight]
    W = W.T if way.turned else W
    b = np.zeros(W.shape[1]) if way.bias is None else seen.values[way.bias].ravel()
    above = np.zeros((len(x), len(b))) if dout is None else setup.turn(dout)
    return Terms(x, W, b, above * slope(way.function, x @ W + b))


def _forward(setup: Setup, subject: Subject, way: Way, seen: Seen, t: Terms, held: list[Slot]) -> Finding:
    truth = setup.turn(FUNCTIONS[way.function](t.x @ t.W + t.b))
    guesses = guesses_of_forward(t, setup.turn(seen.lent[0][1]), setup.turn)
    finding = judge("forward", seen.y, [truth], guesses, n=setup.n, tolerance=seen.tolerance)
    unused = _unused_bias(subject, held)
    if way.bias is None and finding.verdict != WRONG and unused:
        return Finding("forward", WRONG, "dropped-bias", f"{unused} changes nothing", finding.error)
    return finding


def _unused_bias(subject: Subject, held: list[Slot]) -> str:
    """The name of an array that is called a bias and that forward does not use."""
    mine = {h.name for h in held}
    for slot in subject.slots():
        is_bias = slot.subject.split(".")[-1] == "b" and not slot.is_gradient and slot.name not in mine
        if is_bias and isinstance(slot.get(), np.ndarray):
            return slot.name
    return ""


def _backward(
    setup: Setup, subject: Subject, held: list[Slot], way: Way, seen: Seen, dout: Array, t: Terms
) -> tuple[list[Finding], str]:
    n, tolerance = setup.n, seen.tolerance
    raw = np.transpose if way.turned else np.asarray
    got_W = seen.gradients[way.weight]
    got_b = None if way.bias is None else seen.gradients[way.bias]
    true_W, true_b = raw(t.x.T @ t.dz), t.dz.sum(axis=0)
    averaged_W = fits(got_W, true_W / n, tolerance)
    scale = 1 / n if averaged_W or fits(got_b, true_b / n, tolerance) else 1.0

    inside = list(_activation_faults(way.function, t, setup.turn(dout)))
    truths = [setup.turn(t.dz @ t.W.T), *_measured(subject, seen, dout, None)]
    guesses = guesses_of_dx(t, setup.turn, rate_of(subject))
    guesses += [Guess(*said, setup.turn(dz @ t.W.T)) for said, dz in inside]
    findings = [judge("dx", seen.dx, truths, guesses, n=n, tolerance=tolerance)]
    truths = [scale * m for m in (true_W, *_measured(subject, seen, dout, held[way.weight]))]
    if got_W is None:
        findings.append(Finding("dW", WRONG, "missing", f"backward left: {_left(subject)}"))
    else:
        guesses = guesses_of_dW(t, raw)
        guesses += [Guess(*said, raw(t.x.T @ dz) * s) for said, dz in inside for s in (1, 1 / n)]
        findings.append(judge("dW", got_W, truths, guesses, n=n, tolerance=tolerance))
    if way.bias is not None:
        true_b = true_b.reshape(seen.values[way.bias].shape)
        truths = [scale * m for m in (true_b, *_measured(subject, seen, dout, held[way.bias]))]
        guesses = guesses_of_bias(t, averaged_W)
        guesses += [Guess(*said, dz.sum(axis=0) * s) for said, dz in inside for s in (1, 1 / n)]
        findings.append(judge("db", got_b, truths, guesses, n=n, tolerance=tolerance))
    how = "averaged over the images in the layer" if scale != 1 else "sums over the images"
    return findings, f"gradients are {how}"


def _activation_faults(name: str, t: Terms, above: Array) -> Iterator[tuple[tuple[str, str], Array]]:
    """Cause, detail and dz of each fault of an activation that is built in."""
    if name == "linear":
        return
    z = t.x @ t.W + t.b
    for fault, said in backprop.FAULTS.items():
        yield said, backprop.through(name, above, z, FUNCTIONS[name](z), fault)


def _measured(subject: Subject, seen: Seen, dout: Array, slot: Slot | None) -> list[Array]:
    """The numerical gradient of a parameter, or of the input; none where that would take long."""
    start = seen.x if slot is None else np.array(slot.get(), float)
    if start.size > numeric.MOST:
        return []

    def value(at: Array) -> float:
        if slot is not None:
            slot.put(at)
        return float(np.sum(np.asarray(subject.forward(at if slot is None else seen.x.copy())) * dout))

    try:
        return [numeric.gradient(value, start)]
    except (Stopped, ValueError):
        return []
    finally:
        if slot is not None:
            slot.put(start)


def _left(subject: Subject) -> str:
    names = [s.name for s in subject.slots() if s.is_gradient]
    return ", ".join(names[:6]) or "nothing that looks like a gradient"
