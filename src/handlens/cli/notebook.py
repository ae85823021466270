"""`handlens notebook`: a study as an executed notebook and as PDF."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from handlens.data import Dataset
    from handlens.studies.planning.plan import Study

NoPdf = Annotated[bool, typer.Option("--no-pdf", help="Write the notebook alone.")]
Train = Annotated[bool, typer.Option("--train", help="Train what is not there yet, as `handlens run` would.")]


def notebook(
    name: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study's TOML file, or its name under --reports.")
    ],
    no_pdf: NoPdf = False,
    train: Train = False,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Write a study as an executed notebook and as PDF: code, tables, curves, findings; to hand in or go on
    from.

    Both lie beside the study's report. The notebook's cells run on their own, on any machine with handlens.

    Example: handlens notebook first-look
    """
    from handlens.report.notebooks import needed, write_notebook
    from handlens.studies.planning.plan import read_study

    needed(pdf=not no_pdf)
    path = found(name, reports)
    study = read_study(path)
    images = common.load(study.dataset, study.reading, study.classes)
    if not train:
        _complete(study, images, path, runs)
    with common.stoppable(runs):
        if train:
            _train(study, images, runs, quiet=quiet or as_json)
        with _waiting(quiet or as_json):
            written = write_notebook(study, runs, reports / study.name, pdf=not no_pdf)
    if as_json:
        pdf = written.pdf and str(written.pdf)
        common.print_json(
            {"study": study.name, "notebook": str(written.notebook), "pdf": pdf, "cells": written.cells}
        )
        return
    console = common.console()
    console.print(f"notebook: {written.notebook}", soft_wrap=True, markup=False)
    if written.pdf:
        console.print(f"pdf: {written.pdf}", soft_wrap=True, markup=False)


def found(name: str, reports: Path) -> Path:
    """The TOML file of a study that is given by its path or by the name of its folder of reports.

    Raises:
        StoreError: there is none.
    """
    from handlens.errors import StoreError, did_you_mean

    path = Path(name) if name.endswith(".toml") else reports / name / "study.toml"
    if path.is_file():
        return path
    known = sorted(p.parent.name for p in reports.glob("*/study.toml"))
    remedy = did_you_mean(name, known) if known else "handlens run FILE trains one"
    raise StoreError(f"no study is called {name!r}", where=reports, remedy=remedy)


def _complete(study: Study, images: Dataset, path: Path, runs: Path) -> None:
    """Raise `StoreError` unless every run of the study is in the store."""
    from handlens.errors import StoreError
    from handlens.studies.planning.plan import plan

    planned, store = plan(study, images), common.store(runs)
    missing = [item for item in planned if not store.has(item.trial.hash)]
    if missing:
        first = f"recipe {missing[0].name!r}, replicate {missing[0].replicate + 1}"
        which = first if len(missing) == 1 else f"{first} and {len(missing) - 1} more"
        raise StoreError(
            f"{len(missing)} of its {len(planned)} runs are not in {runs} ({which})",
            where=path,
            remedy=f"handlens run {path} --runs {runs} trains them first, or add --train",
        )


def _train(study: Study, images: Dataset, runs: Path, *, quiet: bool) -> None:
    from handlens.cli.progress import shown
    from handlens.data.split import count_of
    from handlens.studies.training.run import run_study

    labels = images.train.labels
    trained_on = len(labels) - count_of(labels, study.split.validation, "validation")
    with shown(trained_on, quiet=quiet, events=False) as on_event:
        run_study(study, images, common.store(runs), on_event=on_event)


def _waiting(quiet: bool) -> contextlib.AbstractContextManager[object]:
    """Says on a terminal what takes a few seconds."""
    console = common.console(stderr=True)
    if quiet or not console.is_terminal:
        return contextlib.nullcontext()
    return console.status("running the notebook")
