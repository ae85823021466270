"""The texts of a line: what both the page and the Markdown show."""

from __future__ import annotations

from dataclasses import dataclass

from handlens.evaluate import Interval
from handlens.labs.architecture import described
from handlens.labs.lines import Line
from handlens.labs.past import Past
from handlens.labs.published import Metric, Row
from handlens.labs.run import Found
from handlens.labs.variants import KERAS
from handlens.report import formats
from handlens.spec import EstimatorRecipe, NetworkRecipe, Recipe, to_text
from handlens.studies.planning.plan import configurations

GPUS = ("gpu", "tpu", "cuda", "nvidia")


@dataclass(frozen=True)
class Cells:
    """A line in words; `settings` are architecture, optimizer, epochs and batch of the recipe as written."""

    name: str
    settings: str
    engine: str
    optimizer: str
    parameters: str
    metric: str
    published: str
    obtained: str
    spread: str
    replicates: str
    said: str
    cpu: str
    gpu: str
    notes: str


def cells(line: Line, found: Found) -> Cells:
    """The line's texts."""
    times = [(f"published {seconds:g} s, {on}", on) for seconds, on in line.row.times]
    if line.wall_s is not None and line.cpu_s is not None:
        times.append((own_time(line.wall_s, line.cpu_s, line.device), line.device))
    times += [(own_time(wall, None, device), device) for wall, device in line.elsewhere]
    return Cells(
        name=line.name.removesuffix(KERAS).replace(KERAS + " ", " "),
        settings=settings(line, found),
        engine=line.engine + (f", {line.start}" if line.start else ""),
        optimizer=_optimizer(line, found),
        parameters=_parameters(line),
        metric=line.row.metric,
        published=_published(line.row),
        obtained=_score(line.obtained.mean if line.obtained else None, line.row.metric),
        spread=_spread(line.obtained, line.row.metric, line.replicates),
        replicates=str(line.replicates or formats.MISSING),
        said=line.said,
        cpu="; ".join(text for text, on in times if not _is_gpu(on)) or formats.MISSING,
        gpu="; ".join(text for text, on in times if _is_gpu(on)) or formats.MISSING,
        notes="; ".join(line.notes),
    )


def past_cells(past: Past) -> dict[str, str]:
    """The texts of a row of ours."""
    shown = past.obtained
    return {
        "name": past.name,
        "dataset": past.dataset,
        "best": f"{formats.percent(past.best, 2)} %",
        "obtained": f"{formats.percent(shown.mean, 2)} %" if shown else formats.MISSING,
        "spread": formats.spread(shown, 2) if past.replicates > 1 or shown else "",
        "replicates": str(past.replicates or formats.MISSING),
        "time": own_time(past.wall_s, past.cpu_s, past.device)
        if past.wall_s is not None
        else formats.MISSING,
        "said": past.said,
        "notes": "; ".join(past.notes),
    }


def own_time(wall: float, cpu: float | None, device: str) -> str:
    """`12.3 s (24.1 s of CPU), CPU, 2 cores`."""
    said = f"{_seconds(wall)} s"
    if cpu is not None and not _is_gpu(device):
        said += f" ({_seconds(cpu)} s of CPU)"
    return f"{said}, {device}"


def settings(line: Line, found: Found) -> str:
    """What was trained, from the lab's study file: architecture, batch, epochs, preparation."""
    recipe = _recipe(line, found)
    if isinstance(recipe, NetworkRecipe):
        return described(recipe)
    return str(recipe.estimator) if isinstance(recipe, EstimatorRecipe) else recipe.name


def _recipe(line: Line, found: Found) -> Recipe:
    study = found.part(line.study).study
    return next(c.recipe for c in configurations(study) if c.name == line.row.recipe)


def _optimizer(line: Line, found: Found) -> str:
    recipe = _recipe(line, found)
    return to_text(recipe.optimizer) if isinstance(recipe, NetworkRecipe) else formats.MISSING


def _parameters(line: Line) -> str:
    """Ours, and the published count where the two differ and why."""
    ours, theirs = line.parameters, line.row.parameters
    if theirs is None or ours == theirs:
        return formats.whole(ours if ours is not None else theirs)
    if ours is None:
        return f"published {formats.whole(theirs)}"
    why = f" with {line.row.outputs} outputs" if line.row.outputs else ""
    return f"{formats.whole(ours)}; published {formats.whole(theirs)}{why}"


def _published(row: Row) -> str:
    if row.value is None:
        return formats.MISSING
    text = f"about {100 * row.value:.0f} %" if row.hint else _score(row.value, row.metric, row.runs)
    if row.runs > 1 and row.deviation is not None:
        text += f" ± {100 * row.deviation:.3f}, {row.runs} runs"
    return text


def _score(value: float | None, metric: Metric, runs: int = 1) -> str:
    if value is None:
        return formats.MISSING
    return f"{value:.4f}" if metric == "loss" else f"{100 * value:.{3 if runs > 1 else 2}f} %"


def _spread(interval: Interval | None, metric: Metric, replicates: int) -> str:
    """The interval, where there is one: an F1 or a loss of a single replicate has none."""
    if interval is None or (replicates < 2 and metric in ("macro F1", "loss")):
        return ""
    if metric == "loss":
        return f"{interval.low:.4f}–{interval.high:.4f}"
    return formats.spread(interval, 2)


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _is_gpu(device: str) -> bool:
    return any(word in device.lower() for word in GPUS)
