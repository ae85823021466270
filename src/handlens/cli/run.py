"""`handlens run`: train a study's trials, show the table, leave a report."""

from __future__ import annotations

import dataclasses
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from handlens.studies.plan import Study


def run(
    file: Annotated[Path | None, typer.Argument(help="A study's TOML file.", show_default=False)] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Without a file: a name (`handlens data`) or a path.")
    ] = None,
    models: Annotated[
        str | None, typer.Option("--models", help="Without a file: names (`handlens models`), comma between.")
    ] = None,
    replicates: Annotated[
        int | None, typer.Option("--replicates", min=1, help="Trainings of each recipe; default 3.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the first replicate.")] = None,
    validation: Annotated[
        float | None, typer.Option("--validation", help="Share (below 1) or count of validation images.")
    ] = None,
    size: common.Size = None,
    shape: common.Shape = None,
    label: common.Label = None,
    skip_bad: common.SkipBad = False,
    classes: common.Classes = None,
    charts: common.Charts = None,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Train every trial of a study that is not stored yet; print the table and leave a report.

    Stop it at any time: what is finished stays, and the same command goes on.

    Example: handlens run --dataset mnist-5k --models forest,mlp
    """
    from handlens.cli.progress import shown
    from handlens.cli.results import save, show
    from handlens.studies.run import run_study

    reading = common.options(size, shape, label, skip_bad)
    said: dict[str, Any] = {"replicates": replicates, "seed": seed, "classes": classes}
    said["split"] = None if validation is None else _split(validation)
    said["reading"] = reading if any(dataclasses.astuple(reading)) else None
    study = _study(file, dataset, models, {key: value for key, value in said.items() if value is not None})
    images = common.load(study.dataset, study.reading, study.classes)
    command = shlex.join(["handlens", *sys.argv[1:]])
    try:
        with shown(quiet=quiet or as_json) as on_event:
            result = run_study(study, images, common.store(runs), command=command, on_event=on_event)
        folder = save(study, result, images, reports, charts)
    except KeyboardInterrupt:
        sys.stderr.write(
            f"\nstopped: finished runs are kept in {runs}; the same command goes on from there\n"
        )
        raise typer.Exit(130) from None
    show(result, folder, as_json=as_json, quiet=quiet)
    for failure in result.failures:
        sys.stderr.write(f"handlens: {failure}\n")
    if result.failures:
        raise typer.Exit(2)


def _study(file: Path | None, dataset: str | None, models: str | None, said: dict[str, Any]) -> Study:
    """The study of a file, or of `--dataset` and `--models`, with what else was said on the command line."""
    from handlens.errors import SpecError
    from handlens.studies.plan import read_study

    if file and (dataset or models):
        raise SpecError(
            "both a study's file and --dataset or --models", remedy="give one of them, or edit the file"
        )
    study = read_study(file) if file else _quick(dataset, models)
    return dataclasses.replace(study, **said)


def _quick(dataset: str | None, models: str | None) -> Study:
    from handlens.errors import SpecError
    from handlens.studies.plan import study

    if not dataset or not models:
        raise SpecError(
            "nothing to run",
            expected="a study's file, or --dataset and --models",
            remedy="e.g. handlens run --dataset mnist-5k --models forest,mlp",
        )
    names = [name.strip() for name in models.split(",") if name.strip()]
    stem = Path(dataset).name.split(".")[0] or "study"
    name = re.sub(r"[^\w .-]+", "-", "-".join([stem, *names])).strip("-. ")[:80]
    title = f"{', '.join(names)} on {stem}"
    return study(where="--models", name=name, title=title, dataset=dataset, recipes=names)


def _split(validation: float) -> object:
    from handlens.records import Split

    whole = validation >= 1 and validation == int(validation)
    return Split(validation=int(validation) if whole else validation)
