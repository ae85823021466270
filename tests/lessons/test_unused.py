"""Parameters that forward never uses: homework that was not done is not well."""

import pytest
from planted_faults import linear, sequential
from students import bring

from handlens.lessons import check_layer

STUB = """
class Linear:
    def __init__(self, n_in, n_out):
        self.NAME = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)
    def forward(self, x):
        return RESULT
    def backward(self, dy):
        self.dNAME = np.zeros_like(self.NAME)
        return dy
"""


def stub(name="W", result="x"):
    return STUB.replace("NAME", name).replace("RESULT", result)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (stub(), "W, b"),
        (stub("weights"), "weights, b"),
        (stub("A"), "A, b"),
        (stub(result="np.zeros((len(x), 3))"), "W, b"),
        (stub(result="np.maximum(x, 0)"), "W, b"),
        (stub(result="np.zeros((len(x), 3)) + self.b"), "W"),
    ],
)
def test_a_stub_that_uses_no_weight_is_wrong(source, named):
    report = check_layer(bring(source, "Linear"))
    assert not report.ok
    assert report.causes == ("unused",)
    assert f"forward does not use its parameters: {named}" in str(report)


def test_functions_that_are_given_weights():
    source = "def affine_forward(x, w, b):\n    return x\ndef affine_backward(dout):\n    return dout\n"
    assert check_layer(bring(source, "affine_forward")).causes == ("unused",)


def test_a_stub_inside_a_network_is_named():
    stubbed = sequential(linear()).replace("return x @ self.W + self.b", "return x")
    assert "unused" in check_layer(bring(stubbed, "make")).causes


def test_all_weights_zero_is_no_fault():
    source = """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.W2 = np.zeros((n_in, n_hidden)), np.zeros((n_hidden, n_out))
    def forward(self, x):
        self.x, self.h = x, x @ self.W1
        return self.h @ self.W2
    def backward(self, dout):
        self.dW2 = self.h.T @ dout
        self.dW1 = self.x.T @ (dout @ self.W2.T)
        return dout @ self.W2.T @ self.W1.T
"""
    assert "unused" not in check_layer(bring(source, "Net")).causes
