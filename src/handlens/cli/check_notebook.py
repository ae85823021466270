"""`handlens check-notebook`: faults in the method of a notebook, found by reading it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from handlens.lint import Finding

WIDEST = 100


def check_notebook(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Notebooks (.ipynb) or Python files.")
    ],
    as_json: common.Json = False,
) -> None:
    """Find what makes the numbers of a notebook not believable, without running it.

    Status 0: nothing found; 1: faults found.

    Example: handlens check-notebook lab1.ipynb
    """
    from handlens.lint import check_notebook as check

    found = {file: check(file) for file in files}
    faults = sum(f.severity == "fault" for findings in found.values() for f in findings)
    if as_json:
        common.print_json(
            {
                "faults": faults,
                "files": [
                    {"file": str(file), "findings": [f.plain() for f in findings]}
                    for file, findings in found.items()
                ],
            }
        )
    else:
        _show(common.console(), found)
    if faults:
        raise typer.Exit(1)


def _show(console: Console, found: dict[Path, tuple[Finding, ...]]) -> None:
    """Every finding with its line; the paragraph that teaches once a rule, where the rule is first met."""
    import textwrap

    from rich.text import Text

    width = min(console.width, WIDEST)
    taught: set[str] = set()
    for file, findings in found.items():
        for finding in findings:
            head = Text(f"{file}, {finding.place}: ")
            head.append(finding.title, style="bold")
            if finding.severity == "note":
                head.append("  (note)", style="dim")
            console.print(head, width=width)
            if finding.source:
                source = Text(f"    {finding.source}", style="cyan", no_wrap=True, overflow="ellipsis")
                console.print(source, width=width)
            words = finding.because
            if finding.rule not in taught:
                taught.add(finding.rule)
                words = f"{words} {finding.teaches}".strip()
            console.print(
                textwrap.fill(
                    words, width - 2, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
                ),
                markup=False,
            )
            console.print()
    console.print(Text(summary(found)), width=width)


def summary(found: dict[Path, tuple[Finding, ...]]) -> str:
    """`2 faults and 1 note in 1 of 3 files.`"""
    findings = [f for some in found.values() for f in some]
    faults = sum(f.severity == "fault" for f in findings)
    notes = len(findings) - faults
    files = f"{len(found)} file{'s' * (len(found) != 1)}"
    noted = f", {notes} note{'s' * (notes != 1)}" if notes else ""
    if not faults:
        return f"No fault found in {files}{noted}. That does not prove the numbers right."
    bad = sum(any(f.severity == "fault" for f in some) for some in found.values())
    where = files if len(found) == 1 else f"{bad} of {files}"
    return f"{faults} fault{'s' * (faults != 1)} in {where}{noted}."
