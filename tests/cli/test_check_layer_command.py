"""`handlens check-layer` on modules in the current folder."""

import json
import textwrap

import pytest

LAYERS = """
    import numpy as np
    print("hello from the student")

    class Linear:
        def __init__(self, n_in, n_out):
            self.W = np.random.randn(n_in, n_out)
            self.b = np.zeros(n_out)
        def forward(self, x):
            self.x = x
            return x @ self.W + self.b
        def backward(self, dout):
            self.dW = self.x.T @ dout
            self.db = dout.sum(axis=AXIS)
            return dout @ self.W.T

    def relu(x):
        return np.maximum(x, 0)

    def relu_slope(x):
        return (x > 0) * 1.0
"""


@pytest.fixture
def write(tmp_path):
    def write(name, axis=0, source=LAYERS):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source).replace("AXIS", str(axis)))

    return write


def test_all_is_well(handlens, write):
    write("good_layers")
    done = handlens("check-layer", "good_layers:Linear")
    assert done.status == 0
    assert done.out.startswith("good_layers:Linear: linear, batches [n, features]; gradients are sums")
    assert done.out.endswith("all is well\n")
    assert "hello from the student" in done.err
    assert handlens("check-layer", "good_layers.py:Linear", "--json").json["ok"] is True


def test_a_fault_is_named_and_status_is_one(handlens, write):
    write("bad_layers", axis=1)
    done = handlens("check-layer", "bad_layers:Linear")
    assert done.status == 1
    assert "wrong  db works along the wrong axis" in done.out
    assert "cause: wrong-axis" in done.out
    as_json = handlens("check-layer", "bad_layers:Linear", "--json")
    assert as_json.status == 1
    assert json.loads(as_json.out)["causes"] == ["wrong-axis"]


def test_an_edited_file_is_read_again(handlens, write):
    write("edited_layers", axis=1)
    assert handlens("check-layer", "edited_layers:Linear").status == 1
    write("edited_layers", axis="  0")  # another size: the clock may stand still between two writes
    assert handlens("check-layer", "edited_layers:Linear").status == 0


def test_a_pair_and_a_kind(handlens, write):
    write("pairs")
    done = handlens("check-layer", "pairs:relu,relu_slope", "--kind", "relu", "--batch", "first")
    assert done.status == 0
    assert "relu, batches [n, features]; a derivative by itself" in done.out
    done = handlens("check-layer", "pairs:relu,relu", "--kind", "relu")
    assert done.status == 1
    assert "wrong" in done.out


def test_mistakes_are_one_line(handlens, write):
    write("some_layers")
    write("broken_layers", source="import no_such_thing")
    write("stops", source="raise SystemExit(3)")
    write("json")
    for words, message in (
        (["some_layers"], "expected module:name"),
        (["some_layer:Linear"], "Did you mean 'some_layers'"),
        (["some_layers:Liner"], "Did you mean 'Linear'"),
        (["broken_layers:Linear"], "No module named 'no_such_thing'"),
        (["stops:Linear"], "SystemExit"),
        (["json:Linear"], "Give your file another name"),
        (["some_layers:Linear", "--kind", "lineal"], "Did you mean 'linear'"),
    ):
        done = handlens("check-layer", *words)
        assert done.status == 2, words
        lines = [line for line in done.err.splitlines() if "hello" not in line]
        assert len(lines) == 1
        assert message in lines[0]
        assert done.out == ""
