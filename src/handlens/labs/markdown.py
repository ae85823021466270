"""The labs as Markdown: published against obtained, the answers, our own rows."""

from __future__ import annotations

from collections.abc import Sequence

from handlens.labs.answers import answers
from handlens.labs.cells import cells, past_cells
from handlens.labs.effort import effort
from handlens.labs.lines import Line, lines
from handlens.labs.past import past
from handlens.labs.run import Found

HEAD = (
    "row", "engine", "optimizer", "parameters", "metric", "published", "obtained (95 %)", "n", "verdict",
    "CPU time", "GPU time", "notes",
)  # fmt: skip
RIGHT = ("parameters", "n")
RULE = """\
Published figures are of one run unless they say otherwise. Obtained: the mean over n replicates on the test
images, with its 95 % interval over seeds and images (of a loss: over seeds). A verdict allows for the
published run's own chance (its test images, and seeds as ours spread) and for our interval: *better* and
*worse* lie outside that margin; *agrees* lies inside a margin narrower than a third of the published error;
else one *cannot tell from one published run*. Times are seconds of one training; compiling counts
among the CPU's seconds alone."""


def markdown(found: Sequence[Found], command: str, banner: str = "") -> str:
    """The whole document.

    Args:
        command: what writes it.
        banner: what must be known before anything is read, such as that this was a quick run.
    """
    parts = ["# The five labs, reproduced", f"Written by `{command}`. {effort(found)}".rstrip()]
    parts += [f"**{banner}**"] if banner else []
    parts += [RULE, *(_lab(one) for one in found)]
    return "\n\n".join(parts) + "\n"


def _lab(found: Found) -> str:
    parts = [f"## Lab {found.lab.name}. {found.lab.title}"]
    parts += [f"Data absent: {text}." for text in dict.fromkeys(p.absent for p in found.parts if p.absent)]
    parts += [
        f"Incomplete data: {text}." for text in dict.fromkeys(p.sample for p in found.parts if p.sample)
    ]
    made = lines(found)
    parts.append(_table(HEAD, [_row(line, found) for line in made]))
    parts.append("### What was trained")
    parts.append("\n".join(f"- `{name}`: {text}" for name, text in _settings(made, found).items()))
    parts += _answers(found)
    if ours := past(found):
        parts.append("### Past the lab")
        parts.append(_table(PAST, [_past(past_cells(p)) for p in ours]))
    failures = [text for part in found.parts if part.result for text in part.result.failures]
    if failures:
        parts.append("Failed: " + "; ".join(dict.fromkeys(failures)) + ".")
    return "\n\n".join(parts)


PAST = (
    "recipe", "images", "best published", "obtained (95 %)", "n", "what became of it", "time", "notes"
)  # fmt: skip


def _past(shown: dict[str, str]) -> list[str]:
    obtained = f"{shown['obtained']} ({shown['spread']})" if shown["spread"] else shown["obtained"]
    head = [f"`{shown['name']}`", shown["dataset"], shown["best"], obtained, shown["replicates"]]
    return [*head, shown["said"], shown["time"], shown["notes"]]


def _row(line: Line, found: Found) -> list[str]:
    c = cells(line, found)
    obtained = f"{c.obtained} ({c.spread})" if c.spread else c.obtained
    said = f"**{c.said}**" if line.verdict else c.said
    head = [
        f"`{c.name}`",
        c.engine,
        c.optimizer,
        c.parameters,
        c.metric,
        c.published,
        obtained,
        c.replicates,
        said,
    ]
    return [*head, c.cpu, c.gpu, c.notes]


def _settings(made: Sequence[Line], found: Found) -> dict[str, str]:
    return {cells(line, found).name: cells(line, found).settings for line in made}


def _answers(found: Found) -> list[str]:
    given = answers(found)
    said = [
        f"- **{a.question}** {a.words or 'Not answered: nothing was measured that answers it.'}"
        for a in given
    ]
    return ["### The lab's questions", "\n".join(said)] if said else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    line = ["| " + " | ".join(head) + " |"]
    line.append("| " + " | ".join("---:" if name in RIGHT else "---" for name in head) + " |")
    return "\n".join(line + ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
