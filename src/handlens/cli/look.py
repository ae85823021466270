"""`handlens look`, `handlens data`, `handlens models`: what there is to work with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from handlens.data import Entry


def look(
    source: Annotated[
        str, typer.Argument(metavar="DATASET|PATH", help="A name (`handlens data`), file or folder.")
    ],
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
    """Look at images before any training: classes, counts, shapes, features.

    Example: handlens look mnist-5k
    """
    from handlens.report import look_text, write_look

    dataset = common.load(source, common.options(size, shape, label, skip_bad), classes)
    folder = reports / f"look-{dataset.name}"
    write_look(dataset, folder / "report.html", charts=charts)
    if as_json:
        train, test = dataset.train.counts().tolist(), dataset.test.counts().tolist()
        common.print_json(
            {
                "name": dataset.name,
                "title": dataset.title,
                "shape": list(dataset.shape),
                "train": dict(zip(dataset.classes, train, strict=True)),
                "test": dict(zip(dataset.classes, test, strict=True)),
                "digest": dataset.digest,
                "notes": list(dataset.notes),
                "report": str(folder / "report.html"),
            }
        )
        return
    console = common.console()
    console.print(look_text(dataset))
    if not quiet:
        console.print(f"report: {folder / 'report.html'}", soft_wrap=True)


def data(as_json: common.Json = False, quiet: common.Quiet = False) -> None:
    """List the data sets that handlens knows, and whether their files are at hand.

    Example: handlens data
    """
    from rich.text import Text

    from handlens.data import catalogue
    from handlens.report.fitted import FittedTable

    entries = catalogue().values()
    if quiet:
        sys.stdout.writelines(f"{entry.name}\n" for entry in entries)
        return
    if as_json:
        common.print_json(
            [
                {"name": e.name, "title": e.title, "classes": list(e.classes.values()), "licence": e.licence}
                | {"page": e.page, "files": _whereabouts(e)}
                for e in entries
            ]
        )
        return
    table = FittedTable(least=(3, 2), lines=False, header_style="dim")
    for column in ("name", "title"):
        table.add_column(column, overflow="fold")
    table.add_column("classes", justify="right")
    table.add_column("licence")
    table.add_column("files")
    for entry in entries:
        name, count = Text(entry.name, style="bold"), str(len(entry.classes))
        table.add_row(name, Text(entry.title), count, entry.licence, _whereabouts(entry))
    common.console().print(table)


def _whereabouts(entry: Entry) -> str:
    """Whether the entry's files are here, and if not how they get here."""
    from handlens.data.catalogue import data_folders, find_files
    from handlens.data.published import download_folder

    if entry.package:
        return "installed"
    if find_files(entry, [*data_folders(), download_folder(entry).parent]):
        return "at hand"
    return "downloaded when asked for" if entry.mirrors else "to be fetched by hand"


def models(as_json: common.Json = False, quiet: common.Quiet = False) -> None:
    """List the recipes that handlens knows by name.

    Example: handlens models
    """
    from rich.text import Text

    from handlens.report.fitted import FittedTable
    from handlens.spec import to_dict, zoo, zoo_names
    from handlens.studies.training.trial import describe, optimizer

    recipes = [zoo(name) for name in zoo_names()]
    if quiet:
        sys.stdout.writelines(f"{recipe.name}\n" for recipe in recipes)
        return
    if as_json:
        common.print_json([to_dict(recipe) for recipe in recipes])
        return
    table = FittedTable(least=(1, 3, 2), lines=False, header_style="dim")
    for column in ("name", "engine", "model", "training"):
        table.add_column(column, overflow="fold")
    for recipe in recipes:
        epochs = getattr(recipe, "epochs", None)
        training = f"{optimizer(recipe)}, {epochs} epoch{'s' * (epochs > 1)}" if epochs else ""
        table.add_row(Text(recipe.name, style="bold"), recipe.engine, Text(describe(recipe)), Text(training))
    common.console().print(table)
