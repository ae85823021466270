"""The cells of a study's notebook.

What depends on measurements is said by code cells, from the runs at hand, and not written into Markdown
cells: so the words follow the numbers when the notebook is run again, on another machine with other times,
or after the study has grown, and can never contradict the table above them. Markdown cells say what is
asked and how it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlens.report import formats
from handlens.report.notebooks import code
from handlens.report.notebooks.markdown import escape
from handlens.studies.planning.plan import Study, configurations

if TYPE_CHECKING:
    from nbformat import NotebookNode


def notebook(study: Study, runs: Path, folder: Path) -> NotebookNode:
    """The notebook of a study, not executed, for a folder from which the store is reached as `runs`."""
    import nbformat

    make: Any = nbformat.from_dict  # without types of its own
    cells = [_cell(name, text) for name, text in _cells(study, runs, folder)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    title = study.title or study.name
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "title": title}
    book: NotebookNode = make({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    return book


def _cell(name: str, text: str) -> dict[str, Any]:
    """A cell of the notebook's format; names rather than drawn numbers, so that files compare well."""
    kind, _, source = text.partition("\n")
    cell = {"id": name, "cell_type": kind, "metadata": {}, "source": source.strip("\n")}
    return cell if kind == "markdown" else cell | {"execution_count": None, "outputs": []}


def _cells(study: Study, runs: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every cell; a text's first line says what kind of cell it is."""
    yield "question", _question(study)
    yield "imports", f"code\n{code.imports(study, folder)}"
    yield "recipes", f"code\n{code.recipes_code(study)}"
    yield "study", f"code\n{code.study_code(study, folder)}"
    yield from _data(study)
    yield from _training(code.beside(runs, folder))
    yield from _results()
    yield from _classes()
    yield from _end()


def _question(study: Study) -> str:
    count = len(configurations(study))
    compared = formats.plural(count, "configuration" if study.sweep else "recipe")
    opened = (
        "only for the configuration of each recipe that the validation images prefer"
        if study.test == "final"
        else "for every one of them, after the choice was made"
    )
    return f"""markdown
# {escape(study.title or study.name)}

**Question.** Which of {compared} recognises new images of `{escape(study.dataset)}` best, how sure is that,
and at what cost? Each was trained {formats.times(study.replicates)}, with different seeds. Validation
images, set apart from the training images, choose; the test images are opened once at the end, {opened}.

**How to run.** The cells run from the top in the folder of this notebook, with `pip install
'handlens[notebook]'`. Runs that are in the store already are read; only what is missing is trained.

## What is compared

Each recipe says what is not a default; `handlens.recipe` checks it and fills in the rest."""


def _data(study: Study) -> Iterator[tuple[str, str]]:
    yield "about-data", "markdown\n## The data"
    yield "data", f"code\n{code.load_code(study)}\nshow.facts(images, study)"
    yield "one-of-each", "code\nshow.one_of_each(images)"
    yield (
        "about-counts",
        """markdown
Validation images are drawn from the training images class by class, so that every class keeps its share.
Classes of unlike size make accuracy flatter the large ones; macro F1 counts every class alike.""",
    )
    yield "class-counts", "code\nshow.class_counts(images, study)"
    yield "class-table", "code\nshow.class_table(images, study)"


def _training(runs: str) -> Iterator[tuple[str, str]]:
    yield (
        "about-training",
        """markdown
## Training

A run is stored under the hash of all that made it: data, split, recipe, seed. The same study therefore
finds its runs again and trains nothing twice.""",
    )
    yield (
        "training",
        f"code\nstore = handlens.Store({runs!r})\n"
        "result = handlens.run_study(study, images, store)\nshow.runs(result)",
    )
    yield "models", "code\nshow.models(result)"


def _results() -> Iterator[tuple[str, str]]:
    yield (
        "about-results",
        """markdown
## Results

Best validation accuracy first. An interval holds the true accuracy in about 95 of 100 studies like this
one; two recipes whose intervals overlap are not told apart by them.""",
    )
    yield "table", "code\nshow.table(result)"
    yield "accuracy", "code\nshow.accuracy(result)"
    yield "about-comparison", "markdown\n### By accuracy, macro F1 and time of training"
    yield "comparison", "code\nshow.comparison(result)"
    yield "about-curves", "markdown\n### Learning curves\n\nLoss, accuracy and macro F1 after every epoch."
    yield "curves", "code\nshow.curves(result)"
    yield (
        "about-overfitting",
        """markdown
### Is it over-fitted?

A model is over-fitted as far as it does better on its training images than on new ones. A gap alone does no
harm: a model with one may still be the best on new images. A validation loss that rises again does say that
the last epochs went too far.""",
    )
    yield "overfitting", "code\nshow.overfitting(result)"


def _classes() -> Iterator[tuple[str, str]]:
    yield (
        "about-classes",
        """markdown
## Which classes are hard

The chosen recipe on the test images, all replicates together. For another one:
`show.confusion(result, images, "its name")`.""",
    )
    yield "confusion", "code\nshow.confusion(result, images)"
    yield "mixed-up", "code\nshow.mixed_up(result, images)"
    yield (
        "about-roc",
        """markdown
### ROC curves

Each class against all others: how many of its images are let through, and how many of the others, as the
threshold on its probability falls. The area under a curve is the chance that an image of the class gets a
higher probability of it than an image of another class; 50 % is guessing.""",
    )
    yield "roc", "code\nshow.roc(result, images)"
    yield "by-class", "code\nshow.by_class(result, images)"
    yield (
        "about-mistakes",
        """markdown
### Sure and wrong

The test images that the first replicate of the chosen recipe got most confidently wrong: class shown →
class given, the probability of the class given, and the image's position in the test set.""",
    )
    yield "mistakes", "code\nshow.mistakes(result, images)"


def _end() -> Iterator[tuple[str, str]]:
    yield "about-conclusions", "markdown\n## Conclusions"
    yield "conclusions", "code\nshow.conclusions(result, images)"
    yield "about-provenance", "markdown\n## To get these numbers again"
    yield "environment", "code\nshow.environment(result, images)"
    yield "provenance", "code\nshow.provenance(result)"
