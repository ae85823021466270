"""The table of a study for the terminal and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from handlens.report import formats, summary
from handlens.report.selection import folded_words, select
from handlens.studies.storage.result import Row, StudyResult

if TYPE_CHECKING:
    from rich.table import Table

NUMBERS = (
    ("epochs", "runs"),
    ("params", "file kB"),
    ("validation", "% [95 %]"),
    ("test", "% [95 %]"),
    ("error %", "F1 %"),
    ("train s", "CPU s"),
    ("µs per", "image"),
)
LEAST = (7, 6, 1, 2, 5, 4)  # columns in the order in which a narrow terminal does without them
APART = 3  # blanks before the error: beside the heading of the test accuracy they would be one heading


def row_dict(row: Row) -> dict[str, Any]:
    """A line of the table as plain numbers: accuracies as shares (0-1), seconds, microseconds, bytes.

    What was not measured is None: test scores, where the test images were not opened.
    """
    return {
        "model": row.model,
        "description": row.description,
        "engine": row.engine,
        "dataset": row.dataset,
        "parameters": row.parameters,
        "optimizer": row.optimizer,
        "epochs": row.epochs,
        "replicates": row.replicates,
        "validation_accuracy": row.validation.mean,
        "validation_low": row.validation.low,
        "validation_high": row.validation.high,
        "test_accuracy": row.test and row.test.mean,
        "test_low": row.test and row.test.low,
        "test_high": row.test and row.test.high,
        "test_macro_f1": row.macro_f1,
        "test_error": row.error,
        "fit_wall_s": row.fit_wall_s,
        "fit_cpu_s": row.fit_cpu_s,
        "device": row.device,
        "predict_us_per_image": row.predict_us_per_image,
        "model_bytes": row.model_bytes,
    }


def cells(rows: Sequence[Row]) -> list[dict[str, str]]:
    """What the table shows, a dictionary of texts a row; percentages without their sign.

    Every column has one number of decimals: accuracies, F1 and error as many as the intervals justify.
    """
    held = formats.percent_digits([row.validation for row in rows])
    digits = formats.percent_digits([row.test for row in rows])
    wall = formats.column([row.fit_wall_s for row in rows])
    cpu = formats.column([row.fit_cpu_s for row in rows])
    predict = formats.column([row.predict_us_per_image for row in rows], most=1)
    size = formats.column([row.model_bytes / 1000 for row in rows], most=0)
    epochs = formats.column([row.epochs for row in rows], most=_epoch_decimals(rows))
    return [
        {
            "model": row.model,
            "engine": row.engine,
            "parameters": formats.whole(row.parameters),
            "optimizer": row.optimizer or formats.MISSING,
            "epochs": epochs[i],
            "replicates": str(row.replicates),
            "validation": formats.percent(row.validation.mean, held),
            "validation_interval": formats.spread(row.validation, held),
            "test": formats.percent(row.test.mean if row.test else None, digits),
            "test_interval": formats.spread(row.test, digits),
            "macro_f1": formats.percent(row.macro_f1, digits),
            "error": formats.percent(row.error, digits),
            "wall": wall[i],
            "cpu": cpu[i],
            "device": row.device,
            "predict": predict[i],
            "size": size[i],
        }
        for i, row in enumerate(rows)
    ]


def _epoch_decimals(rows: Sequence[Row]) -> int:
    """Mean epochs are whole unless replicates stopped at different ones."""
    return 0 if all(row.epochs is None or row.epochs == round(row.epochs) for row in rows) else 1


def caption(rows: Sequence[Row]) -> str:
    """What holds for every row, and how the table is ordered and read."""
    same = [_common([row.dataset for row in rows]), _common([row.device for row in rows])]
    facts = "; ".join(fact for fact in same if fact)
    reading = "Best validation accuracy first; the test images took no part in the order."
    return f"{facts}. {reading}" if facts else reading


def _common(values: Sequence[str]) -> str:
    """The value that all share, or nothing."""
    return values[0] if values and len(set(values)) == 1 else ""


def study_table(result: StudyResult) -> Table:
    """A study for the terminal: its chosen configurations, others up to a dozen, and how often it looked."""
    selection = select(result)
    rows = [result.rows[i] for i in selection.shown]
    tags = [selection.tags[i] if i else "" for i in selection.shown]  # the first one is the bold one
    return table(rows, tags=tags, notes=(folded_words(result, selection), summary.looks(result)))


def table(rows: Sequence[Row], *, tags: Sequence[str] = (), notes: Sequence[str] = ()) -> Table:
    """The table for the terminal: two lines a recipe, whole in 80 columns.

    What all rows share (data set, device) is said once, in the caption, to which `notes` are added; `tags`
    are a word for each row, or none.
    """
    from rich.text import Text

    from handlens.report.fitted import FittedTable

    shown = FittedTable(
        least=LEAST,
        space=1,
        caption=Text(" ".join(text for text in (caption(rows), *notes) if text), "dim"),
        caption_justify="left",
        header_style="bold",
    )
    shown.add_column(_two("model", "engine, optimizer", "bold"), overflow="fold")
    texts = cells(rows)
    for top, below in NUMBERS:
        blanks = " " * (APART - 1) if top == "error %" else ""
        shown.add_column(_two(blanks + top, below, "bold"), justify="right", no_wrap=True)
    one_device = bool(_common([row.device for row in rows]))
    for i, cell in enumerate(texts):
        tag = tags[i] if tags else ""
        shown.add_row(*_line(cell, tag, best=i == 0, one_device=one_device))
    return shown


def _line(cell: dict[str, str], tag: str, *, best: bool, one_device: bool) -> list[Any]:
    """A recipe's two lines, column by column."""
    made = [cell["engine"], cell["optimizer"], "" if one_device else cell["device"], tag]
    style = "bold" if best else ""
    name = "bold" if best or tag else ""
    return [
        _two(cell["model"], ", ".join(text for text in made if text not in ("", formats.MISSING)), name),
        _two(cell["epochs"], cell["replicates"]),
        _two(cell["parameters"], cell["size"]),
        _two(cell["validation"], cell["validation_interval"], style),
        _two(cell["test"], cell["test_interval"], style),
        _two(cell["error"], cell["macro_f1"]),
        _two(cell["wall"], cell["cpu"]),
        _two(cell["predict"], ""),
    ]


def _two(first: str, second: str, style: str = "") -> Any:
    """A cell of two lines, the second one quiet."""
    from rich.text import Text

    return Text.assemble((first, style), "\n", (second, "dim"))
