"""What is shown while a study trains: a bar on a terminal, a line a trial elsewhere, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from handlens.cli.common import console
from handlens.cli.tally import Running, Tally
from handlens.studies.training.run import Event, OnEvent, ignore_event


def clock_text(seconds: float | None) -> str:
    """`1:05 left`; empty while unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} left" if hours else f"{minutes}:{rest:02d} left"


@contextmanager
def shown(images: int, *, quiet: bool, events: bool) -> Iterator[OnEvent]:
    """A function that shows events for as long as the block lasts.

    Args:
        images: those that a trial is trained on.
        quiet: show nothing.
        events: a line of JSON an event on standard output; else what people read, on standard error.
    """
    tally = Tally(images)
    if events:
        yield lambda event: _json(event, tally)
    elif quiet:
        yield ignore_event
    elif console(stderr=True).is_terminal:
        with _bar(tally) as show:
            yield show
    else:
        yield _line


def json_line(plain: dict[str, Any]) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(json.dumps(plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _json(event: Event, tally: Tally) -> None:
    tally.note(event)
    job = event.job
    said: dict[str, Any] = {
        "event": event.kind,
        "recipe": job.planned.name,
        "replicate": job.planned.replicate + 1,
        "run": job.planned.trial.hash,
        "number": job.number,
    }
    if event.epoch is not None:
        said |= {"epochs": getattr(job.planned.recipe, "epochs", 0)} | dataclasses.asdict(event.epoch)
    if event.run is not None:
        said["validation_accuracy"] = event.run.validation.accuracy
        said["validation_loss"] = event.run.validation.log_loss
        said["seconds"] = event.run.timings.fit_wall_s
    left = tally.seconds_left()
    said |= {"total": job.total, "done": tally.done, "running": len(tally.running), "failed": tally.failed}
    said["images_per_second"] = round(tally.images_per_second)
    said["seconds_left"] = None if left is None else round(left, 1)
    json_line(said)


def _line(event: Event) -> None:
    target, job = console(stderr=True), event.job
    head = f"[{job.number}/{job.total}] {job.planned.name} replicate {job.planned.replicate + 1}: "
    if event.kind == "failed":
        target.print(head + "failed", markup=False, soft_wrap=True)
    if event.kind not in ("kept", "done") or event.run is None:
        return
    kept = "kept" if event.kind == "kept" else f"{event.run.timings.fit_wall_s:.1f} s"
    accuracy = f"validation accuracy {event.run.validation.accuracy:.4f}"
    target.print(f"{head}{accuracy} ({kept})", markup=False, soft_wrap=True)


@contextmanager
def _bar(tally: Tally) -> Iterator[OnEvent]:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.fields[now]}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[speed]}", style="dim"),
        TextColumn("{task.fields[left]}", style="dim"),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("", now="", count="", speed="", left="")

        def show(event: Event) -> None:
            tally.note(event)
            texts: dict[str, Any] = bar_texts(tally)
            progress.update(task, total=event.job.total, completed=tally.completed, **texts)

        yield show


def bar_texts(tally: Tally) -> dict[str, str]:
    """What stands beside the bar: what runs now, trials counted, images a second, time left."""
    speed = tally.images_per_second
    failed = f", {tally.failed} failed" if tally.failed else ""
    return {
        "now": _now(list(tally.running.values())),
        "count": f"{tally.done}/{tally.total}{failed}",
        "speed": f"{speed:,.0f} images/s" if speed else "",
        "left": clock_text(tally.seconds_left()),
    }


def _now(running: list[Running]) -> str:
    if len(running) > 1:
        epochs = ", ".join(f"{trial.epoch}/{trial.epochs}" for trial in running if trial.epochs)
        return f"{len(running)} running" + (f" · epochs {epochs}" if epochs else "")
    if not running:
        return ""
    (trial,) = running
    said = f"{trial.job.planned.name} · replicate {trial.job.planned.replicate + 1}"
    if trial.epoch:
        said += f" · epoch {trial.epoch}/{trial.epochs}"
    return said if trial.accuracy is None else f"{said} · {trial.accuracy:.4f}"
