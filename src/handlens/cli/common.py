"""What every command shares: where output goes, options that mean the same everywhere."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli.streams import says_everything

if TYPE_CHECKING:
    from rich.console import Console

    from handlens.data import Dataset, Options
    from handlens.studies.storage.store import Store

Runs = Annotated[Path, typer.Option("--runs", envvar="HANDLENS_RUNS", help="Folder of the run folders.")]
Reports = Annotated[Path, typer.Option("--reports", envvar="HANDLENS_REPORTS", help="Folder of reports.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but the answer.")]
Size = Annotated[
    str | None,
    typer.Option("--size", metavar="HxW", help="Resize pictures, e.g. 28x28; default: the median."),
]
Shape = Annotated[
    str | None,
    typer.Option("--shape", metavar="HxW", help="Height and width of pixel rows that are no square."),
]
Label = Annotated[str | None, typer.Option("--label", help="Name of the label column.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave unreadable pictures out.")]
Classes = Annotated[
    str | None, typer.Option("--classes", help="Class names of this catalogue entry, e.g. sign-mnist.")
]
Charts = Annotated[
    Path | None, typer.Option("--charts", metavar="DIR", help="Write every chart there as PNG and SVG too.")
]
RUNS, REPORTS = Path("runs"), Path("reports")


def console(*, stderr: bool = False) -> Console:
    """A rich console; tables that go into a pipe or file get room for every column."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = max(made.width, 160)
    return made


def print_json(value: Any) -> None:
    """Where standard output lacks characters, JSON's own escapes keep them; a stand-in would change names."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=not says_everything()) + "\n")


def pair(text: str | None, name: str) -> tuple[int, int] | None:
    """`28x28` as height and width."""
    from handlens.errors import SpecError

    if text is None:
        return None
    height, cross, width = text.lower().partition("x")
    if not (cross and height.isdigit() and width.isdigit() and 0 < int(height) <= 4096 >= int(width) > 0):
        raise SpecError(f"{name} is {text!r}", expected="height x width in pixels, e.g. 28x28")
    return int(height), int(width)


def options(size: str | None, shape: str | None, label: str | None, skip_bad: bool) -> Options:
    """How files are read, from the options of the command line."""
    from handlens.data import Options

    return Options(shape=pair(shape, "--shape"), size=pair(size, "--size"), label=label, skip_bad=skip_bad)


def load(source: str, reading: Options | None = None, classes: str | None = None) -> Dataset:
    from handlens.data import Options, load

    return load(source, reading or Options(), classes=classes)


@contextlib.contextmanager
def stoppable(runs: Path) -> Iterator[None]:
    """Training that Ctrl-C may stop: says what is kept, and leaves with status 130."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(
            f"\nstopped: finished runs are kept in {runs}; the same command goes on from there\n"
        )
        raise typer.Exit(130) from None


def store(runs: Path) -> Store:
    from handlens.studies.storage.store import Store

    return Store(runs)
