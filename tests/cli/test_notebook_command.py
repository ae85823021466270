import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("typst")

STUDY = """
title = "Guess"
dataset = "digits"
replicates = 1

[[recipe]]
use = "dummy"
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "guess work.toml"
    path.write_text(STUDY)
    return path


def test_help_has_an_example(handlens):
    done = handlens("notebook", "--help")
    assert done.status == 0
    assert "Example: handlens notebook" in " ".join(done.out.split())


def test_a_study_that_is_not_there(handlens):
    done = handlens("notebook", "fist-look")
    assert done.status == 2
    assert "no study is called 'fist-look'" in done.err
    assert len(done.err.splitlines()) == 1


def test_missing_runs_are_said_and_nothing_is_written(handlens, study, tmp_path):
    done = handlens("notebook", study.name)
    assert done.status == 2
    assert "1 of its 1 runs are not in runs (recipe 'dummy', replicate 1)" in done.err
    assert "handlens run" in done.err
    assert "--train" in done.err
    assert not (tmp_path / "reports").exists()


def test_train_and_write_then_find_it_by_name(handlens, study, tmp_path):
    done = handlens("notebook", study.name, "--train", "--no-pdf", "--json")
    assert done.status == 0, done.err
    path = tmp_path / "reports" / "guess work" / "notebook.ipynb"
    assert tmp_path / done.json["notebook"] == path
    assert done.json["pdf"] is None
    assert [p.name for p in path.parent.iterdir()] == ["notebook.ipynb"]
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert done.json["cells"] == len(cells) == cells[-1]["execution_count"]
    assert done.err == ""


def test_without_the_extra_the_remedy_is_said(handlens, study, monkeypatch, tmp_path):
    from importlib.util import find_spec

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "typst" else find_spec(name))
    done = handlens("notebook", study.name, "--train")
    assert done.status == 2
    assert "pip install 'handlens[notebook]'" in done.err
    assert not (tmp_path / "runs").exists()


def test_nothing_of_it_is_loaded_by_other_commands():
    heavy = ["nbformat", "nbclient", "ipykernel", "typst", "markdown_it", "zmq", "altair"]
    check = f"import handlens.cli, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc")
@pytest.mark.parametrize("group", [False, True], ids=["the command", "as from a terminal, the kernel too"])
def test_ctrl_c_while_the_cells_run_is_one_line(study, tmp_path, group):
    code = "from handlens.cli import main; main()"
    command = [sys.executable, "-c", code, "notebook", study.name, "--train", "--no-pdf", "--quiet"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    kernel = until(lambda: kernels_of(process.pid))
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT) if group else process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert error.strip().startswith("stopped: ")
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "reports").exists() or not list((tmp_path / "reports").rglob("*.ipynb"))
    until(lambda: not kernels_of(process.pid))
    assert kernel


def kernels_of(session):
    """The processes of a session that run a notebook's cells."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == session and b"ipykernel" in (folder / "cmdline").read_bytes():
                found.append(folder.name)
    return found


def until(look, seconds=60):
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found
