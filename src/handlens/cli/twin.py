"""`handlens twin`: one recipe trained by both network engines, side by side."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import asked, common

if TYPE_CHECKING:
    from handlens.engines.twins import Twins
    from handlens.records import Epoch
    from handlens.spec import Recipe

MOST = 3  # epochs, unless more are asked for


def twin(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A name (`handlens models`) or layers: 'Flatten(), Dense(9)'."),
    ],
    source: Annotated[
        str, typer.Argument(metavar="DATASET|PATH", help="A name (`handlens data`), file or folder.")
    ],
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", min=1, help=f"How many; default: the recipe's, at most {MOST}.", show_default=False
        ),
    ] = None,
    seed: asked.Seed = None,
    validation: asked.Validation = None,
    size: common.Size = None,
    shape: common.Shape = None,
    label: common.Label = None,
    skip_bad: common.SkipBad = False,
    classes: common.Classes = None,
    charts: common.Charts = None,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Train a network from scratch and by Keras, from the same weights on the same batches, and compare them.

    Example: handlens twin lenet5 mnist-5k
    """
    from handlens.data import split
    from handlens.engines.twins import train_twins
    from handlens.report.twins import twins_text, write_twins

    wanted = _recipe(recipe)
    images = common.load(source, common.options(size, shape, label, skip_bad), classes)
    held = 0.1 if validation is None else validation
    parts = split(images.train.labels, int(held) if held >= 1 and held == int(held) else held)
    console, screen = common.console(), common.console(stderr=True)
    with screen.status("reading") as status:

        def show(engine: str, epoch: Epoch) -> None:
            status.update(f"{engine}: epoch {epoch.epoch}, loss {epoch.loss:.4f}")

        found = train_twins(
            wanted,
            images.train.take(parts.train),
            images.train.take(parts.validation),
            seed or 0,
            epochs=epochs or min(getattr(wanted, "epochs", MOST), MOST),
            on_epoch=show,
        )
    path = reports / f"twin-{_stem(recipe)}-{_stem(images.name)}" / "report.html"
    write_twins(found, path, command=shlex.join(["handlens", *sys.argv[1:]]), charts=charts)
    if as_json:
        common.print_json(_plain(found) | {"dataset": images.name, "seed": seed or 0, "report": str(path)})
        return
    for note in () if quiet else found.notes:
        console.print(note, style="dim", markup=False)
    console.print(twins_text(found))
    if not quiet:
        console.print(f"report: {path}", soft_wrap=True, markup=False)


def _recipe(text: str) -> Recipe:
    """A recipe of the zoo, or of layers, which have brackets."""
    from handlens.spec import LAYERS, NetworkRecipe, parse_list, zoo

    if "(" not in text:
        return zoo(text, where="RECIPE")
    return NetworkRecipe("layers", tuple(parse_list(text, LAYERS, where="RECIPE")))


def _stem(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:60] or "it"


def _plain(found: Twins) -> dict[str, Any]:
    import dataclasses

    from handlens.spec import to_dict

    return {
        "recipe": to_dict(found.recipe),
        "notes": list(found.notes),
        "train_images": found.images[0],
        "validation_images": found.images[1],
        "epochs": {
            name: [dataclasses.asdict(epoch) for epoch in history]
            for name, history in found.histories.items()
        },
        "layers": [dataclasses.asdict(layer) for layer in found.layers],
        "largest_weight_difference": max(layer.difference for layer in found.layers),
        "largest_probability_difference": found.outputs,
        "disagreements": found.disagreements,
        "device": found.device,
    }
