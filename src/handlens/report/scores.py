"""A study's scores without anything that a clock or a machine decides: the same runs, the same bytes."""

from __future__ import annotations

import csv
import io

from handlens.evaluate import Interval
from handlens.report.selection import family
from handlens.studies.storage.result import Member, Row, StudyResult

COLUMNS = (
    "model", "family", "replicates", "epochs", "parameters",
    "validation_mean", "validation_low", "validation_high",
    "test_mean", "test_low", "test_high", "macro_f1", "error", "runs",
)  # fmt: skip


def scores_csv(result: StudyResult) -> str:
    """The table as comma-separated values, best validation accuracy first.

    Accuracies, macro F1 and error are shares (0-1) with six decimals, epochs a mean with two; what was not
    measured is empty. `runs` are the hashes, in the order of their seeds.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for member, row in zip(result.members, result.rows, strict=True):
        writer.writerow(_line(member, row))
    return text.getvalue()


def _line(member: Member, row: Row) -> list[str]:
    return [
        row.model,
        family(member),
        str(row.replicates),
        "" if row.epochs is None else f"{row.epochs:.2f}",
        "" if row.parameters is None else str(row.parameters),
        *_three(row.validation),
        *_three(row.test),
        _share(row.macro_f1),
        _share(row.error),
        " ".join(run.trial.hash for run in member.runs),
    ]


def _three(interval: Interval | None) -> list[str]:
    if interval is None:
        return ["", "", ""]
    return [_share(share) for share in (interval.mean, interval.low, interval.high)]


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.6f}"
