"""`handlens tune`: search a recipe's fields; show the best configurations and the recipe to paste."""

from __future__ import annotations

import collections
import dataclasses
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from rich.table import Table

    from handlens.studies.search.search import Searched, Tried


def tune(
    file: Annotated[
        Path, typer.Argument(help="A study's TOML file with a table \\[search].", show_default=False)
    ],
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="Budget of trials instead of the file's.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Budget of minutes instead of the file's.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Configurations to show.")] = 10,
    runs: common.Runs = common.RUNS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Search a recipe's fields for the best validation score; print the best configurations and the recipe.

    Stop it at any time: the same command goes on, until the budget is spent. Test images stay closed.

    Example: handlens tune study.toml --trials 50
    """
    from handlens.studies.planning.plan import read_study
    from handlens.studies.search.search import read_search, search, search_table

    study = read_study(file)
    said = {key: value for key, value in (("trials", trials), ("minutes", minutes)) if value is not None}
    table = search_table(file)
    if said:
        table = {key: value for key, value in table.items() if key not in ("trials", "minutes")} | said
    wanted = read_search(table, study, f"{file}: [search]")
    images = common.load(study.dataset, study.reading, study.classes)
    command = shlex.join(["handlens", *sys.argv[1:]])

    def show(tried: Tried) -> None:
        if not (quiet or as_json):
            common.console(stderr=True).print(_line(tried, wanted.trials), markup=False, soft_wrap=True)

    with common.stoppable(runs):
        found = search(study, wanted, images, common.store(runs), command=command, on_tried=show)
    toml = found.toml(study)
    if as_json:
        common.print_json(_plain(found, toml))
        return
    if not quiet:
        _show(found, top)
    sys.stdout.write(toml)


def _line(tried: Tried, trials: int | None) -> str:
    head = f"[{tried.number}{f'/{trials}' if trials else ''}] {tried.name}: "
    if tried.state == "failed":
        return head + f"failed: {tried.error}"
    if tried.state == "pruned":
        return head + f"given up after epoch {tried.epochs}"
    return head + f"validation score {tried.score:.4f} ({tried.seconds:.1f} s)"


def _show(found: Searched, top: int) -> None:
    console = common.console()
    console.print(_table(found, top))
    states = collections.Counter(tried.state for tried in found.tried)
    console.print(
        f"{len(found.tried)} trials: {states['done']} finished, {states['pruned']} given up early, "
        f"{states['failed']} failed. Stopped: {found.stopped}.\n"
        f"The search is kept in {found.storage}; the test images stayed closed.\n",
        markup=False,
        soft_wrap=True,
    )


def _table(found: Searched, top: int) -> Table:
    """The best configurations, a line each; what is equal to a better line is left out."""
    from handlens.report.fitted import FittedTable
    from handlens.studies.planning.configurations import value_text

    keys = list(found.tried[0].values)
    score = len(keys) + 1
    table = FittedTable(
        least=(score + 2, score + 1, score + 3, *range(len(keys), 0, -1)),
        title=f"best configurations by validation {found.monitor}",
        title_justify="left",
    )
    for name in ("trial", *keys):
        table.add_column(name, justify="right")
    for name in (found.monitor, "epochs", "seconds", "run"):
        table.add_column(name, justify="right")
    sign = -1 if found.monitor == "loss" else 1
    distinct: dict[str, Tried] = {}
    for tried in found.tried:
        if tried.state == "done":
            distinct.setdefault(tried.run, tried)
    for tried in list(distinct.values())[:top]:
        table.add_row(
            str(tried.number),
            *(value_text(value) for value in tried.values.values()),
            f"{sign * (tried.score or 0.0):.4f}",
            str(tried.epochs or ""),
            f"{tried.seconds:.1f}",
            tried.run[:8],
        )
    return table


def _plain(found: Searched, toml: str) -> dict[str, Any]:
    """The search as plain data, the best trial first."""
    return {
        "study": found.study,
        "monitor": found.monitor,
        "stopped": found.stopped,
        "storage": found.storage,
        "test_images_opened": False,
        "best": toml,
        "trials": [dataclasses.asdict(tried) for tried in found.tried],
    }
