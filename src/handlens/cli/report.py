"""`handlens report`: write a study's report again."""

from __future__ import annotations

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
    """Write the report of a study whose runs are all there; nothing is trained.

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
    missing = sum(not store.has(item.trial.hash) for item in planned)
    if missing:
        raise StoreError(
            f"{missing} of its {len(planned)} runs are not in {runs}",
            where=path,
            remedy=f"handlens run {path} --runs {runs}",
        )
    result = gather(study, planned, store)
    folder = save(study, result, images, reports, charts)
    show(result, folder, as_json=as_json, quiet=quiet)
