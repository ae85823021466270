"""Where a study stands while it trains: trials done, running and failed, speed, time left."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from handlens.studies.training.run import Event, Job


@dataclass
class Running:
    """A trial under way.

    Attributes:
        since, mark: when it began, and when its last epoch ended (seconds of the clock).
        epoch, first: of its last epoch, and of the first one that it was told of; 0 before.
        accuracy: on the validation images, after the last epoch.
        speed: images a second in the last epoch.
    """

    job: Job
    since: float
    mark: float
    epoch: int = 0
    first: int = 0
    accuracy: float | None = None
    speed: float = 0.0

    @property
    def epochs(self) -> int:
        """How many the trial has; 0 for a classical model."""
        return getattr(self.job.planned.recipe, "epochs", 0)

    @property
    def share(self) -> float:
        """How much of it is done (0-1), as far as that is known."""
        return self.epoch / self.epochs if self.epochs else 0.0

    def left(self, now: float, usual: float | None) -> float | None:
        """Seconds: by its epochs, or by what such a trial usually takes; None where neither is known."""
        if self.epoch:
            an_epoch = (self.mark - self.since) / (self.epoch - self.first + 1)
            return max((self.epochs - self.epoch) * an_epoch - (now - self.mark), 0.0)
        return None if usual is None else max(usual - (now - self.since), 0.0)


class Tally:
    """Counts what it is told of a study's events.

    A configuration that has finished a replicate is expected to take as long again; another one as long as
    those of its recipe, or as all.
    """

    def __init__(self, images: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`images`: those that a trial is trained on."""
        self.done = self.failed = self.total = 0
        self.running: dict[int, Running] = {}
        self._images, self._clock = images, clock
        self._missing: dict[int, Job] = {}
        self._took: list[tuple[Job, float]] = []
        self._lanes = 1

    def note(self, event: Event) -> None:
        """Take an event into account."""
        job, now = event.job, self._clock()
        self.total = job.total
        if event.kind == "missing":
            self._missing[job.number] = job
            return
        self._missing.pop(job.number, None)
        if event.kind == "begun":
            self.running[job.number] = Running(job, now, now)
            self._lanes = max(self._lanes, len(self.running))
        elif event.kind == "epoch" and event.epoch is not None:
            trial = self.running[job.number]
            trial.speed = self._images / max(now - trial.mark, 1e-9)
            trial.epoch, trial.mark = event.epoch.epoch, now
            trial.first = trial.first or trial.epoch
            trial.accuracy = event.epoch.validation_accuracy
        else:
            trial_over = self.running.pop(job.number, None)
            self.done += event.kind in ("kept", "done")
            self.failed += event.kind == "failed"
            if event.kind == "done" and trial_over:
                self._took.append((job, now - trial_over.since))

    @property
    def completed(self) -> float:
        """Trials that are over, and the shares of those under way."""
        return self.done + self.failed + sum(trial.share for trial in self.running.values())

    @property
    def images_per_second(self) -> float:
        """Of all networks under way together, each in its last epoch."""
        return sum(trial.speed for trial in self.running.values())

    def seconds_left(self) -> float | None:
        """Until the last trial is over, trained as many at a time as were so far; None while unknown."""
        now = self._clock()
        under_way = [trial.left(now, self._usual(trial.job)) for trial in self.running.values()]
        left = under_way + [self._usual(job) for job in self._missing.values()]
        known = [seconds for seconds in left if seconds is not None]
        if len(known) < len(left):
            return None
        return max(sum(known) / self._lanes, *known[: len(under_way)], 0.0)

    def _usual(self, job: Job) -> float | None:
        """Seconds that trials most like this one took."""
        for key in (lambda j: j.planned.name, lambda j: j.planned.family, lambda j: ""):
            took = [seconds for other, seconds in self._took if key(other) == key(job)]
            if took:
                return statistics.fmean(took)
        return None
