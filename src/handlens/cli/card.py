"""`handlens card`: a trained model's model card."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from handlens.cli import common
from handlens.cli.choose import Chosen, chosen


def card(
    run: Chosen,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there instead.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Print a model card in Markdown: what the model is, how well it does, and how to make it again.

    No test image is opened for it: test scores stand there where they were measured before.

    Example: handlens card first-look --out MODEL.md
    """
    from handlens.exports.card import card as write
    from handlens.exports.files import put
    from handlens.exports.passport import passport

    store = common.store(runs)
    hash = chosen(run, store, reports)
    record = store.read(hash)
    test = store.look(hash).scores if store.opened(hash) else None
    facts = passport(store, record, {"kind": record.trial.recipe.get("prepare", "unit")})
    text = write(record, facts, test)
    if out is not None:
        put(out, text.encode("utf-8"), force=force)
    if as_json:
        common.print_json(facts.plain() | {"card": text})
    elif out is None:
        sys.stdout.write(text)
    elif not quiet:
        common.console().print(f"{out}: {len(text.splitlines())} lines", markup=False, soft_wrap=True)
