"""The words of the help as they are written: rich takes a word in square brackets for a style and eats it."""

import re
from types import SimpleNamespace

import pytest
import typer

from handlens.cli import app


def commands(command, words=()):
    """Every command with the words that call it."""
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))


COMMANDS = [SimpleNamespace(words=words, command=it) for words, it in commands(typer.main.get_command(app))]


def bracketed(command):
    """What stands in square brackets in a command's own words."""
    texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
    return [part for text in texts for part in re.findall(r"\[[^\]]+\]", (text or "").replace("\\[", "["))]


def test_some_help_has_brackets():
    assert sum(len(bracketed(one.command)) for one in COMMANDS) >= 3


@pytest.mark.parametrize("one", COMMANDS, ids=lambda one: " ".join(one.words) or "handlens")
def test_no_word_in_brackets_is_eaten(handlens, monkeypatch, one):
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 400)
    shown = handlens(*one.words, "--help").out
    assert "\\[" not in shown
    for part in bracketed(one.command):
        assert part in shown
