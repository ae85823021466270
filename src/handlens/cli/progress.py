"""What is shown while a study trains: a bar on a terminal, a line a trial elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from handlens.cli.common import console
from handlens.studies.run import Event


class TimeLeft:
    """Seconds left of a study, from what its finished trials took.

    A recipe that has finished a replicate is expected to take as long again; one that has not, as long as the
    mean of the others. The trial in progress counts by its share of epochs.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.took: dict[str, list[float]] = {}
        self.begun = 0.0

    def note(self, event: Event) -> None:
        if event.kind == "begun":
            self.begun = self.clock()
        if event.kind == "done":
            self.took.setdefault(event.planned.name, []).append(self.clock() - self.begun)

    def seconds(self, rest: list[str], current: str | None, done_share: float) -> float | None:
        """Of the recipes still to train (one name a trial) and the one in progress; None while unknown."""
        if not self.took:
            return None
        means = {name: sum(times) / len(times) for name, times in self.took.items()}
        mean = sum(means.values()) / len(means)
        left = sum(means.get(name, mean) for name in rest)
        if current is not None:
            spent = self.clock() - self.begun
            expected = spent / done_share if done_share > 0 else means.get(current, mean)
            left += max(expected - spent, 0.0)
        return left


def clock_text(seconds: float | None) -> str:
    """`1:05 left`; empty while unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} left" if hours else f"{minutes}:{rest:02d} left"


@contextmanager
def shown(*, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """A function that shows events for as long as the block lasts, on standard error."""
    if quiet:
        yield lambda event: None
        return
    target = console(stderr=True)
    if target.is_terminal:
        with _bar() as show:
            yield show
    else:
        yield _line


def _line(event: Event) -> None:
    target = console(stderr=True)
    if event.kind == "failed":
        target.print(f"[{event.number}/{event.total}] {event.planned.name}: failed", markup=False)
    if event.kind not in ("kept", "done") or event.run is None:
        return
    kept = "kept" if event.kind == "kept" else f"{event.run.timings.fit_wall_s:.1f} s"
    target.print(
        f"[{event.number}/{event.total}] {event.planned.name} replicate {event.planned.replicate + 1}: "
        f"validation accuracy {event.run.validation.accuracy:.4f} ({kept})",
        markup=False,
        soft_wrap=True,
    )


@contextmanager
def _bar() -> Iterator[Callable[[Event], None]]:
    from rich.progress import BarColumn, Progress, TextColumn

    left = TimeLeft()
    names: dict[int, str] = {}
    columns = (
        TextColumn("{task.fields[now]}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[left]}", style="dim"),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("", now="", count="", left="")

        def show(event: Event) -> None:
            left.note(event)
            names[event.number] = event.planned.name
            share, now = 0.0, f"{event.planned.name} · replicate {event.planned.replicate + 1}"
            epochs = getattr(event.planned.recipe, "epochs", 0)
            if event.epoch is not None:
                share = event.epoch.epoch / max(epochs, 1)
                now += f" · epoch {event.epoch.epoch}/{epochs}"
                if event.epoch.validation_accuracy is not None:
                    now += f" · {event.epoch.validation_accuracy:.4f}"
            finished = event.kind in ("kept", "done", "failed")
            # Later trials repeat the recipes seen so far, replicate by replicate.
            period = max(1, len(set(names.values())))
            rest = [names.get((n - 1) % period + 1, "") for n in range(event.number + 1, event.total + 1)]
            seconds = left.seconds(rest, None if finished else event.planned.name, share)
            progress.update(
                task,
                total=event.total,
                completed=event.number if finished else event.number - 1 + share,
                now=now,
                count=f"{event.number if finished else event.number - 1}/{event.total}",
                left=clock_text(seconds),
            )

        yield show
