"""`handlens compare`: runs of any study side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from handlens.errors import StoreError
    from handlens.studies.judging.verdicts import Judged
    from handlens.studies.storage.result import StudyResult
    from handlens.studies.storage.store import Store

MOST = 40  # lines of a table that somebody reads


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUNS]...", help="Runs by the beginning of their names; default: all."),
    ] = None,
    verdicts: Annotated[
        bool,
        typer.Option("--verdicts", help="Say of every two recipes which is better, or what would settle it."),
    ] = False,
    margin: Annotated[
        float, typer.Option("--margin", metavar="POINTS", help="Difference in points that does not matter.")
    ] = 0.2,
    runs: common.Runs = common.RUNS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Put runs into one table for each data set, replicates of a recipe together.

    Example: handlens compare --verdicts
    """
    from handlens.cli.results import plain
    from handlens.errors import HandlensError, StoreError
    from handlens.report import table
    from handlens.studies.storage.gather import by_dataset

    if not 0 < margin < 100:
        expected = "points above 0 and below 100, e.g. 0.2"
        raise HandlensError(f"got {margin:g}", where="--margin", expected=expected)
    store = common.store(runs)
    hashes = [store.find(name) for name in names] if names else store.hashes()
    if not hashes:
        raise StoreError(
            "no runs", where=runs, remedy="train some: handlens run --dataset mnist-5k --models forest,mlp"
        )
    results = by_dataset(store, hashes, on_damage=_left_out)
    judged = [_judge(result, store, margin) if verdicts else None for result in results]
    if as_json:
        common.print_json([plain(one) | _plain(two) for one, two in zip(results, judged, strict=True)])
        return
    console = common.console()
    for result, found in zip(results, judged, strict=True):
        if not quiet:
            console.print(f"[bold]{result.title}[/bold]")
        console.print(table(result.rows[:MOST], notes=_notes(result)))
        if found is not None:
            _print(found, console, quiet=quiet)


def _judge(result: StudyResult, store: Store, margin: float) -> Judged | None:
    """The verdicts of a data set's recipes; None where there is only one."""
    from handlens.studies.judging.verdicts import judge

    return judge(result, margin / 100, store=store) if len(result.members) > 1 else None


def _plain(judged: Judged | None) -> dict[str, Any]:
    from handlens.report.topics.verdicts import plain

    return {} if judged is None else {"verdicts": plain(judged)}


def _print(judged: Judged, console: Console, *, quiet: bool) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from handlens.report.charts.verdicts import READING
    from handlens.report.topic import rich_table
    from handlens.report.topics.verdicts import headline, matrix_table, method, sentences

    console.print(rich_table(matrix_table(judged)))
    console.print(Text(f"Row against column: {READING}.", style="dim"))
    console.print(Text(f"\n{headline(judged)}", style="bold"))
    for words in sentences(judged):
        console.print(Padding(Text(words), (0, 0, 0, 2)))
    if not quiet:
        console.print(Text(method(judged), style="dim"))
    console.print()


def _notes(result: StudyResult) -> tuple[str, ...]:
    """What the table leaves out, and how often the test images were looked at."""
    from handlens.report.summary import looks

    more = len(result.rows) - MOST
    return (f"{more:,} more are not shown; --json lists all." if more > 0 else "", looks(result))


def _left_out(error: StoreError) -> None:
    sys.stderr.write(f"handlens: left out: {error}\n")
