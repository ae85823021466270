"""More than one call: does a second batch get its own gradient, whatever came before?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handlens.lessons.explain import error, fits
from handlens.lessons.inside import Slot
from handlens.lessons.observe import Seen
from handlens.lessons.report import NOTE, OK, WRONG, Finding
from handlens.lessons.subject import Stopped, Subject

Ready = Callable[[], tuple[Subject, list[Slot]]]
Pass = Callable[[Subject, list[Slot], int, int], Seen]  # subject, its parameters, seed, images


def check_repeats(ready: Ready, one_pass: Pass, n: int) -> list[Finding]:
    """Findings about a second batch of as many images, and a third of more.

    `ready` makes equal subjects; `one_pass` runs forward and backward on the batch of a seed. Nothing but the
    student's own results is compared: those of a new subject against those of a used one.
    """
    try:
        alone = one_pass(*ready(), 22, n)
        subject, held = ready()
        first = one_pass(subject, held, 21, n)
        subject.zero_gradients()
        second = one_pass(subject, held, 22, n)
    except Stopped as error:
        return [Finding("second batch", WRONG, "stale", str(error))]
    for name, got, once, want in _pairs(second, first, alone):
        if not _same(got, want, second.tolerance):
            return [_named(name, got, once, want, second.tolerance)]
    return [_larger(ready, one_pass, n), *_twice(ready, one_pass, n)]


def _named(name: str, got: Any, once: Any, want: Any, tolerance: float) -> Finding:
    both = None if once is None or want is None else np.asarray(once) + np.asarray(want)
    cause = "accumulated" if both is not None and fits(got, both, tolerance) else "stale"
    shown = error(got, want)
    return Finding("second batch", WRONG, cause, f"{name} differs", None if np.isinf(shown) else shown)


def _larger(ready: Ready, one_pass: Pass, n: int) -> Finding:
    try:
        alone = one_pass(*ready(), 23, n + 3)
        subject, held = ready()
        one_pass(subject, held, 21, n)
        subject.zero_gradients()
        after = one_pass(subject, held, 23, n + 3)
    except Stopped as stop:
        return Finding("batch of another size", WRONG, "shape", f"stops with {stop}")
    for name, got, _, want in _pairs(after, after, alone):
        if not _same(got, want, after.tolerance):
            return Finding("batch of another size", WRONG, "stale", f"{name} differs")
    return Finding("second batch", OK)


def _twice(ready: Ready, one_pass: Pass, n: int) -> Iterator[Finding]:
    """Backward a second time after one forward: a note where it spoilt what forward had saved."""
    subject, held = ready()
    first = one_pass(subject, held, 21, n)
    forward, kept = subject.forward_function, (subject.output, subject.rest)
    subject.zero_gradients()
    answer = (kept[0], *kept[1]) if kept[1] else kept[0]
    subject.forward_function = _Same(forward, answer)
    try:
        again = one_pass(subject, held, 21, n)
    except Stopped:
        return
    finally:
        subject.forward_function = forward
    for name, got, _, want in _pairs(again, first, first):
        if not _same(got, want, again.tolerance):
            detail = f"backward twice after one forward: {name} differs (harmless where it runs once)"
            yield Finding("backward", NOTE, "in-place", detail)
            return


class _Same:
    """A forward that is not run again, with the signature of the one that was."""

    def __init__(self, forward: Callable[..., Any], answer: Any) -> None:
        self.answer = answer
        self.__wrapped__ = forward  # where inspect.signature looks

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self.answer


def _pairs(a: Seen, b: Seen, c: Seen) -> Iterator[tuple[str, Any, Any, Any]]:
    yield "the gradient that backward returns", a.dx, b.dx, c.dx
    for k, rows in enumerate(zip(a.gradients, b.gradients, c.gradients, strict=True)):
        yield f"the gradient of parameter {k + 1}", *rows


def _same(got: Any, want: Any, tolerance: float) -> bool:
    if got is None or want is None:
        return got is None and want is None
    if np.array_equal(np.asarray(got), np.asarray(want), equal_nan=True):
        return True
    return fits(got, want, tolerance)
