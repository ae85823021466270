"""`handlens runs`: the run folders themselves: list them, show one, remove some, verify all."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common
from handlens.cli.run_tables import count, facts_table, lines_table

if TYPE_CHECKING:
    from handlens.studies.storage.store import Store
    from handlens.studies.storage.verify import Verified

HELP = "List, show, remove and verify run folders.\n\nExample: handlens runs list"
app = typer.Typer(help=HELP, no_args_is_help=True)
Names = Annotated[list[str], typer.Argument(metavar="RUN...", help="The beginnings of runs' names.")]
Some = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="The beginnings of runs' names; default: all."),
]


@app.command("list")
def list_(runs: common.Runs = common.RUNS, as_json: common.Json = False, quiet: common.Quiet = False) -> None:
    """List the runs, the latest last.

    Example: handlens runs list
    """
    store = common.store(runs)
    lines = _lines(store)
    if as_json:
        common.print_json(lines)
    elif quiet:
        sys.stdout.writelines(f"{line['run']}\n" for line in lines)
    elif lines:
        common.console().print(lines_table(lines))
    else:
        common.console().print(f"no runs in {runs}", markup=False)


@app.command()
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The beginning of a run's name.")],
    runs: common.Runs = common.RUNS,
    as_json: common.Json = False,
) -> None:
    """Show a run's record, its files, its notes and where it was made.

    Example: handlens runs show 3f2a91
    """
    store = common.store(runs)
    hash = store.find(run)
    record, files = store.read(hash), _sizes(store, hash)
    look = dataclasses.asdict(store.look(hash)) if store.opened(hash) else None
    if as_json:
        common.print_json({"run": hash} | dataclasses.asdict(record) | {"look": look, "files": files})
        return
    common.console().print(facts_table(record, look, files, str(store.folder(hash))))


@app.command()
def remove(
    names: Names,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    runs: common.Runs = common.RUNS,
    quiet: common.Quiet = False,
) -> None:
    """Remove runs and what else their trials left. That they looked at test images stays noted.

    Example: handlens runs remove 3f2a91 77b0
    """
    from handlens.studies.storage.verify import remove as remove_run

    store = common.store(runs)
    hashes = list(dict.fromkeys(store.find(name) for name in names))
    if not yes:
        for hash in hashes:
            typer.echo(f"{hash} {_called(store, hash)}", err=True)
        what = "this run" if len(hashes) == 1 else f"these {len(hashes)} runs"
        typer.confirm(f"Remove {what}?", abort=True, err=True)
    for hash in hashes:
        remove_run(store, hash)
        if not quiet:
            common.console().print(f"removed: {hash}", markup=False)


@app.command()
def verify(
    names: Some = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove what is damaged, so that the next run makes it again.")
    ] = False,
    runs: common.Runs = common.RUNS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Hold every file of the runs against the sha256 written with it; status 2 if one is not the same.

    Example: handlens runs verify
    """
    from handlens.studies.storage.verify import mend
    from handlens.studies.storage.verify import verify as verify_runs

    store = common.store(runs)
    found = verify_runs(store, [store.find(name) for name in names] if names else store.names())
    removed = mend(store, found.faults) if remove else ()
    if as_json:
        common.print_json(dataclasses.asdict(found) | {"removed": removed})
    else:
        sys.stdout.writelines(f"{fault}\n" for fault in found.faults)
        if not quiet:
            sys.stderr.write(f"handlens: {_verdict(found, removed)}\n")
    if any(fault.run not in removed for fault in found.faults):
        raise typer.Exit(2)


def _verdict(found: Verified, removed: tuple[str, ...]) -> str:
    damaged = {fault.run for fault in found.faults if fault.harm}
    seen = f"{count(found.runs, 'run')}, {count(found.files, 'file')}"
    if removed:
        return (
            f"{seen}; {count(len(removed), 'damaged run')} removed: the next `handlens run` makes them again"
        )
    if damaged:
        again = "`handlens runs verify --remove` removes what is damaged, and `handlens run` then retrains it"
        return f"{seen}; {count(len(damaged), 'run')} damaged. {again}"
    if found.faults:
        return f"{seen}; all as they were written, but for {count(len(found.faults), 'file')} added"
    return f"{seen}; all as they were written"


def _called(store: Store, hash: str) -> str:
    from handlens.errors import StoreError

    try:
        run = store.read(hash)
    except StoreError as error:
        return f"({error.what})"
    return f"{run.name} on {run.dataset}, seed {run.trial.seed}"


def _lines(store: Store) -> list[dict[str, Any]]:
    """A line a run, the latest last; damaged ones are named on standard error."""
    from handlens.errors import StoreError

    lines = []
    for hash in store.names():
        try:
            run = store.read(hash)
        except StoreError as error:
            sys.stderr.write(f"handlens: left out: {error}\n")
            continue
        lines.append(
            {
                "run": hash,
                "recipe": run.name,
                "dataset": run.dataset,
                "seed": run.trial.seed,
                "validation_accuracy": run.validation.accuracy,
                "test": "opened" if store.opened(hash) else "sealed",
                "bytes": sum(_sizes(store, hash).values()),
                "finished": run.created,
            }
        )
    return sorted(lines, key=lambda line: (line["finished"], line["run"]))


def _sizes(store: Store, hash: str) -> dict[str, int]:
    """Bytes of each file of a run, by its path."""
    from handlens.studies.storage import disk

    folder = store.folder(hash)
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in sorted(disk.files(folder))}
