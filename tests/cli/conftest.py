"""Commands run as a user runs them, in a folder of their own."""

import json
from types import SimpleNamespace

import pytest

from handlens import cli


@pytest.fixture
def handlens(tmp_path, monkeypatch, capsys):
    """Call a command by its words; gives status, standard output, standard error and parsed JSON."""
    monkeypatch.chdir(tmp_path)
    for name in ("HANDLENS_RUNS", "HANDLENS_REPORTS"):
        monkeypatch.delenv(name, raising=False)

    def call(*words):
        monkeypatch.setattr("sys.argv", ["handlens", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        output = capsys.readouterr()
        plain = json.loads(output.out) if "--json" in words and left.value.code == 0 else None
        return SimpleNamespace(status=left.value.code or 0, out=output.out, err=output.err, json=plain)

    return call
