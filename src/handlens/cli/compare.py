"""`handlens compare`: runs of any study side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from handlens.errors import StoreError
    from handlens.studies.storage.result import StudyResult

MOST = 40  # lines of a table that somebody reads


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUNS]...", help="Runs by the beginning of their names; default: all."),
    ] = None,
    runs: common.Runs = common.RUNS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Put runs into one table for each data set, replicates of a recipe together.

    Example: handlens compare
    """
    from handlens.cli.results import plain
    from handlens.errors import StoreError
    from handlens.report import table
    from handlens.studies.storage.gather import by_dataset

    store = common.store(runs)
    hashes = [store.find(name) for name in names] if names else store.hashes()
    if not hashes:
        raise StoreError(
            "no runs", where=runs, remedy="train some: handlens run --dataset mnist-5k --models forest,mlp"
        )
    results = by_dataset(store, hashes, on_damage=_left_out)
    if as_json:
        common.print_json([plain(result) for result in results])
        return
    console = common.console()
    for result in results:
        if not quiet:
            console.print(f"[bold]{result.title}[/bold]")
        console.print(table(result.rows[:MOST], notes=_notes(result)))


def _notes(result: StudyResult) -> tuple[str, ...]:
    """What the table leaves out, and how often the test images were looked at."""
    from handlens.report.summary import looks

    more = len(result.rows) - MOST
    return (f"{more:,} more are not shown; --json lists all." if more > 0 else "", looks(result))


def _left_out(error: StoreError) -> None:
    sys.stderr.write(f"handlens: left out: {error}\n")
