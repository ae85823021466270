"""In a notebook, data sets, runs and studies show themselves.

`register(get_ipython())`, or `%load_ext handlens.report.notebook`. Nothing is imported before it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlens.report import formats

if TYPE_CHECKING:
    from handlens.data.images import Dataset, ImageSet
    from handlens.records import Run
    from handlens.studies.storage.result import StudyResult


def register(ipython: Any) -> None:
    """Give an IPython shell (anything with a `display_formatter`) HTML for our types, by their names."""
    html = ipython.display_formatter.formatters["text/html"]
    html.for_type_by_name("handlens.data.images", "Dataset", dataset_html)
    html.for_type_by_name("handlens.data.images", "ImageSet", images_html)
    html.for_type_by_name("handlens.records", "Run", run_html)
    html.for_type_by_name("handlens.studies.storage.result", "StudyResult", study_html)


def load_ipython_extension(ipython: Any) -> None:
    """What `%load_ext handlens.report.notebook` calls."""
    register(ipython)


def dataset_html(dataset: Dataset) -> str:
    """Title, facts and one image of each class."""
    from handlens.report import sections

    facts = sections.facts(dataset, sections.part_counts(dataset))
    return _fragment(
        title=dataset.title or dataset.name, facts=facts, images=dataset.train, notes=dataset.notes
    )


def images_html(images: ImageSet) -> str:
    """Size and one image of each class."""
    height, width, channels = images.shape
    kind = "grey" if channels == 1 else "colour"
    title = (
        f"{formats.plural(len(images), 'image')} of {formats.plural(len(images.classes), 'class', 'classes')}"
    )
    return _fragment(
        title=title, facts=(("Height × width", f"{height} × {width} pixels, {kind}"),), images=images
    )


def run_html(run: Run) -> str:
    """Scores, times and, where it trained in epochs, its learning curves."""
    from handlens.report.charts.curves import learning_curves
    from handlens.report.charts.figure import recipe_colours
    from handlens.studies.storage.result import Member

    times = run.timings
    facts = (
        ("Validation accuracy", f"{formats.percent(run.validation.accuracy, 2)} %"),
        ("Validation macro F1", f"{formats.percent(run.validation.macro_f1, 2)} %"),
        ("Parameters", formats.whole(run.parameters)),
        ("Optimizer", run.optimizer),
        ("Training", f"{times.fit_wall_s:.2f} s ({times.fit_cpu_s:.2f} s of CPU), {times.device}"),
        ("Data, seed", f"{run.dataset}, {run.trial.seed}"),
        ("Run", run.trial.hash),
    )
    figures = learning_curves([Member(run.name, (run,), ())], recipe_colours([run.name]))
    return _fragment(title=f"{run.name}: {run.model}", facts=facts, figures=figures, notes=run.notes)


def study_html(result: StudyResult) -> str:
    """The headline, the table, accuracies and learning curves."""
    from handlens.report import summary
    from handlens.report.selection import folded_words, select
    from handlens.report.study import figures_of
    from handlens.report.table import cells

    if not result.rows:
        return _fragment(title=result.title, sentences=("No finished runs yet.",))
    selection, lines = select(result), cells(result.rows)
    words = (folded_words(result, selection), summary.looks(result))
    return _fragment(
        title=result.title,
        sentences=(summary.headline(result), summary.choice(result)),
        rows=[lines[i] for i in selection.shown],
        figures=figures_of(result),
        notes=[text for text in words if text],
    )


def _fragment(**parts: Any) -> str:
    """The template with what is given; figures become SVG, images a grid."""
    from handlens.report import pictures, templates

    context: dict[str, Any] = {"facts": (), "sentences": (), "rows": (), "notes": ()}
    context |= {key: value for key, value in parts.items() if key not in ("figures", "images")}
    context["svgs"] = [figure.svg(white=False) for figure in parts.get("figures", ())]
    if "images" in parts and len(parts["images"]):
        context["svgs"].insert(0, pictures.class_grid(parts["images"]).svg(white=False))
    return templates.environment().get_template("notebook.html").render(context)
