"""`handlens predict`: what a trained model says of any picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common
from handlens.cli.choose import Chosen, chosen, noticed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.text import Text


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

    Pictures that are inverted, off centre or of another size than what the model was trained on are put right
    first. It says so, and what it would have answered without.

    Example: handlens predict first-look scan.png
    """
    import numpy as np

    from handlens.studies.training.trial import load_model

    if keras:
        from handlens.engines.keras.own.code import asked

        asked(keras)
    store = common.store(runs)
    record, model = load_model(store, chosen(run, store, reports))
    seen = noticed(record, pictures)
    both = np.stack([one.corrected for one in seen] + [one.as_given for one in seen])
    said = model.predict_proba(both)
    answers = []
    for path, one, right, given in zip(pictures, seen, said[: len(seen)], said[len(seen) :], strict=True):
        corrected = _named(right, record.classes, top)
        answers.append(
            {
                "image": str(path),
                "classes": corrected,
                "notes": list(one.notes),
                "noticed": list(one.causes),
                "as_given": _named(given, record.classes, top),
                "corrected": corrected,
            }
        )
    if as_json:
        common.print_json({"model": record.name, "run": record.trial.hash, "answers": answers})
        return
    _print(record.name, answers, quiet)


def _named(row: NDArray[np.floating[Any]], classes: tuple[str, ...], top: int) -> list[dict[str, Any]]:
    """The likeliest classes with their probabilities."""
    order = (-row).argsort(kind="stable")[:top]
    return [{"class": classes[i], "probability": round(float(row[i]), 6)} for i in order]


def _print(model: str, answers: list[dict[str, Any]], quiet: bool) -> None:
    from rich.text import Text

    from handlens.report.fitted import FittedTable

    table = FittedTable(lines=False, header_style="dim")
    table.add_column("image", overflow="fold")
    table.add_column("answer")
    table.add_column("probability", justify="right")
    table.add_column("noticed")
    differs = [answer["as_given"][0]["class"] != answer["corrected"][0]["class"] for answer in answers]
    if any(differs):
        table.add_column("as given", justify="right")
    for answer, other in zip(answers, differs, strict=True):
        given = answer["as_given"][0]
        for position, guess in enumerate(answer["corrected"]):
            first = position == 0
            style = "bold" if first else ""
            cells = [
                Text(answer["image"] if first else ""),
                Text(guess["class"], style=style),
                Text(f"{guess['probability']:.4f}", style=style),
                _words(answer) if first else Text(),
                Text(f"{given['class']} {given['probability']:.4f}" if first and other else ""),
            ]
            table.add_row(*cells[: len(table.columns)])
    console = common.console()
    if not quiet:
        console.print(Text(f"model: {model}", style="dim"))
    console.print(table)


def _words(answer: dict[str, Any]) -> Text:
    """What is wrong with a picture, and, dim, what was done to it besides."""
    from rich.text import Text

    wrong = ", ".join(answer["noticed"])
    done = "; ".join(note for note in answer["notes"] if note not in answer["noticed"])
    return Text.assemble(wrong, "; " if wrong and done else "", (done, "dim"))
