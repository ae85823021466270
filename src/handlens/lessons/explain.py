"""Naming a fault: which known mistake, made in the reference, gives the student's numbers?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handlens.lessons.observe import EXACT, Seen
from handlens.lessons.report import NOTE, OK, WRONG, Finding
from handlens.nn.arrays import Array


@dataclass(frozen=True)
class Guess:
    """A cause, a few words, and the numbers that this fault would give (None: nothing at all)."""

    cause: str
    detail: str
    value: Any


def error(got: Any, want: Any) -> float:
    """The greatest absolute difference over the greatest number; infinite where the shapes do not fit."""
    a, b = _array(got), np.asarray(want, float)
    if a is None or a.squeeze().shape != b.squeeze().shape or not np.isfinite(a).all():
        return float("inf")
    a, b = a.squeeze(), b.squeeze()
    scale = max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0)))
    return float(np.abs(a - b).max(initial=0)) / scale if scale else 0.0


def fits(got: Any, want: Any, tolerance: float) -> bool:
    if got is None or want is None:
        return got is want
    return error(got, want) <= tolerance


def judge(
    check: str,
    got: Any,
    truths: Sequence[Array],
    guesses: Iterable[Guess],
    *,
    n: int,
    tolerance: float = EXACT,
) -> Finding:
    """The finding about one result, `truths[0]` being the reference and the others as good as it."""
    truth = truths[0]
    best = min((error(got, t) for t in truths), default=float("inf"))
    if got is not None and best <= tolerance:
        return _shaped(check, got, truth, best)
    shown = error(got, truth)
    said = None if np.isinf(shown) else shown
    for guess in [*_common(truth, n), *guesses]:
        if fits(got, guess.value, tolerance):
            return Finding(check, WRONG, guess.cause, guess.detail, said)
    return Finding(check, WRONG, *_unexplained(got, truth, tolerance), said)


def _shaped(check: str, got: Any, truth: Array, best: float) -> Finding:
    """Right numbers; do they fit where they will be used? (`b -= lr * db` must not make a matrix of b.)"""
    shape = np.shape(got)
    if shape != truth.shape:
        try:
            together = np.broadcast_shapes(shape, truth.shape)
        except ValueError:
            together = (0,)
        if np.prod(together) != truth.size:
            return Finding(check, WRONG, "shape", f"{list(shape)} where {list(truth.shape)} is needed", best)
        return Finding(check, OK, detail=f"shape {list(shape)} for {list(truth.shape)}", error=best)
    return Finding(check, OK, error=best)


def _common(truth: Array, n: int) -> list[Guess]:
    return [
        Guess("sign", "minus the right result", -truth),
        Guess("missing-1/n", f"{n} times the right result for {n} images", truth * n),
        Guess("extra-1/n", f"1/{n} of the right result for {n} images", truth / n),
        Guess("extra-1/n", f"1/{n * n} of the right result for {n} images", truth / n**2),
    ]


def _unexplained(got: Any, truth: Array, tolerance: float) -> tuple[str, str]:
    array = _array(got)
    if array is None:
        return "shape", f"{type(got).__name__} where an array of shape {list(truth.shape)} is needed"
    if not np.isfinite(array).all():
        return "overflow", "it is not a number"
    if array.squeeze().shape != truth.squeeze().shape:
        return "shape", f"{list(array.shape)} where {list(truth.shape)} is needed"
    ratio = float((array.ravel() @ truth.ravel()) / (truth.ravel() @ truth.ravel() or 1.0))
    if ratio and error(array, ratio * truth.reshape(array.shape)) <= tolerance:
        return "scale", f"{ratio:.6g} times"
    if array.dtype.kind in "iub":
        return "dtype", f"it is {array.dtype}"
    return "unknown", ""


def _array(got: Any) -> Array | None:
    if got is None or isinstance(got, str | dict):
        return None
    try:
        array = np.asarray(got)
    except ValueError:
        return None
    return array if array.dtype.kind in "fiub" else None


def lent_findings(seen: Seen) -> list[Finding]:
    """Findings about the arrays that were lent to a pass: the input, and the gradient from above."""
    found = []
    for name, now, before in seen.lent:
        above = name != "the input"
        found += damaged("backward" if above else "forward", name, now, before, note=above)
    return found


def damaged(check: str, name: str, now: Array, before: Array, *, note: bool = False) -> list[Finding]:
    """A finding where an array that was lent has changed."""
    if now.shape == before.shape and np.array_equal(now, before):
        return []
    extra = " (harmless in a chain of layers, wrong where two paths meet)" if note else ""
    return [Finding(check, NOTE if note else WRONG, "in-place", f"{name} is no longer what it was{extra}")]
