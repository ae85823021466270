"""Run folders on the screen: a table of many, the facts of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from handlens.records import Run


def count(n: int, what: str) -> str:
    """`1 run`, `2,000 runs`."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def lines_table(lines: list[dict[str, Any]]) -> Table:
    """A line a run, with as much of each name as tells them apart."""
    from rich.text import Text

    from handlens.report import formats
    from handlens.report.fitted import FittedTable

    names = [line["run"] for line in lines]
    digits = next(n for n in range(8, 21) if len({name[:n] for name in names}) == len(names) or n == 20)
    table = FittedTable(
        least=(6, 7, 5, 3, 2), lines=False, header_style="dim", caption_justify="left", caption_style="dim"
    )
    table.caption = (
        f"{count(len(lines), 'run')}, {size_text(sum(line['bytes'] for line in lines))}. Times are UTC."
    )
    for column in ("run", "recipe", "data set"):
        table.add_column(column, overflow="fold")
    for column in ("seed", "validation %", "test", "size", "finished"):
        side = "left" if column in ("test", "finished") else "right"
        table.add_column(column, justify=side, no_wrap=True)  # type: ignore[arg-type]
    for line in lines:
        table.add_row(
            Text(line["run"][:digits], style="bold"),
            Text(line["recipe"]),
            Text(line["dataset"]),
            str(line["seed"]),
            formats.percent(line["validation_accuracy"], 2),
            Text(line["test"], style="" if line["test"] == "opened" else "dim"),
            size_text(line["bytes"]),
            Text(line["finished"][:16].replace("T", " "), style="dim"),
        )
    return table


def size_text(size: int) -> str:
    """Bytes as people read them, in powers of 1000: `64 B`, `1.2 MB`."""
    if size < 1000:
        return f"{size} B"
    scaled = float(size)
    for unit in ("kB", "MB", "GB"):
        scaled /= 1000
        if scaled < 999.5:
            return f"{scaled:.1f} {unit}" if scaled < 9.95 else f"{scaled:.0f} {unit}"
    return f"{scaled / 1000:.1f} TB"


def facts_table(run: Run, look: dict[str, Any] | None, files: dict[str, int], folder: str) -> Table:
    """What there is to say about a run, a line a fact."""
    from rich.table import Table
    from rich.text import Text

    from handlens.report import formats

    env, times = run.environment, run.timings
    test = "sealed"
    if look:
        scores = look["scores"]
        test = f"{formats.percent(scores['accuracy'], 2)} % of {scores['images']:,} images"
        test += f", opened {look['opened']}"
    held = f"{formats.percent(run.validation.accuracy, 2)} % of {run.validation.images:,} images"
    facts = {
        "run": run.trial.hash,
        "recipe": run.name,
        "model": run.model,
        "engine": f"{run.engine} ({run.trial.numerics})",
        "data set": f"{run.dataset}, {run.train_images:,} training images, {len(run.classes)} classes",
        "seed": str(run.trial.seed),
        "optimizer": run.optimizer,
        "epochs": formats.whole(run.epochs) if run.epochs else "",
        "parameters": formats.whole(run.parameters) if run.parameters is not None else "",
        "validation": held,
        "test": test,
        "training": f"{times.fit_wall_s:.2f} s, {times.fit_cpu_s:.2f} s of processors, {times.device}",
        "predicting": f"{times.predict_us_per_image:.1f} µs an image",
        "finished": run.created,
        "notes": "\n".join(run.notes),
        "machine": f"{env.platform}, {env.processor}, {count(env.cores, 'core')}",
        "versions": ", ".join(f"{name} {version}" for name, version in env.versions.items()),
        "command": env.command,
        "folder": f"{folder}, {size_text(sum(files.values()))}",
        "files": "\n".join(f"{name}  {size_text(size)}" for name, size in files.items()),
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(value))
    return table
