"""The command line. Thin: reads arguments, calls the rooms below, prints."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated

import typer

from handlens.cli import (
    audit,
    card,
    check_layer,
    check_notebook,
    compare,
    convert,
    explain,
    export,
    labs,
    learning_curve,
    look,
    notebook,
    plan,
    predict,
    report,
    run,
    runs,
    serve,
    streams,
    tune,
    twin,
)
from handlens.errors import HandlensError

app = typer.Typer(
    name="handlens",
    help="Compare models on small images, and learn whether to believe the table.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("tune")(tune.tune)
app.command("compare")(compare.compare)
app.command("learning-curve")(learning_curve.learning_curve)
app.add_typer(runs.app, name="runs")
app.command("labs")(labs.labs)
app.command("report")(report.report)
app.command("notebook")(notebook.notebook)
app.command("predict")(predict.predict)
app.command("explain")(explain.explain)
app.command("serve")(serve.serve)
app.command("twin")(twin.twin)
app.command("convert")(convert.convert)
app.command("export")(export.export)
app.command("card")(card.card)
app.command("check-layer")(check_layer.check_layer)
app.command("check-notebook")(check_notebook.check_notebook)
app.command("look")(look.look)
app.command("audit")(audit.audit)
app.command("data")(look.data)
app.command("models")(look.models)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"handlens {version('handlens')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compare models on small images, and learn whether to believe the table."""


def _one_line(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as a note for the user, without the place in our code."""
    sys.stderr.write(f"handlens: note: {' '.join(str(message).split())}\n")


def main() -> None:
    """Run the command line; a user's mistake is one line and status 2."""
    warnings.showwarning = _one_line
    streams.plain_where_needed()
    try:
        app()
    except HandlensError as error:
        sys.stderr.write(f"handlens: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output went away (`handlens compare | head`): say nothing, as other tools do.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
