"""`handlens check-notebook` as a user runs it."""

import json

import pytest

FAULTY = """from keras import Sequential, layers
m = Sequential([layers.Dense(3)])
m.compile('sgd', 'categorical_crossentropy')
n = Sequential([layers.Dense(3)])
n.compile('adam', 'categorical_crossentropy')
"""


@pytest.fixture(autouse=True)
def files(tmp_path):
    (tmp_path / "bad.py").write_text(FAULTY)
    (tmp_path / "good.py").write_text("x = 1\n")
    cells = [{"cell_type": "code", "source": FAULTY.split("m.compile")[0]},
             {"cell_type": "code", "source": "for ["},
             {"cell_type": "code", "source": "m.compile('sgd', 'categorical_crossentropy')"}]  # fmt: skip
    (tmp_path / "lab.ipynb").write_text(json.dumps({"cells": cells}))


def test_faults_with_their_place_and_the_lesson_once(handlens):
    done = handlens("check-notebook", "bad.py")
    assert done.status == 1
    assert "bad.py, line 3: the output and the loss do not fit\n    m.compile('sgd'" in done.out
    assert "bad.py, line 5: the output and the loss do not fit\n    n.compile('adam'" in done.out
    assert done.out.count("applies the softmax itself") == 1
    assert done.out.endswith("2 faults in 1 file.\n")
    assert all(len(line) <= 100 and line == line.rstrip() for line in done.out.split("\n"))


def test_nothing_found(handlens):
    done = handlens("check-notebook", "good.py")
    assert done.status == 0
    assert done.out == "No fault found in 1 file. That does not prove the numbers right.\n"


def test_several_files_and_notes(handlens):
    done = handlens("check-notebook", "good.py", "lab.ipynb")
    assert done.status == 1
    assert "lab.ipynb, cell 2, line 1: a cell that cannot be read  (note)" in done.out
    assert "lab.ipynb, cell 3, line 1: the output and the loss do not fit" in done.out
    assert done.out.endswith("1 fault in 1 of 2 files, 1 note.\n")


def test_json(handlens):
    assert handlens("check-notebook", "good.py", "--json").json == {
        "faults": 0,
        "files": [{"file": "good.py", "findings": []}],
    }
    done = handlens("check-notebook", "lab.ipynb", "--json")
    assert done.status == 1
    plain = json.loads(done.out)
    assert plain["faults"] == 1
    assert [(f["rule"], f["cell"], f["severity"]) for f in plain["files"][0]["findings"]] == [
        ("unreadable-cell", 2, "note"),
        ("softmax-and-logits", 3, "fault"),
    ]


def test_mistakes_are_one_line(handlens, tmp_path):
    (tmp_path / "x.ipynb").write_text("nothing")
    for words, says in (
        (["god.py"], "Did you mean 'good.py'?"),
        (["x.ipynb"], "not JSON"),
        (["x.txt"], "a name that ends in .ipynb or .py"),
    ):
        done = handlens("check-notebook", *words)
        assert done.status == 2
        assert done.out == ""
        assert done.err.count("\n") == 1
        assert says in done.err
