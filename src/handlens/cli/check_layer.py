"""`handlens check-layer`: what is wrong with a layer, loss or network of one's own, by its cause."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from handlens.cli import common


def check_layer(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:NAME",
            help="Your class, instance or function, in a module of this folder; for a pair, MODULE:F,B.",
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", help="linear, relu, sigmoid, tanh, softmax, ..., softmax-cross-entropy, mse, network."
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch", help="Where the images lie: first, \\[n, features], or last, \\[features, n]."
        ),
    ] = None,
    as_json: common.Json = False,
) -> None:
    """Check your own layer, loss or network: forward, every gradient, and the cause of what is wrong.

    It runs your code. Status 1 when something is wrong.

    Example: handlens check-layer mymodule:Linear
    """
    from handlens.lessons import check_layer as check

    # What the student's code prints is not our answer.
    with contextlib.redirect_stdout(sys.stderr):
        report = check(target, kind=kind, batch=batch)
    if as_json:
        common.print_json(report.plain())
    else:
        common.console().print(str(report), soft_wrap=True, markup=False)
    if not report.ok:
        raise typer.Exit(1)
