"""`handlens audit`: copies between training and test images, shift, doubtful labels."""

from __future__ import annotations

import contextlib
import shlex
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from pathlib import Path

    from handlens.data import Dataset
    from handlens.report.topic import Topic
    from handlens.studies.judging.audit import Audit, OnStep
    from handlens.studies.judging.rescore import Rescored
    from handlens.studies.storage.store import Store


def audit(
    source: Annotated[
        str, typer.Argument(metavar="DATASET|PATH", help="A name (`handlens data`), file or folder.")
    ],
    run: Annotated[
        str | None,
        typer.Option("--run", help="Score this run three ways: its name's beginning, or a study's name."),
    ] = None,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Whether --run trains again with a split by families.")
    ] = True,
    quick: Annotated[
        bool, typer.Option("--quick", help="Identical copies only, and no doubtful labels.")
    ] = False,
    size: common.Size = None,
    shape: common.Shape = None,
    label: common.Label = None,
    skip_bad: common.SkipBad = False,
    classes: common.Classes = None,
    charts: common.Charts = None,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    as_json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Look for what makes scores on a data set untrustworthy; leave a page that shows it.

    Copies between training, validation and test images, a shift between training and test images, other label
    counts, doubtful labels. Example: handlens audit mnist-5k
    """
    from handlens.report.topic import write_topics
    from handlens.studies.judging.audit import audit as look

    dataset = common.load(source, common.options(size, shape, label, skip_bad), classes)
    store = common.store(runs)
    hash, validation = _run(run, store, dataset, reports) if run else ("", None)
    try:
        with _told(quiet or as_json) as told:
            found = look(dataset, validation=validation, quick=quick, on_step=told)
        again = _rescored(store, hash, found, train=train, quiet=quiet or as_json) if hash else None
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped: nothing was written\n")
        raise typer.Exit(130) from None
    topics = _topics(found, again)
    path = reports / f"audit-{dataset.name}" / "audit.html"
    command = shlex.join(["handlens", *sys.argv[1:]])
    write_topics(command, f"Audit: {dataset.title or dataset.name}", topics, path, charts=charts)
    if as_json:
        common.print_json(_plain(found, topics) | {"report": str(path)})
        return
    _show(topics)
    if not quiet:
        common.console().print(f"report: {path}", soft_wrap=True, markup=False)


def _run(name: str, store: Store, dataset: Dataset, reports: Path) -> tuple[str, Any]:
    """The run that is meant, checked to be of this data set, and its validation images' positions."""
    from handlens.cli.choose import chosen
    from handlens.studies.judging.rescore import same_data, validation_of

    hash = chosen(name, store, reports)
    same_data(store.read(hash), dataset)
    return hash, validation_of(store, hash)


def _rescored(store: Store, hash: str, found: Audit, *, train: bool, quiet: bool) -> Rescored:
    from handlens.cli.progress import shown
    from handlens.studies.judging.rescore import rescore

    command = shlex.join(["handlens", *sys.argv[1:]])
    images = len(found.dataset.train) - len(found.validation)
    with shown(images, quiet=quiet, events=False) as on_event:
        return rescore(store, hash, found, train=train, command=command, on_event=on_event)


@contextlib.contextmanager
def _told(quiet: bool) -> Iterator[OnStep]:
    """A function that is told each step as it begins: a spinner on a terminal, on standard error, and a line
    with its seconds when the next one begins."""
    from handlens.studies.judging.audit import ignore_step

    target = common.console(stderr=True)
    if quiet:
        yield ignore_step
        return
    begun: list[tuple[str, float]] = []
    spinning = target.status("") if target.is_terminal else contextlib.nullcontext()

    def tell(step: str) -> None:
        if begun:
            last, since = begun[-1]
            target.print(f"{last}: {time.perf_counter() - since:.1f} s", style="dim", markup=False)
        begun.append((step, time.perf_counter()))
        if status is not None:
            status.update(f"looking for {step}")

    with spinning as status:
        yield tell
    tell("")


def _topics(found: Audit, again: Rescored | None) -> list[Topic]:
    from handlens.report.topics.doubts import doubts
    from handlens.report.topics.leaks import leaks
    from handlens.report.topics.rescored import rescored
    from handlens.report.topics.shift import shift

    return [leaks(found), *([rescored(again)] if again else []), shift(found), doubts(found)]


def _show(topics: list[Topic]) -> None:
    """Each finding in its first sentences and, where they are few lines, tables."""
    from rich.text import Text

    from handlens.report.topic import rich_table

    console = common.console()
    for topic in topics:
        console.print(Text(topic.title, style="bold"))
        for words in topic.words:
            console.print(Text(words))
        for table in topic.tables:
            if topic.name != "shift":
                console.print(rich_table(table))
        console.print()


def _plain(found: Audit, topics: list[Topic]) -> dict[str, Any]:
    said = {topic.name: topic.plain for topic in topics}
    seconds = {step: round(spent, 2) for step, spent in found.seconds.items()}
    return {"dataset": found.dataset.name, "digest": found.dataset.digest, "seconds": seconds} | said
