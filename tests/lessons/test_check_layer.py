"""What the report says besides causes: kinds, conventions, styles, refusals."""

import json

import numpy as np
import pytest
from correct_layers import BOOK, CLOSURE, MSE, OURS
from planted_faults import GOOD_RELU, activation, column, linear, loss, network, sequential, two_layer
from students import bring

import handlens
from handlens.errors import SpecError
from handlens.lessons import KINDS, check_layer
from handlens.lessons.causes import CAUSES


@pytest.mark.parametrize(
    ("source", "target", "kind", "batch", "convention"),
    [
        (linear(), "Linear", "linear", "first", "gradients are sums over the images"),
        (column(), "Layer", "linear", "last", "gradients are averaged over the images in the layer"),
        (CLOSURE, "linear", "linear", "first", "gradients are sums over the images"),
        (OURS, "dense", "linear", "last", "gradients are sums over the images"),
        (GOOD_RELU, "ReLU", "relu", "first", ""),
        (activation("T", "np.tanh(x)", "dout * (1 - self.y ** 2)"), "T", "tanh", "first", ""),
        (loss(), "SoftmaxCrossEntropy", "softmax-cross-entropy", "first", "loss: the mean over the images"),
        (MSE, "MSELoss", "mse", "first", "loss: the mean over images and classes"),
        (network(), "Network", "network", "last", "gradients are means over the images"),
        (sequential(linear()), "make", "network", "first", "gradients are those of the one"),
    ],
)
def test_what_it_is(source, target, kind, batch, convention):
    report = check_layer(bring(source, target))
    assert (report.kind, report.batch) == (kind, batch)
    assert report.convention.startswith(convention)
    assert report.ok


def test_an_instance_and_its_arrays_are_left_alone():
    layer = bring(linear(), "Linear")(7, 2)
    before = layer.W.copy()
    assert check_layer(layer).ok
    assert np.array_equal(layer.W, before)
    assert not hasattr(layer, "x")


def test_a_network_of_real_size_is_sampled():
    source = sequential(linear()).replace(
        "Linear(6, 5), ReLU(), Linear(5, 4), Linear(4, 4), ReLU(), Linear(4, 3)",
        "Linear(784, 30), ReLU(), Linear(30, 10)",
    )
    assert check_layer(bring(source, "make")).ok
    report = check_layer(bring(source.replace("self.x.T @ dout", "self.x.T @ dout / len(dout)"), "make"))
    assert "missing-1/n" in report.causes


def test_the_layer_inside_a_network_is_named():
    report = check_layer(bring(sequential(linear(db="dout.sum(axis=1)")), "make"))
    assert {f.layer for f in report.findings if f.verdict == "wrong"} == {
        f"layers[{k}] (Linear)" for k in (0, 2, 3, 5)
    }
    assert "layers[0] (Linear): db works along the wrong axis" in str(report)


def test_what_is_said_is_json():
    plain = json.loads(
        json.dumps(handlens.check_layer(bring(linear(dW="-self.x.T @ dout"), "Linear")).plain())
    )
    assert plain["ok"] is False
    assert plain["causes"] == ["sign"]
    wrong = [f for f in plain["findings"] if f["verdict"] == "wrong"]
    assert [(f["check"], f["cause"]) for f in wrong] == [("dW", "sign")]
    assert wrong[0]["error"] == pytest.approx(2.0)


def test_a_softmax_of_columns_needs_to_be_told():
    source = activation(
        "Softmax",
        "np.exp(x - x.max(axis=0)) / np.exp(x - x.max(axis=0)).sum(axis=0)",
        "self.y * (dout - (dout * self.y).sum(axis=0))",
    )
    assert check_layer(bring(source, "Softmax")).causes == ("softmax-axis",)
    assert check_layer(bring(source, "Softmax"), batch="last").ok


def test_random_results():
    source = linear(forward="x @ self.W + self.b + np.random.randn()")
    assert check_layer(bring(source, "Linear")).causes == ("random",)


def test_no_backward():
    source = "class Linear:\n    def __init__(self, n, m):\n        self.W = np.ones((n, m))\n"
    source += "    def forward(self, x):\n        return x @ self.W\n"
    assert check_layer(bring(source, "Linear")).causes == ("missing",)


def test_notes_do_not_fail():
    report = check_layer(bring(BOOK, "Relu"))
    assert report.ok
    assert report.causes == ("in-place",)
    assert "note" in str(report)


def test_kind_and_batch_are_checked():
    layer = bring(two_layer(), "TwoLayerNet")
    with pytest.raises(SpecError, match="Did you mean 'network'"):
        check_layer(layer, kind="netwrok")
    with pytest.raises(SpecError, match="expected first"):
        check_layer(layer, batch="rows")
    assert check_layer(layer, kind="network").ok
    relu = bring(activation("Mystery", "np.tanh(x)", "dout * (1 - self.y ** 2)"), "Mystery")
    report = check_layer(relu, kind="relu")
    assert not report.ok
    assert "it is tanh" in str(report)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("x = 3", "x", "int"),
        ("class A: pass", "A", "no forward"),
        ("class A:\n    def __init__(self, n): raise RuntimeError('no')", "A", "cannot be made"),
        ("class A:\n    def forward(self, x): raise RuntimeError('broken')", "A", "broken"),
        ("class A:\n    def forward(self): return 1", "A", "cannot be called"),
        ("def loss(y_pred, y): raise RuntimeError('broken')", "loss", "broken"),
    ],
)
def test_what_cannot_be_called_is_refused(source, target, message):
    with pytest.raises(SpecError, match=message) as refused:
        check_layer(bring(source, target))
    assert "\n" not in str(refused.value)


def test_every_cause_has_its_words():
    for says, look in CAUSES.values():
        assert says
        assert look
        assert not look.endswith(".")
    assert len(set(KINDS)) == len(KINDS)
