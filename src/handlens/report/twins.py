"""Two engines that trained one recipe: the terminal's tables and the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlens.engines.twins import ENGINES, LayerGap, Twins
from handlens.report import formats, page
from handlens.report.charts.twins import COLOURS, losses
from handlens.spec import to_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

PARTS = ("loss, scratch", "loss, Keras", "difference")
EPOCHS = ("epoch", *PARTS, *(f"validation {part}" for part in PARTS))
LAYERS = ("layer", "parameters", "largest weight", "largest difference")
WHY = (
    "Both compute in single precision and add up in another order: a difference of rounding, which stays "
    "small until a ReLU or a maximum close to a tie goes the other way."
)


def write_twins(twins: Twins, path: Path, *, command: str = "", charts: Path | None = None) -> None:
    """Write both trainings as one HTML file.

    Args:
        path: of the HTML file; its folder is made if need be.
        command: what makes the page again.
        charts: a folder that gets the chart as PNG and SVG.

    Raises:
        HandlensError: the file or folder cannot be written.
    """
    figure = losses(twins)
    context = {
        "title": f"{twins.recipe.name} by two engines",
        "headline": headline(twins),
        "why": WHY,
        "notes": twins.notes,
        "chart_of_losses": figure,
        "colours": list(COLOURS.items()),
        "grids": (),
        "tables": (
            ("Epoch by epoch", EPOCHS, list(epochs(twins))),
            ("Layer by layer", LAYERS, layers(twins)),
        ),
        "command": command,
        "facts": _facts(twins),
    }
    page.write("twins.html", context, [figure], path)
    if charts is not None:
        page.write_charts([figure], [], charts)


def twins_text(twins: Twins) -> RenderableType:
    """Both losses epoch by epoch, the weights layer by layer, the outputs, for the terminal."""
    from rich.console import Group
    from rich.text import Text

    return Group(
        _table(EPOCHS, list(epochs(twins))),
        _table(LAYERS, layers(twins)),
        Text(headline(twins)),
        Text(WHY, style="dim"),
    )


def headline(twins: Twins) -> str:
    """What parts the engines after training."""
    n = formats.plural(twins.images[1], "validation image")
    apart = f"{formats.whole(twins.disagreements)} of {n} are" if twins.disagreements else f"none of {n} is"
    return (
        f"After {formats.plural(len(twins.histories['keras']), 'epoch')} no weight differs by more than "
        f"{gap(max(layer.difference for layer in twins.layers))}, no probability by more than "
        f"{gap(twins.outputs)}; {apart} taken for another class."
    )


def epochs(twins: Twins) -> Iterator[tuple[str, ...]]:
    """The cells of `EPOCHS`, a row an epoch."""
    for ours, theirs in zip(*(twins.histories[name] for name in ENGINES), strict=True):
        yield (
            str(ours.epoch),
            *_compared(ours.loss, theirs.loss),
            *_compared(ours.validation_loss, theirs.validation_loss),
        )


def layers(twins: Twins) -> list[tuple[str, ...]]:
    """The cells of `LAYERS`, a row a layer."""
    return [_layer(found) for found in twins.layers]


def _layer(found: LayerGap) -> tuple[str, ...]:
    return found.layer, formats.whole(found.parameters), f"{found.largest:.3g}", gap(found.difference)


def _compared(ours: float | None, theirs: float | None) -> tuple[str, ...]:
    if ours is None or theirs is None:
        return (formats.MISSING,) * 3
    return f"{ours:.6f}", f"{theirs:.6f}", gap(abs(ours - theirs))


def gap(difference: float) -> str:
    """A difference to two digits: `1.3e-06`; `0` for none at all."""
    return f"{difference:.1e}" if difference else "0"


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    from rich.text import Text

    from handlens.report.fitted import FittedTable

    shown = FittedTable(header_style="bold")
    for i, name in enumerate(header):
        shown.add_column(name, justify="right" if i else "left", overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    return shown


def _facts(twins: Twins) -> tuple[tuple[str, Any], ...]:
    train, validation = map(formats.whole, twins.images)
    return (
        ("Images", f"{train} trained, {validation} validated"),
        ("Optimizer", to_text(twins.recipe.optimizer)),
        ("Batches of", formats.plural(twins.recipe.batch_size, "image")),
        ("Keras computed on", twins.device),
    )
