"""`handlens report`: write a study's report again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from handlens.studies.planning.plan import Planned
    from handlens.studies.storage.store import Store

MOST_LINES = 5


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
    """Write the report of the runs of a study that are there; nothing is trained, no test image opened.

    Example: handlens report first-look --charts figures
    """
    from handlens.cli.results import save, show
    from handlens.errors import StoreError
    from handlens.studies.planning.plan import plan, read_study
    from handlens.studies.training.run import gather

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
    there, absent = _sorted_out(planned, store, runs)
    if not there:
        raise StoreError(
            f"none of its {len(planned)} runs is in {runs} and readable",
            where=path,
            remedy=f"handlens run {path} --runs {runs}",
        )
    for line in absent:
        sys.stderr.write(f"handlens: left out: {line}\n")
    result = gather(study, there, store, failures=absent)
    saved = save(study, result, images, store, reports, charts)
    show(result, saved, as_json=as_json, quiet=quiet)


def _sorted_out(
    planned: tuple[Planned, ...], store: Store, runs: Path
) -> tuple[tuple[Planned, ...], tuple[str, ...]]:
    """The trials whose runs can be read, and a line for each of the others, or one for all where many lack.

    A trial that failed, was not reached yet or is damaged must not keep the others from being reported.
    """
    from handlens.errors import StoreError

    there, damaged, absent = [], [], []
    for item in planned:
        hash = item.trial.hash
        if not store.has(hash):
            absent.append(f"recipe {item.name!r}, replicate {item.replicate + 1}: its run is not in {runs}")
            continue
        try:
            store.read(hash), store.predictions(hash)
            if store.opened(hash):
                store.tested(hash)
            there.append(item)
        except StoreError as error:
            damaged.append(str(error))
    if len(absent) > MOST_LINES:
        absent = [f"{len(absent)} of the {len(planned)} runs are not in {runs}"]
    return tuple(there), (*damaged, *absent)
