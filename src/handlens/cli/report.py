"""`handlens report`: write a study's report again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from handlens.cli import common


def report(
    name: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study's TOML file, or its name under --reports.")
    ],
    charts: common.Charts = None,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Write the report of the runs of a study that are there; nothing is trained.

    Example: handlens report first-look --charts figures
    """
    from handlens.cli.results import save, show
    from handlens.errors import StoreError
    from handlens.studies.plan import plan, read_study
    from handlens.studies.run import gather

    path = Path(name) if name.endswith(".toml") else reports / name / "study.toml"
    if not path.is_file():
        known = sorted(p.parent.name for p in reports.glob("*/study.toml"))
        raise StoreError(
            f"no study is called {name!r}",
            where=reports,
            remedy=f"known: {', '.join(known)}" if known else "handlens run FILE trains one",
        )
    study = read_study(path)
    images = common.load(study.dataset, study.reading, study.classes)
    planned = plan(study, images)
    store = common.store(runs)
    there = tuple(item for item in planned if store.has(item.trial.hash))
    if not there:
        raise StoreError(
            f"none of its {len(planned)} runs is in {runs}",
            where=path,
            remedy=f"handlens run {path} --runs {runs}",
        )
    # A trial that failed, or was not reached yet, must not keep the others from being reported.
    absent = tuple(
        f"recipe {item.name!r}, replicate {item.replicate + 1}: its run is not in {runs}"
        for item in planned
        if item not in there
    )
    for line in absent:
        sys.stderr.write(f"handlens: left out: {line}\n")
    result = gather(study, there, store, failures=absent)
    folder = save(study, result, images, reports, charts)
    show(result, folder, as_json=as_json, quiet=quiet)
