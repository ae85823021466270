"""`handlens predict`: what a trained model says of any picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handlens.cli import common
from handlens.cli.choose import Chosen, chosen, fitted


def predict(
    run: Chosen,
    pictures: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures of any size and colour.")
    ],
    keras: Annotated[
        str | None,
        typer.Option(
            "--keras",
            metavar="MODULE:FUNCTION",
            help="Import your own code that builds the model, where Keras's own layers are not enough.",
        ),
    ] = None,
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

    from handlens.studies.training.trial import load_model

    if keras:
        from handlens.engines.keras.own.code import asked

        asked(keras)
    store = common.store(runs)
    record, model = load_model(store, chosen(run, store, reports))
    made = fitted(record, pictures)
    probabilities = model.predict_proba(np.stack([image for image, _ in made]))
    answers = [
        {
            "image": str(path),
            "classes": [
                {"class": record.classes[i], "probability": round(float(row[i]), 6)}
                for i in np.argsort(-row, kind="stable")[:top]
            ],
            "notes": list(notes),
        }
        for path, (_, notes), row in zip(pictures, made, probabilities, strict=True)
    ]
    if as_json:
        common.print_json({"model": record.name, "run": record.trial.hash, "answers": answers})
        return
    _print(record.name, answers, quiet)


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
