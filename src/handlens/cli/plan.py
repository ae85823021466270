"""`handlens plan`: what a study will train, what is there already, how long the rest will take."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from handlens.data import Dataset
    from handlens.studies.planning.configurations import Configuration
    from handlens.studies.planning.estimate import Estimate
    from handlens.studies.planning.plan import Planned, Study


def plan(
    file: Annotated[Path, typer.Argument(help="A study's TOML file.", show_default=False)],
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Trials at a time; default: the cores.")
    ] = None,
    time: Annotated[bool, typer.Option("--time/--no-time", help="Measure short trials for the time.")] = True,
    runs: common.Runs = common.RUNS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Show a study's configurations, how many of their trials are done, and the time of the others.

    Example: handlens plan study.toml
    """
    from handlens.studies.planning.estimate import estimate
    from handlens.studies.planning.plan import configurations, read_study
    from handlens.studies.planning.plan import plan as trials
    from handlens.studies.training.environment import cores

    study = read_study(file)
    images = common.load(study.dataset, study.reading, study.classes)
    planned = trials(study, images)
    found = configurations(study)
    store = common.store(runs)
    done = {item.trial.hash for item in planned if store.has(item.trial.hash)}
    missing = [item for item in planned if item.trial.hash not in done]
    measured = estimate(study, images, missing, workers or cores()) if time and missing else None
    if as_json:
        common.print_json(_plain(study, found, planned, done, measured))
        return
    console = common.console()
    if not quiet:
        console.print(study.title or study.name, style="bold", markup=False)
        console.print(_facts(study, images), style="dim", markup=False, end="\n\n")
    console.print(_table(found, planned, done))
    console.print()
    console.print(_total(len(planned), len(done), measured), markup=False)
    if measured and not quiet:
        for line in _measured(measured):
            console.print(line, style="dim", markup=False, soft_wrap=True)


def _facts(study: Study, images: Dataset) -> str:
    from handlens.data import split
    from handlens.report.formats import plural

    parts = split(images.train.labels, study.split.validation, study.split.seed)
    counts = f"{len(parts.train):,} training, {len(parts.validation):,} validation, {len(images.test):,} test"
    opened = "every trial" if study.test == "all" else "each recipe's best configuration"
    trained = f"{plural(study.replicates, 'replicate')}; test images are opened for {opened}"
    return f"{images.name}: {counts} images\n{trained}"


def _table(found: Sequence[Configuration], planned: Sequence[Planned], done: set[str]) -> Table:
    """A line a configuration; the sweep's values have columns of their own."""
    from rich.text import Text

    from handlens.report.fitted import FittedTable
    from handlens.report.formats import MISSING
    from handlens.studies.planning.configurations import short_keys, value_text

    keys = short_keys(list(dict.fromkeys(key for c in found for key in c.values)))
    table = FittedTable(least=range(len(keys), 0, -1), header_style="bold")
    table.add_column("recipe", overflow="fold")
    for short in keys.values():
        table.add_column(short, justify="right", overflow="fold")
    table.add_column("done", justify="right", no_wrap=True)
    counts = _counts(planned, done)
    before = ""
    for c in found:
        ready, total = counts[c.name]
        whole = ready == total
        said = [value_text(c.values[key]) if key in c.values else MISSING for key in keys]
        table.add_row(
            Text(c.family, style="dim" if c.family == before else "bold"),
            *(Text(text, style="dim" if text == MISSING else "") for text in said),
            Text(f"{ready}/{total}", style="green" if whole else "" if ready else "dim"),
        )
        before = c.family
    return table


def _counts(planned: Sequence[Planned], done: set[str]) -> dict[str, tuple[int, int]]:
    """Finished and all replicates of each configuration, by its name."""
    counts: dict[str, tuple[int, int]] = {}
    for item in planned:
        ready, total = counts.get(item.name, (0, 0))
        counts[item.name] = (ready + (item.trial.hash in done), total + 1)
    return counts


def _total(total: int, done: int, measured: Estimate | None) -> str:
    from handlens.report.formats import plural

    line = f"{plural(total, 'trial')}: {done:,} done, {total - done:,} to train"
    if measured is None:
        return line
    by = "one at a time" if measured.workers == 1 else f"{measured.workers} at a time"
    return f"{line}, {about(measured.seconds)} {by}"


def about(seconds: float) -> str:
    """An estimate in words: `about 6 min`."""
    from handlens.report import formats

    said = formats.duration(seconds)
    return said if seconds < 1 else f"about {said}"


def _measured(found: Estimate) -> list[str]:
    lines = []
    for m in found.measurements:
        name = m.configuration
        if m.problem:
            lines.append(f"not measured: {name}: {m.problem}")
        elif m.measured_s and m.trial_s is not None:
            short = f"{m.images:,} images took {m.measured_s:.2g} s"
            lines.append(f"measured: {name}: {short}; a trial {about(m.trial_s)}")
    return lines


def _plain(
    study: Study,
    found: Sequence[Configuration],
    planned: Sequence[Planned],
    done: set[str],
    measured: Estimate | None,
) -> dict[str, Any]:
    """The plan as data; `runs` are the hashes of a configuration's trials by replicate."""
    counts = _counts(planned, done)
    runs: dict[str, list[str]] = {}
    for item in planned:
        runs.setdefault(item.name, []).append(item.trial.hash)
    return {
        "study": study.name,
        "title": study.title,
        "dataset": study.dataset,
        "replicates": study.replicates,
        "test": study.test,
        "configurations": [
            {"name": c.name, "recipe": c.family, "values": dict(c.values), "runs": runs[c.name]}
            | {"done": counts[c.name][0], "replicates": counts[c.name][1]}
            for c in found
        ],
        "trials": len(planned),
        "done": len(done),
        "time": None if measured is None else dataclasses.asdict(measured),
    }
