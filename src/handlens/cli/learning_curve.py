"""`handlens learning-curve`: train on more and more images; say what further ones would bring."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from handlens.cli import asked, common

if TYPE_CHECKING:
    from handlens.studies.training.run import OnEvent

Sizes = Annotated[
    str | None,
    typer.Option("--sizes", help="Counts or shares, comma between; default 1/16,1/8,1/4,1/2,1."),
]


def learning_curve(
    file: asked.File = None,
    dataset: asked.DataSet = None,
    models: asked.Models = None,
    sizes: Sizes = None,
    replicates: asked.Replicates = None,
    seed: asked.Seed = None,
    validation: asked.Validation = None,
    size: common.Size = None,
    shape: common.Shape = None,
    label: common.Label = None,
    skip_bad: common.SkipBad = False,
    classes: common.Classes = None,
    workers: asked.Workers = None,
    device: asked.Device = None,
    charts: common.Charts = None,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Train a study's recipes on 1/16 to all of its training images; say what more images would bring.

    Validated by the same images in every size; the test images stay closed. Stop it at any time: what is
    finished stays, and the same command goes on.

    Example: handlens learning-curve --dataset mnist-5k --models forest,mlp-64-64
    """
    from handlens.report.topic import topic_text, write_topics
    from handlens.report.topics.learning_curve import learning_curve as topic_of
    from handlens.studies.judging.learning_curve import learning_curves

    said = {"split": validation, "reading": common.options(size, shape, label, skip_bad), "classes": classes}
    study = asked.asked_study(file, dataset, models, None, replicates=replicates, seed=seed, **said)
    wanted = [asked_size(word) for word in (sizes or "").split(",") if word.strip()]
    images = common.load(study.dataset, study.reading, study.classes)
    command = shlex.join(["handlens", *sys.argv[1:]])
    train = asked.asked_train(workers, None, None, None, device)

    @contextlib.contextmanager
    def watched(count: int) -> Iterator[OnEvent]:
        from handlens.cli.progress import shown

        if not (quiet or as_json):
            sys.stderr.write(f"{count:,} training images\n")
        with shown(count, quiet=quiet or as_json, events=False) as tell:
            yield tell

    with common.stoppable(runs):
        store = common.store(runs)
        found = learning_curves(study, images, store, wanted, command=command, train=train, watched=watched)
    topic, path = topic_of(found), reports / study.name / "learning-curve.html"
    write_topics(command, study.title or study.name, [topic], path, charts=charts)
    if as_json:
        common.print_json(topic.plain | {"report": str(path)})
    else:
        console = common.console()
        console.print(topic_text(topic))
        if not quiet:
            console.print(f"report: {path}", soft_wrap=True)
    for failure in found.failures:
        sys.stderr.write(f"handlens: {failure}\n")
    if found.failures:
        raise typer.Exit(2)


def asked_size(word: str) -> float | int:
    """`500` as a count; `0.5`, `1/2` and `1` as shares of the training images.

    Raises:
        SpecError: neither.
    """
    from handlens.errors import SpecError

    above, slash, below = word.strip().partition("/")
    try:
        value = float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        raise SpecError(
            f"--sizes has {word.strip()!r}", expected="counts or shares, e.g. 1/16,1/4,1 or 250,1000,4000"
        ) from None
    return int(value) if not slash and value > 1 and value == int(value) else value
