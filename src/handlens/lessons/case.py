"""The gradients of one network under one loss: measured, compared, explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handlens.lessons import numeric
from handlens.lessons.explain import Guess, error, fits, judge
from handlens.lessons.inside import Slot
from handlens.lessons.loss_reference import softmax
from handlens.lessons.network_faults import guesses_of_network, is_bias
from handlens.lessons.observe import Seen, rate_of
from handlens.lessons.report import NOTE, OK, WRONG, Finding
from handlens.lessons.setup import Setup
from handlens.lessons.subject import Subject
from handlens.nn.arrays import Array

PLACES, FEW = 40, 12  # numbers of a parameter whose gradient is measured; of one beyond numeric.MOST
Losses = dict[str, Callable[[Array], float]]


@dataclass
class Case:
    """A network, what its backward gave, and the targets as rows: labels, or the gradient from above.

    Large parameters are sampled: only some of their numbers are measured and compared.
    """

    setup: Setup
    subject: Subject
    held: Sequence[Slot]
    seen: Seen
    y: Array
    targets: Array
    labelled: bool

    def judge(self) -> tuple[list[Finding], str]:
        """A finding for each parameter and for the input, and the convention."""
        losses = self._losses()
        measured = {name: [self._measure(slot, loss) for slot in self.held] for name, loss in losses.items()}
        loss = min(measured, key=lambda name: self._misses(measured[name]))
        truths = measured[loss]
        scale, said = self._scale(truths)
        rows, rate = self.setup.turn(self.seen.x), rate_of(self.subject)
        turned = self.setup.batch == "last"
        guesses = guesses_of_network(self.seen.values, rows, self.y, self.targets, loss, scale, rate, turned)
        findings = [self._one(k, truths[k] * scale, guesses[k]) for k in range(len(self.held))]
        if not self.labelled and self.seen.dx is not None:
            findings.append(self._input(losses[loss]))
        return findings, said

    def _one(self, k: int, truth: Array, guesses: list[Guess]) -> Finding:
        check, got = f"d{self.held[k].name}", self.seen.gradients[k]
        if got is None:
            cause = "dropped-bias-gradient" if is_bias(self.seen.values[k]) else "missing"
            return Finding(check, WRONG, cause, "nothing is stored or returned")
        got, W = self._cut(k, got), self._cut(k, self.seen.values[k])
        if _decayed(got, truth, W):
            said = "right but for a part that grows with the weight: weight decay"
            return Finding(check, NOTE, detail=said)
        cut = (Guess(g.cause, g.detail, self._cut(k, g.value)) for g in guesses)
        return judge(check, got, [truth], cut, n=self.setup.n, tolerance=self.seen.tolerance)

    def _places(self, k: int) -> Array | None:
        size = self.seen.values[k].size
        if size <= PLACES:
            return None
        some = PLACES if size <= numeric.MOST else FEW
        return np.random.default_rng(1).choice(size, some, replace=False)

    def _cut(self, k: int, value: Any) -> Any:
        """The numbers of it that were measured, if it has the parameter's shape."""
        places = self._places(k)
        if places is None or np.shape(value) != self.seen.values[k].shape:
            return value
        return np.asarray(value).ravel()[places]

    def _measure(self, slot: Slot, loss: Callable[[Array], float]) -> Array:
        k = next(i for i, s in enumerate(self.held) if s.name == slot.name)
        start, places = np.array(slot.get(), float), self._places(k)

        def value(numbers: Array) -> float:
            whole = start.copy()
            if places is None:
                whole = numbers
            else:
                whole.ravel()[places] = numbers
            slot.put(whole)
            return self._loss(loss, self.seen.x)

        measured = numeric.gradient(value, start if places is None else start.ravel()[places])
        slot.put(start)
        return measured

    def _loss(self, loss: Callable[[Array], float], x: Array) -> float:
        return loss(self.setup.turn(np.asarray(self.subject.forward(x.copy()), float)))

    def _losses(self) -> Losses:
        """The losses that this network may have, of its outputs as rows; sums over the images."""
        t = self.targets
        if not self.labelled:
            return {"given": lambda y: float((y * t).sum())}
        squares = {"squares": lambda y: float(((y - t) ** 2).sum() / 2)}
        if (self.y > 0).all() and np.allclose(self.y.sum(axis=1), 1):
            return {"entropy": lambda y: _entropy(y, t), **squares}
        if (self.y > 0).all() and (self.y < 1).all():
            return {**squares, "binary": lambda y: _entropy(y, t) + _entropy(1 - y, 1 - t)}
        return {"entropy of logits": lambda y: _entropy(softmax(y), t), **squares}

    def _fit(self, truths: list[Array], scale: float) -> list[bool]:
        return [fits(self._cut(k, g), truths[k] * scale, 1e-4) for k, g in enumerate(self.seen.gradients)]

    def _misses(self, truths: list[Array]) -> int:
        """How many gradients no scale explains, for the choice of the loss."""
        scales = [*self._scales(), 1 / self.setup.n**2]
        columns = zip(*(self._fit(truths, sign * s) for s in scales for sign in (1, -1)), strict=True)
        return sum(not any(column) for column in columns)

    def _scales(self) -> dict[float, str]:
        n, k = self.setup.n, self.y.shape[1]
        return {  # of two that explain as much, the first
            1 / n: "means over the images",
            1.0: "sums over the images",
            2.0: "sums of squares",
            2 / n: "means of squares",
            2 / (n * k): "means of squares over images and outputs",
            1 / (n * k): "means over images and outputs",
        }

    def _scale(self, truths: list[Array]) -> tuple[float, str]:
        """1 for sums over the images, 1/n for means; squares may have a factor besides."""
        if not self.labelled:
            return 1.0, "gradients are those of the one that backward is given"
        names = self._scales()
        fit = {s: self._fit(truths, s) for s in names}
        best = max(names, key=lambda s: sum(fit[s]) + sum(self._fit(truths, -s)))
        if any(fit[best]):
            return best, f"gradients are {names[best]}"
        return (best, "") if any(self._fit(truths, -best)) else (1.0, "")

    def _input(self, loss: Callable[[Array], float]) -> Finding:
        if self.seen.x.size > numeric.MOST:
            return Finding("dx", OK, detail="not measured: too many numbers")
        measured = numeric.gradient(lambda at: self._loss(loss, at), self.seen.x)
        return judge("dx", self.seen.dx, [measured], [], n=self.setup.n, tolerance=self.seen.tolerance)


def _entropy(y: Array, t: Array) -> float:
    return float(-(t * np.log(np.maximum(y, 1e-300))).sum())


def _decayed(got: Any, truth: Array, W: Array) -> bool:
    """Whether got = truth + lambda * W for some lambda > 0."""
    if np.shape(got) != truth.shape or W.size < 4 or fits(got, truth, 1e-5):
        return False
    rest = np.asarray(got, float) - truth
    rate = float((rest * W).sum() / (W * W).sum())
    return rate > 0 and error(rest, rate * W) < 1e-5
