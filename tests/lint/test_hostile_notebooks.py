"""Files that are no notebooks, or mean harm: one line, no crash, nothing run."""

import json
import sys
import time

import planted_notebooks as planted
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlens.errors import HandlensError
from handlens.lint import check_notebook, check_source, read_cells, reading


def notebook(*sources, **more):
    cells = [{"cell_type": "code", "source": s, "metadata": {}, "outputs": []} for s in sources]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}} | more)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.ipynb", b"", "not JSON"),
        ("a.ipynb", b"{", "not JSON"),
        ("a.ipynb", b"\x89PNG\r\n\x1a\n\xff\xfe", "not a text file"),
        ("a.ipynb", "{'cells': []}".encode("utf-16"), "not a text file"),
        ("a.ipynb", b"NaN", "not a notebook"),
        ("a.ipynb", b"[1, 2]", "not a notebook"),
        ("a.ipynb", b'{"cells": {}}', "not a notebook"),
        ("a.ipynb", b'{"cells": [1]}', "not a cell"),
        ("a.ipynb", notebook([1, 2]).encode(), "its source is not text"),
        ("a.ipynb", notebook({"a": 1}).encode(), "its source is not text"),
        ("a.ipynb", b'{"cells": ' + b"[" * 5000 + b"]" * 5000 + b"}", "levels deep"),
        ("a.ipynb", b'{"cells": [' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"]}", "levels deep"),
        ("a.py", b"x = '\xff\xfe'", "not a text file"),
        ("a.py", b"# coding: nonsense\nx = 1", "not a text file"),
        ("a.py", b"x = 1\0", "not a text file"),
        ("a.txt", b"x = 1", "no notebook"),
    ],
)
def test_one_line(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(HandlensError, match=says) as raised:
        check_notebook(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_missing_and_too_large(tmp_path, monkeypatch):
    (tmp_path / "lab1.ipynb").write_text(notebook())
    with pytest.raises(HandlensError, match=r"Did you mean 'lab1.ipynb'"):
        check_notebook(tmp_path / "lap1.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    with pytest.raises(HandlensError, match="not a file"):
        check_notebook(tmp_path / "folder.ipynb")
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    (tmp_path / "big.ipynb").write_text(notebook("x" * 200))
    with pytest.raises(HandlensError, match="larger than"):
        check_notebook(tmp_path / "big.ipynb")


def test_too_many_cells_and_too_much_source(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook(*["x = 1"] * 20))
    monkeypatch.setattr(reading, "MOST_CELLS", 10)
    with pytest.raises(HandlensError, match="20 cells"):
        check_notebook(path)
    monkeypatch.setattr(reading, "MOST_CELLS", 100)
    monkeypatch.setattr(reading, "MOST_SOURCE", 50)
    with pytest.raises(HandlensError, match="of source"):
        check_notebook(path)


def test_forms_of_notebooks(tmp_path):
    path = tmp_path / "a.ipynb"
    code = {"cell_type": "code", "input": ["x = 1\n", "y = 2"], "prompt_number": 3}
    old = {"worksheets": [{"cells": [code, {"cell_type": "heading", "source": "Title"}]}], "nbformat": 3}
    path.write_text(json.dumps(old))
    first, second = read_cells(path)
    assert (first.source, first.count, second.kind) == ("x = 1\ny = 2", 3, "markdown")
    path.write_text(notebook())
    assert check_notebook(path) == ()
    path.write_text(notebook("x = 1\r\ny = 2").replace('"metadata"', '"metadata": NaN, "other"'))
    assert read_cells(path)[0].source == "x = 1\ny = 2"
    path.write_bytes(b"\xef\xbb\xbf" + notebook("x = 1").encode())
    assert len(read_cells(path)) == 1
    path.write_text(notebook("x = 1", cells=[{"cell_type": None, "execution_count": True}]))
    assert read_cells(path)[0].count is None
    umlaut = tmp_path / "a.py"
    umlaut.write_bytes("# -*- coding: latin-1 -*-\nprüf = 'ä'\n".encode("latin-1"))
    assert "prüf" in read_cells(umlaut)[0].source


def test_a_cell_that_cannot_be_read_costs_only_itself():
    good = "from keras import Sequential, layers\nm = Sequential([layers.Dense(3)])"
    bad = "x = (1,\nthis is no python"
    fault = "m.compile('sgd', 'categorical_crossentropy')"
    found = check_source([good, bad, fault])
    assert [(f.rule, f.cell, f.severity) for f in found] == [
        ("unreadable-cell", 2, "note"),
        ("softmax-and-logits", 3, "fault"),
    ]
    for deep in (
        "(" * 400 + ")" * 400,
        "-" * 5000 + "1",
        "+".join(["1"] * 3000),
        "a\0b",
        "[" * 99 + "]" * 99 + "]",
    ):
        found = check_source([good, deep, fault])
        assert ("softmax-and-logits", 3) in [(f.rule, f.cell) for f in found]


def test_nothing_is_run_and_nothing_imported(tmp_path):
    mark = tmp_path / "mark"
    source = f"import antigravity\nopen({str(mark)!r}, 'w').write('x')\n__import__('this')\n!touch {mark}\n"
    before = set(sys.modules)
    (tmp_path / "a.ipynb").write_text(notebook(source, f"%%bash\ntouch {mark}"))
    assert check_notebook(tmp_path / "a.ipynb") == ()
    assert not mark.exists()
    assert not {"antigravity", "this", "keras", "sklearn", "torch"} & (set(sys.modules) - before)


BOMBS = {
    "calls": "def f0(x):\n    return x\n"
    + "".join(
        f"def f{i}(x):\n    for a in x:\n        f{i - 1}(x); f{i - 1}(x)\n    return [x, x]\n"
        for i in range(1, 30)
    )
    + "f29(1)\n",
    "nested lists": "a = [1]\n" + "a = [a, a, a, a, a, a, a, a]\n" * 500 + "print(max(a))",
    "doubled text": "s = 'x'\n" + "for i in r:\n    s = f'{s}{s}'\n    s += s\n    a = [*a, *a]\n" * 50,
    "nested loops": "".join("    " * i + f"for a{i} in b:\n" for i in range(18)) + "    " * 18 + "g(x)\n",
    "large powers": "x = 10 ** 10 ** 10\ny = 'a' * 10 ** 12\nz = [0] * 10 ** 12\nw = 1 << 10 ** 9\n",
    "a list in itself": "a = []\na.append(a)\nprint(max(a))\nd = {}\nd['d'] = d\nprint(sorted(d))\n",
    "recursion": "def f(x):\n    return f(f(x))\nf(1)\nclass A(A):\n    pass\nA()\n",
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_do_not_go_off(source):
    start = time.process_time()
    check_source([source, "x = 1"])
    assert time.process_time() - start < 20


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abx_ \n()[]{}=:.,%!?\"'#\\+-*/1", max_size=200))
def test_any_text_is_taken(text):
    check_source([text])


LINES = [
    line
    for n in planted.all_notebooks()
    for cell in n.cells
    if cell.kind == "code"
    for line in cell.source.split("\n")
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=40))
def test_any_mixture_of_lines_is_taken(lines):
    """Lines of the planted notebooks in any order: often not sensible, sometimes not Python."""
    for finding in check_source(["\n".join(lines[:20]), "\n".join(lines[20:])]):
        assert finding.title
        assert finding.line >= 1
