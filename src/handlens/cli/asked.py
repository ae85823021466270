"""The study that a command line asks for, by a file or by its options, and how it is to be trained."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from handlens.studies.planning.plan import Study
    from handlens.studies.training.run import Train

File = Annotated[Path | None, typer.Argument(help="A study's TOML file.", show_default=False)]
DataSet = Annotated[
    str | None, typer.Option("--dataset", help="Without a file: a name (`handlens data`) or a path.")
]
Models = Annotated[
    str | None, typer.Option("--models", help="Without a file: names (`handlens models`), comma between.")
]
Keras = Annotated[
    str | None,
    typer.Option(
        "--keras",
        metavar="MODULE:FUNCTION",
        help="Without a file: Keras models of your own, by functions that build them, comma between.",
    ),
]
Replicates = Annotated[
    int | None, typer.Option("--replicates", min=1, help="Trainings of each recipe; default 3.")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the first replicate.")]
Validation = Annotated[
    float | None, typer.Option("--validation", help="Share (below 1) or count of validation images.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Trials at a time, each in a process of one thread; 1: in turn, with all cores each. "
        "Default: the cores, if all trials to train are networks and at least as many; else 1.",
    ),
]
On = Annotated[str | None, typer.Option("--on", metavar="ray", help="Train on the machines of Ray.")]
Address = Annotated[
    str | None, typer.Option("--address", help="Of the Ray cluster: host:port, auto or local.")
]
Results = Annotated[
    str | None,
    typer.Option("--results", help="Folder or address (s3://...) that the Ray cluster's runs come by."),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device", help="For recipes of the Keras engine: cpu, gpu, tpu, gpu:1; default: JAX's choice."
    ),
]
MLflow = Annotated[str | None, typer.Option("--mlflow", metavar="URI", help="Tell an MLflow server too.")]
Events = Annotated[
    bool, typer.Option("--events", help="Print a line of JSON an event while it runs; the last is the table.")
]


def asked_study(
    file: Path | None, dataset: str | None, models: str | None, keras: str | None = None, **said: Any
) -> Study:
    """The study of a file, or of `--dataset`, `--models` and `--keras`, with what else was `said`.

    Raises:
        SpecError: both, or neither; a study that cannot be.
    """
    from handlens.errors import SpecError
    from handlens.studies.planning.plan import read_study

    if file and (dataset or models or keras):
        raise SpecError(
            "both a study's file and --dataset, --models or --keras",
            remedy="give one of them, or edit the file",
        )
    study = read_study(file) if file else _quick(dataset, models, keras)
    said["split"] = None if said["split"] is None else _split(said["split"])
    said["reading"] = said["reading"] if any(dataclasses.astuple(said["reading"])) else None
    return dataclasses.replace(study, **{key: value for key, value in said.items() if value is not None})


def asked_train(
    workers: int | None, on: str | None, address: str | None, results: str | None, device: str | None
) -> Train:
    """How trials are to be trained: in turn, by workers, on a cluster; Keras's in stacks.

    Raises:
        SpecError: options that do not go together.
        HandlensError: there is no such cluster, or what it needs is not installed.
    """
    from handlens.errors import SpecError

    if on not in (None, "ray"):
        raise SpecError(f"--on is {on!r}", expected="ray")
    if on is None and (address or results):
        raise SpecError("--address and --results are of a cluster", remedy="add --on ray")
    if on and workers:
        raise SpecError("both --workers and --on", remedy="leave --workers out: the cluster has its own")
    if on and device:
        raise SpecError("both --device and --on", remedy="leave --device out: each node takes what it has")
    if on:
        from handlens.studies.cluster.cluster import on_ray

        return on_ray(address, results)
    from handlens.studies.training.run import in_turn
    from handlens.studies.training.stacks import in_stacks
    from handlens.studies.training.workers import as_fits, in_processes

    if workers is None:
        return in_stacks(as_fits, device)
    return in_stacks(in_turn if workers == 1 else in_processes(workers), device)


def _quick(dataset: str | None, models: str | None, keras: str | None) -> Study:
    from handlens.errors import SpecError
    from handlens.spec import from_dict
    from handlens.studies.planning.plan import study

    if not dataset or not (models or keras):
        raise SpecError(
            "nothing to run",
            expected="a study's file, or --dataset and --models or --keras",
            remedy="e.g. handlens run --dataset mnist-5k --models forest,mlp",
        )
    own = [from_dict({"name": name[:80], "model": name}, where="--keras") for name in _names(keras)]
    names = [*_names(models), *(recipe.name for recipe in own)]
    stem = Path(dataset).name.split(".")[0] or "study"
    name = re.sub(r"[^\w .-]+", "-", "-".join([stem, *names])).strip("-. ")[:80]
    title = f"{', '.join(names)} on {stem}"
    recipes = [*_names(models), *own]
    return study(where="--models", name=name, title=title, dataset=dataset, recipes=recipes)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _split(validation: float) -> object:
    from handlens.records import Split

    whole = validation >= 1 and validation == int(validation)
    return Split(validation=int(validation) if whole else validation)
