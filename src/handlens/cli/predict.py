"""`handlens predict`: what a trained model says of any picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from handlens.studies.store import Store


def predict(
    run: Annotated[
        str, typer.Argument(help="A run by the beginning of its name, or a study: its chosen model.")
    ],
    pictures: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures of any size and colour.")
    ],
    top: Annotated[int, typer.Option("--top", min=1, help="How many classes to name.")] = 3,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Name what pictures show: grey or colour, any size, dark on light or light on dark.

    Example: handlens predict first-look scan.png
    """
    import numpy as np

    from handlens.data.pictures import InputContract, decode, fit_picture
    from handlens.studies.run import load_model

    store = common.store(runs)
    record, model = load_model(store, _chosen(run, store, reports))
    contract = InputContract(**record.input)
    fitted = [fit_picture(decode(path), contract) for path in pictures]
    probabilities = model.predict_proba(np.stack([image for image, _ in fitted]))
    answers = [
        {
            "image": str(path),
            "classes": [
                {"class": record.classes[i], "probability": round(float(row[i]), 6)}
                for i in np.argsort(-row, kind="stable")[:top]
            ],
            "notes": list(notes),
        }
        for path, (_, notes), row in zip(pictures, fitted, probabilities, strict=True)
    ]
    if as_json:
        common.print_json({"model": record.name, "run": record.trial.hash, "answers": answers})
        return
    _print(record.name, answers, quiet)


def _chosen(name: str, store: Store, reports: Path) -> str:
    """The run that a user means: by its own name, or the chosen model of a study, first replicate."""
    from handlens.errors import StoreError

    table = reports / name / "table.json"
    if table.is_file():
        try:
            return str(json.loads(table.read_text(encoding="utf-8"))["models"][0]["runs"][0])
        except (ValueError, LookupError, TypeError):
            raise StoreError("not a study's table", where=table, remedy=f"handlens report {name}") from None
    try:
        return store.find(name)
    except StoreError as error:
        error.remedy = "give a study's name or the beginning of a run's; `handlens compare --json` lists them"
        raise


def _print(model: str, answers: list[dict[str, Any]], quiet: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("image")
    table.add_column("class")
    table.add_column("probability", justify="right")
    table.add_column("noticed", style="dim")
    for answer in answers:
        for position, guess in enumerate(answer["classes"]):
            first = position == 0
            style = "bold" if first else ""
            table.add_row(
                Text(answer["image"] if first else ""),
                Text(guess["class"], style=style),
                Text(f"{guess['probability']:.4f}", style=style),
                Text("; ".join(answer["notes"]) if first else ""),
            )
    console = common.console()
    if not quiet:
        console.print(Text(f"model: {model}", style="dim"))
    console.print(table)
