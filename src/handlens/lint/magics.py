"""IPython's additions made plain Python, line by line, so that line numbers stay."""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
import warnings

# A cell magic whose body is Python that runs; the body of any other (%%bash, %%html, ...) is no Python.
_PYTHON_CELLS = {"time", "timeit", "capture", "prun", "python", "python3", "wandb", "memit", "script python"}
_MAGIC = re.compile(r"^(\s*)(?:[%!]|\?{1,2}\w)")
_ASSIGNED = re.compile(r"^(\s*)([\w\s,.\[\]'\"]+?)\s*=\s*[!%](?!=)(.*)$")
_LINE_RUNS = re.compile(r"^(\s*)%(?:time|timeit|prun|memit)\s+(?:-\S+\s+(?:\d+\s+)?)*(.*)$")
_HELP = re.compile(r"^(\s*)[\w.]+\?{1,2}\s*$")
DEEPEST = 150
MOST_NODES = 400_000


class Unreadable(Exception):
    """Not Python; `line` from 1."""

    def __init__(self, reason: str, line: int) -> None:
        self.reason = reason
        self.line = line
        super().__init__(reason)


def parse(source: str) -> ast.Module:
    """The syntax tree of a cell; magics, shell commands and top-level `await` are understood.

    Raises:
        Unreadable: not Python even then, or nested too deep to be walked.
    """
    if "\0" in source:
        raise Unreadable("it holds a null character", 1)
    try:
        tree = _parse(source)
    except SyntaxError:
        try:
            tree = _parse(textwrap.dedent(_plain(source)))
        except SyntaxError as error:
            raise Unreadable(str(error.msg), max(error.lineno or 1, 1)) from None
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise Unreadable(f"it is nested too deep ({type(error).__name__})", 1) from None
    _check_size(tree)
    return tree


def _parse(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise Unreadable(f"it is nested too deep ({type(error).__name__})", 1) from None


def _check_size(tree: ast.AST) -> None:
    """Depth without recursion: what is too deep for us must not reach the recursive walk."""
    level: list[ast.AST] = [tree]
    depth = nodes = 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > DEEPEST or nodes > MOST_NODES:
            line = min((getattr(node, "lineno", 1) for node in level), default=1)
            raise Unreadable("it is nested too deep or too long", line)
        level = [child for node in level for child in ast.iter_child_nodes(node)]


def _plain(source: str) -> str:
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].lstrip().startswith("%%"):
        name = lines[first].strip()[2:].split(maxsplit=1)
        if not name or name[0] not in _PYTHON_CELLS:
            return "\n" * (len(lines) - 1)
        lines[first] = ""
    inside = _string_lines(lines)
    for number, line in enumerate(lines):
        if number not in inside:
            lines[number] = _line(lines, number, line)
    return "\n".join(lines)


def _line(lines: list[str], number: int, line: str) -> str:
    if found := _LINE_RUNS.match(line):
        return found.group(1) + (found.group(2) or "pass")
    if found := _MAGIC.match(line) or _HELP.match(line):
        _drop_continuation(lines, number)
        return found.group(1) + "pass"
    if found := _ASSIGNED.match(line):
        _drop_continuation(lines, number)
        return f"{found.group(1)}{found.group(2)} = None"
    return line


def _drop_continuation(lines: list[str], number: int) -> None:
    goes_on = lines[number].endswith("\\")
    while goes_on and number + 1 < len(lines):
        number += 1
        goes_on = lines[number].endswith("\\")
        lines[number] = ""


def _string_lines(lines: list[str]) -> set[int]:
    """Lines that begin inside a string of several lines: a `%` or `!` there is text."""
    masked = ["" if re.match(r"^\s*[%!?]", line) else line for line in lines]
    inside: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(masked)).readline):
            if token.type == tokenize.STRING:
                inside.update(range(token.start[0], token.end[0]))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass
    return inside
