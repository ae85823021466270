"""`handlens convert`: Keras files to networks from scratch and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common
from handlens.cli.choose import chosen, networks

if TYPE_CHECKING:
    from handlens.engines.keras.exchange.convert import Conversion


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A .keras file, the beginning of a run's name, a study, or a folder that convert wrote.",
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="TARGET", help="x.keras, or the name of a folder for a network from scratch."),
    ],
    prepare: Annotated[
        str | None,
        typer.Option(
            "--prepare",
            metavar="unit|none",
            help="What the model in a .keras file is given: pixels divided by 255 (unit), or as they are "
            "(none). Default: unit, but none where it begins with a Rescaling layer. "
            "A run knows; with none, the .keras file of a run wants prepared pixels.",
        ),
    ] = None,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Turn a .keras file or a Keras engine's run into a network from scratch, and runs into .keras files.

    A .keras file is written to take pixels 0..255 and to give probabilities. A folder holds network.json,
    weights.safetensors and preparation.json, for Python: ScratchEngine().load(folder) of
    handlens.engines.scratch; `handlens predict` and `handlens explain` take runs, not such folders.
    Both models' outputs are compared on random images; where they differ, nothing is written.

    Example: handlens convert first-look first-look.keras
    """
    made = _converted(source, target, prepare, runs, reports)
    if as_json:
        common.print_json({"source": source, "target": str(target)} | asdict(made))
        return
    console = common.console()
    if not quiet:
        console.print(", ".join(made.layers), style="dim", markup=False)
        for note in made.notes:
            console.print(f"note: {note}", style="dim", markup=False)
    console.print(
        f"{target}: {made.parameters:,} parameters, pixels prepared by {made.prepare}; "
        f"largest difference between the two models' outputs {made.difference:.1e}",
        markup=False,
        soft_wrap=True,
    )


def _converted(source: str, target: Path, prepare: str | None, runs: Path, reports: Path) -> Conversion:
    from handlens.engines.keras.exchange import convert as conversions

    wanted = _wanted(prepare)
    if source.endswith((".keras", ".h5", ".hdf5")) or Path(source).is_file():
        return conversions.from_file(Path(source), target, wanted)
    model = _model(source, runs, reports)
    if target.suffix == ".keras":
        if wanted == "unit":
            raise _own_preparation(source)
        return conversions.to_file(model, target, prepare=wanted is None)
    if wanted is not None:
        raise _own_preparation(source)
    return conversions.to_folder(model, target)


def _wanted(prepare: str | None) -> Any:
    from handlens.errors import SpecError, did_you_mean

    if prepare not in (None, "unit", "none"):
        raise SpecError(
            f"unknown preparation {prepare!r}",
            where="--prepare",
            remedy=did_you_mean(prepare, ("unit", "none")),
        )
    return prepare


def _model(source: str, runs: Path, reports: Path) -> Any:
    """The model of a run, or of a folder that was converted to."""
    from handlens.engines.scratch import ScratchEngine
    from handlens.errors import SpecError
    from handlens.studies.training.trial import load_model

    if (Path(source) / "network.json").is_file():
        return ScratchEngine().load(Path(source))
    store = common.store(runs)
    record, model = load_model(store, chosen(source, store, reports))
    if record.engine not in ("scratch", "keras"):
        raise SpecError(
            f"{record.name} is a model of the engine {record.engine!r}",
            where=source,
            expected="a network, trained by the engine scratch or keras",
            remedy=networks(source, reports, ("scratch", "keras")),
        )
    return model


def _own_preparation(source: str) -> Exception:
    from handlens.errors import SpecError

    return SpecError("the run knows how its pixels are prepared", where=source, remedy="leave --prepare out")
