"""`handlens export`: a trained model as one file for somebody without handlens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handlens.cli import common
from handlens.cli.choose import Chosen, chosen


def export(
    run: Chosen,
    to: Annotated[str, typer.Option("--to", metavar="onnx|html|keras|json", help="What is written.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Default: the model's and the run's name, here."),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option("--bits", metavar="16|32", help="Of the weights, in html (default 16) and json (32)."),
    ] = None,
    input_type: Annotated[
        str | None,
        typer.Option("--input", metavar="uint8|float32", help="Type of an ONNX model's pixels (uint8)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Hand a model on: ONNX, one HTML page to draw on, a Keras file, or JSON.

    Every file takes pixels 0..255, prepares them itself and carries its input contract, class names, licence
    of the data and scores; the page works from a double click, without any network.

    Example: handlens export first-look --to html
    """
    from handlens.exports.export import Wish, suggested
    from handlens.exports.export import export as write

    wish = Wish(to, bits, input_type)
    store = common.store(runs)
    hash = chosen(run, store, reports)
    target = out or Path(suggested(store.read(hash), to))
    made = write(store, hash, wish, target, force=force)
    if as_json:
        plain = {"run": made.run, "to": to, "file": str(made.file), "bytes": made.bytes}
        common.print_json(plain | {"passport": made.passport.plain()})
        return
    console = common.console()
    said = f"{made.file}: {made.bytes:,} bytes"
    if not quiet:
        said += f"; {made.passport.name}, run {made.run[:8]}, {_scored(made.passport)}"
    console.print(said, markup=False, soft_wrap=True)


def _scored(passport: object) -> str:
    from handlens.exports.html import score
    from handlens.exports.passport import Passport

    assert isinstance(passport, Passport)
    part, measured = ("test", passport.test) if passport.test else ("validation", passport.validation)
    return f"{part} accuracy {score(measured)}"
