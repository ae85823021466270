"""Ctrl-C while a study runs: never in the middle of writing a run, never lost."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

from handlens.studies.training.jobs import Event, OnEvent


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """The first Ctrl-C waits for the end of the block; the second does not. An ignored one stays ignored."""
    if not _can_hear() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


@contextlib.contextmanager
def heeded(on_event: OnEvent) -> Iterator[OnEvent]:
    """An `on_event` that raises a Ctrl-C which Python has lost.

    One that comes while a destructor or a callback of the garbage collector runs (JAX has such) is printed by
    Python and goes no further: the training would go on.
    """
    if not _can_hear() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield on_event
        return
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    def tell(event: Event) -> None:
        if came and not isinstance(sys.exception(), KeyboardInterrupt):
            raise KeyboardInterrupt
        on_event(event)

    signal.signal(signal.SIGINT, note)
    try:
        yield tell
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _can_hear() -> bool:
    """Python gives signals to the main thread alone."""
    return threading.current_thread() is threading.main_thread()
