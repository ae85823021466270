"""`handlens explain`: one picture's way through a network, layer by layer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common
from handlens.cli.choose import Chosen, chosen, fitted, networks

if TYPE_CHECKING:
    from handlens.report.explanation import Explanation


def explain(
    run: Chosen,
    picture: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture of any size and colour.")],
    label: Annotated[
        str | None, typer.Option("--label", help="The class that it shows; default: what the model says.")
    ] = None,
    runs: common.Runs = common.RUNS,
    charts: common.Charts = None,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Follow a picture forward and back through a network from scratch; leave a page that draws its insides.

    Example: handlens explain first-look scan.png
    """
    from handlens.errors import StoreError
    from handlens.report.explain import explain_text, write_explain
    from handlens.report.explanation import explain as follow
    from handlens.report.explanation import has_layers
    from handlens.studies.training.trial import load_model

    store = common.store(runs)
    hash = chosen(run, store, reports)
    try:
        has_layers(store.read(hash))
    except StoreError as error:
        error.remedy = error.remedy or networks(run, reports, ("scratch",))
        raise
    record, model = load_model(store, hash)
    ((image, notes),) = fitted(record, [picture])
    shown = None if label is None else _position(label, record.classes)
    made = follow(record, model, image, picture=picture.name, notes=notes, label=shown)
    stem = re.sub(r"[^\w.-]+", "-", picture.stem).strip("-.")[:60] or "picture"
    path = reports / f"explain-{record.trial.hash[:8]}-{stem}" / "report.html"
    # By the run's own name: what a study chooses may change.
    again = ["handlens", "explain", record.trial.hash, str(picture)] + (["--label", label] if label else [])
    write_explain(made, path, command=shlex.join(again), charts=charts)
    if as_json:
        common.print_json(_plain(made) | {"report": str(path)})
        return
    console = common.console()
    if not quiet:
        console.print(f"model: {record.name}", style="dim", markup=False)
        for note in notes:
            console.print(f"{picture.name}: {note}", style="dim", markup=False)
    console.print(explain_text(made))
    if not quiet:
        console.print(f"report: {path}", soft_wrap=True, markup=False)


def _position(label: str, classes: tuple[str, ...]) -> int:
    from handlens.errors import SpecError, did_you_mean

    if label not in classes:
        raise SpecError(f"no class is called {label!r}", where="--label", remedy=did_you_mean(label, classes))
    return classes.index(label)


def _plain(made: Explanation) -> dict[str, Any]:
    from handlens.report.explain import row_dict
    from handlens.report.explanation import rows

    hidden = made.occlusion
    return {
        "model": made.run.name,
        "run": made.run.trial.hash,
        "image": made.picture,
        "notes": list(made.notes),
        "classes": [{"class": name, "probability": round(p, 6)} for name, p in made.ranking()],
        "label": made.run.classes[made.label],
        "loss": float(made.trace.losses[0]),
        "layers": [row_dict(row) for row in rows(made)],
        "occlusion": {
            "patch": list(hidden.patch),
            "stride": list(hidden.stride),
            "grey": hidden.grey,
            "worst_drop": float(hidden.drops.max()),
            "worst_place": list(hidden.worst),
        },
    }
