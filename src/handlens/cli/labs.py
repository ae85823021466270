"""`handlens labs`: five course labs trained again, what they published beside what is obtained."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handlens.cli import asked, common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlens.labs.published import Lab
    from handlens.labs.run import Asked
    from handlens.studies.planning.plan import Study
    from handlens.studies.training.run import OnEvent


def labs(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[A..E]...", help="Which labs; default: all.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few minutes: fewer images, epochs and replicates.")
    ] = False,
    time: Annotated[
        bool, typer.Option("--time", help="Only measure, for minutes, how long what is missing will take.")
    ] = False,
    workers: asked.Workers = None,
    device: asked.Device = None,
    studies: Annotated[
        Path | None, typer.Option("--studies", help="Folder of the labs' study files; default: handlens's.")
    ] = None,
    times: Annotated[
        Path | None,
        typer.Option("--times", metavar="RUNS", help="Runs of a GPU's machine, whose times are shown too."),
    ] = None,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Train the five labs' models again and hold the figures that they published against what is obtained.

    Stop it at any time: what is finished stays, and the same command goes on.

    Example: handlens labs A E --quick
    """
    from handlens.labs.more import settled
    from handlens.labs.output import summary, table, write
    from handlens.labs.published import published
    from handlens.labs.run import Asked, run_lab
    from handlens.labs.variants import Quick

    known = published()
    wanted = [known.lab(name) for name in dict.fromkeys(n.upper() for n in names or [])] or known.labs
    command = shlex.join(["handlens", *sys.argv[1:]])
    how = Asked(
        common.store(runs),
        asked.asked_train(workers, None, None, None, device),
        lambda study, images: _watched(study, images, quiet=quiet or as_json),
        command,
        device,
        common.store(times) if times else None,
        Quick() if quick else None,
        studies,
    )
    if time:
        _say_time(wanted, how, workers, as_json=as_json)
        return
    with common.stoppable(runs):
        trained = [run_lab(lab, how) for lab in wanted]
        found = [settled(one, how) for one in trained]
    folder = write(found, reports / ("labs-quick" if quick else "labs"), command)
    if as_json:
        common.print_json(summary(found) | {"report": str(folder / "report.html")})
        return
    console = common.console()
    for one in found:
        console.print(table(one))
    if not quiet:
        console.print(f"report: {folder / 'report.html'}, {folder / 'labs.md'}", soft_wrap=True)


@contextlib.contextmanager
def _watched(study: Study, images: int, *, quiet: bool) -> Iterator[OnEvent]:
    from handlens.cli.progress import shown

    if not quiet:
        common.console(stderr=True).print(study.title or study.name, style="bold", markup=False)
    with shown(images, quiet=quiet, events=False) as on_event:
        yield on_event


def _say_time(wanted: Sequence[Lab], how: Asked, workers: int | None, *, as_json: bool) -> None:
    """The time of every study that is not trained yet."""
    import dataclasses

    from handlens.cli.plan import about
    from handlens.labs.timing import expected
    from handlens.studies.training.environment import cores

    found = [(lab.name, one) for lab in wanted for one in expected(lab, how, workers or cores())]
    if as_json:
        common.print_json([{"lab": lab} | dataclasses.asdict(one) for lab, one in found])
        return
    console = common.console()
    for lab, one in found:
        said = f"{one.trials} trials, {one.missing} to train, {about(one.seconds)}"
        console.print(f"lab {lab}, {one.study}: {'data absent' if one.absent else said}", markup=False)
    total = sum(one.seconds for _, one in found)
    console.print(f"together {about(total)}", markup=False)
