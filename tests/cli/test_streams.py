"""Terminals and pipes whose encoding is not UTF-8 get the table too."""

import io
import json
import os
import subprocess
import sys

import pytest

from handlens import cli


def said(monkeypatch, encoding, *words):
    """What a command writes to a standard output of that encoding, and its status."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr("sys.argv", ["handlens", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    sys.stdout.flush()
    return written.getvalue().decode(encoding), left.value.code or 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
@pytest.mark.parametrize("words", [["data"], ["models"], ["--help"]])
def test_what_an_encoding_lacks_is_replaced(monkeypatch, encoding, words):
    out, status = said(monkeypatch, encoding, *words)
    assert status == 0
    assert ("Usage" if words == ["--help"] else "mlp" if words == ["models"] else "mnist-5k") in out


def test_results_keep_their_numbers(handlens, monkeypatch):
    assert handlens("run", "--dataset", "digits", "--models", "dummy", "--replicates", "1").status == 0
    whole, _ = said(monkeypatch, "utf-8", "compare")
    plain, status = said(monkeypatch, "ascii", "compare")
    assert status == 0
    assert "?" not in plain
    widths = [
        [len(line) for line in out.splitlines() if "[" in line or "dummy" in line] for out in (whole, plain)
    ]
    assert widths[0] == widths[1] != []


def test_json_keeps_every_character(monkeypatch):
    whole, _ = said(monkeypatch, "utf-8", "data", "--json")
    plain, _ = said(monkeypatch, "ascii", "data", "--json")
    assert json.loads(plain) == json.loads(whole)


def test_the_locale_of_bare_machines():
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHONIO"))}
    done = subprocess.run(
        [sys.executable, "-c", "from handlens.cli import main; main()", "data"],
        env=bare | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "mnist-5k" in done.stdout
