"""`python -m benchmarks.overhead`: what a study costs beyond its training, on trials that only sleep.

The time of planning, claiming, splitting, scoring, storing, opening test images, gathering and reporting, as
a share of the wall time. Trials are classifiers that sleep for a second and then say what a dummy says.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from sklearn.dummy import DummyClassifier

TARGET = 0.05


class Nap(DummyClassifier):
    """A classifier whose training takes so many seconds."""

    def __init__(self, seconds: float = 1.0, random_state: int | None = None) -> None:
        super().__init__(strategy="prior", random_state=random_state)
        self.seconds = seconds

    def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Nap:
        """Sleep, then be a dummy; a plain one, which the store knows."""
        time.sleep(self.seconds)
        super().fit(x, y)
        self.__class__ = DummyClassifier
        return self


def main() -> None:
    """Read the arguments, run the study, print the times."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a trial")
    parser.add_argument("--workers", type=int, default=1, help="1: in turn")
    parser.add_argument("--dataset", default="mnist-5k")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), arguments)


def measure(folder: Path, arguments: argparse.Namespace) -> None:
    """Run the study as `handlens run` does, and print where the time went."""
    from handlens.cli.results import save
    from handlens.data import KINDS, load
    from handlens.spec import from_dict
    from handlens.studies.planning.plan import study
    from handlens.studies.storage.store import Store
    from handlens.studies.training.run import in_turn, run_study
    from handlens.studies.training.workers import in_processes

    replicates, kinds = 10, KINDS[:2]
    lengths = [arguments.seconds + i * 1e-6 for i in range(arguments.trials // (replicates * len(kinds)))]
    naps = [
        from_dict({"name": f"nap-{i}", "estimator": "benchmarks.overhead.Nap()", "prepare": prepare})
        for i, prepare in enumerate(kinds)
    ]
    made = study(
        name="overhead",
        dataset=arguments.dataset,
        recipes=naps,
        replicates=replicates,
        sweep={"estimator.seconds": lengths},
    )
    images = load(arguments.dataset)
    train = in_turn if arguments.workers == 1 else in_processes(arguments.workers)
    marks = [time.perf_counter()]
    result = run_study(made, images, Store(folder / "runs"), train=train)
    marks.append(time.perf_counter())
    save(made, result, images, folder / "reports", None)
    marks.append(time.perf_counter())
    wall, reporting = marks[2] - marks[0], marks[2] - marks[1]
    count = len(naps) * len(lengths) * replicates
    sleeping = count * arguments.seconds / arguments.workers
    overhead = wall - sleeping
    trials = f"{count} trials of {arguments.seconds:g} s, {arguments.workers} at a time"
    print(f"{trials}: {wall:.1f} s")
    print(f"overhead {overhead:.2f} s, of which the report {reporting:.2f} s")
    print(f"{overhead / wall:.1%} of the wall time; target: under {TARGET:.0%}")


if __name__ == "__main__":
    main()
