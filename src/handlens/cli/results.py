"""What a study leaves for people and programs: its folder under `reports`, and the table on the screen."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

from handlens.cli import common
from handlens.data import Dataset
from handlens.errors import StoreError
from handlens.report import row_dict, table, write_study
from handlens.studies.plan import Study, to_toml
from handlens.studies.result import StudyResult


def save(study: Study, result: StudyResult, images: Dataset, reports: Path, charts: Path | None) -> Path:
    """Fill the study's folder: its report, its table, and the file that gives the same numbers again."""
    folder = reports / study.name
    # The study's own file gives these numbers again, whichever commands made its runs.
    again = shlex.join(["handlens", "run", str(folder / "study.toml")])
    result = dataclasses.replace(result, command=again)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "study.toml").write_text(to_toml(study), encoding="utf-8")
        (folder / "table.json").write_text(json.dumps(plain(result), indent=1), encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot write the report ({error.strerror})", where=folder, remedy="name another with --reports"
        ) from error
    charts = charts or (folder / "charts" if study.charts else None)
    write_study(result, images, folder / "report.html", charts=charts)
    return folder


def show(result: StudyResult, folder: Path, *, as_json: bool, quiet: bool) -> None:
    """The table and where the report is."""
    path = folder / "report.html"
    if as_json:
        common.print_json(plain(result) | {"report": str(path)})
        return
    console = common.console()
    console.print(table(result.rows))
    if not quiet:
        console.print(f"report: {path}", soft_wrap=True)


def plain(result: StudyResult) -> dict[str, Any]:
    """The table as plain data, best validation accuracy first, with the runs behind each line."""
    models = [
        row_dict(row) | {"runs": [run.trial.hash for run in member.runs]}
        for row, member in zip(result.rows, result.members, strict=True)
    ]
    return {"study": result.name, "title": result.title, "models": models}
