"""What a study leaves for people and programs: its folder under `reports`, and the table on the screen."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlens.cli import common
from handlens.data import Dataset
from handlens.errors import StoreError
from handlens.report import row_dict, scores_csv, study_table, write_study
from handlens.report.files import put
from handlens.report.selection import family
from handlens.report.topic import Topic
from handlens.report.topics.study import study_topics
from handlens.studies.planning.plan import Study
from handlens.studies.planning.toml import to_toml
from handlens.studies.storage.result import StudyResult, chosen_of_each
from handlens.studies.storage.store import Store


@dataclasses.dataclass(frozen=True)
class Saved:
    """A study's folder, and what its report says beside the table."""

    folder: Path
    topics: tuple[Topic, ...]


def save(
    study: Study, result: StudyResult, images: Dataset, store: Store, reports: Path, charts: Path | None
) -> Saved:
    """Fill the study's folder: its report, its table, and the file that gives the same numbers again.

    `scores.csv` is the table without times: the same runs make the same bytes.

    Raises:
        HandlensError: a file cannot be written.
    """
    folder = reports / study.name
    # The study's own file gives these numbers again, whichever commands made its runs.
    again = shlex.join(["handlens", "run", str(folder / "study.toml")])
    result = dataclasses.replace(result, command=again)
    topics = study_topics(result, images, store)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        put(folder / "study.toml", to_toml(study))
        put(folder / "table.json", json.dumps(plain(result, topics), indent=1))
        put(folder / "scores.csv", scores_csv(result))
    except OSError as error:
        raise StoreError(
            f"cannot write the report ({error.strerror})", where=folder, remedy="name another with --reports"
        ) from error
    charts = charts or (folder / "charts" if study.charts else None)
    write_study(result, images, folder / "report.html", charts=charts, topics=topics)
    return Saved(folder, topics)


def show(result: StudyResult, saved: Saved, *, as_json: bool, quiet: bool) -> None:
    """The table and where the report is."""
    path = saved.folder / "report.html"
    if as_json:
        common.print_json(plain(result, saved.topics) | {"report": str(path)})
        return
    console = common.console()
    console.print(study_table(result))
    if not quiet:
        console.print(f"report: {path}", soft_wrap=True)


def plain(result: StudyResult, topics: Sequence[Topic] = ()) -> dict[str, Any]:
    """The table as plain data, best validation accuracy first, with the runs behind each line.

    `chosen` is the best configuration of its family, the recipe; `looks` counts how often the test images
    were looked at; `topics` has what the report says besides.
    """
    chosen = set(chosen_of_each(result.members))
    models = [
        row_dict(row)
        | {
            "family": family(member),
            "chosen": member in chosen,
            "runs": [run.trial.hash for run in member.runs],
        }
        for row, member in zip(result.rows, result.members, strict=True)
    ]
    looks = result.looks and dataclasses.asdict(result.looks)
    return {
        "study": result.name,
        "title": result.title,
        "models": models,
        "looks": looks,
        "topics": {topic.name: topic.plain for topic in topics},
    }
