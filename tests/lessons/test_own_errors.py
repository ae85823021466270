"""The student's own error is shown, not the mismatch of another way to call the layer."""

import pytest
from students import bring

from handlens.errors import SpecError
from handlens.lessons import check_layer
from handlens.lessons.causes import CAUSES
from handlens.lessons.report import WRONG, Finding

LAYER = """
class Linear:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return FORWARD
    def backward(self, dy):
        self.dw = self.x.T @ dy
        self.db = BACK
        return dy @ self.w.T
"""


def layer(forward="x @ self.w + self.b", back="dy.sum(axis=0)"):
    return bring(LAYER.replace("FORWARD", forward).replace("BACK", back), "Linear")


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        ("x @ self.w + self.bias", "AttributeError: 'Linear' object has no attribute 'bias'"),
        ("x @ self.w + bias", "NameError: name 'bias' is not defined"),
        ("x @ self.w + {}['bias']", "KeyError: 'bias'"),
        ("(self.w.T @ x) + self.bias[:, None]", "AttributeError: 'Linear' object has no attribute 'bias'"),
    ],
)
def test_the_error_of_forward_and_its_line(forward, message):
    with pytest.raises(SpecError, match="forward stops with") as refused:
        check_layer(layer(forward))
    assert message in str(refused.value)
    assert "line 8" in str(refused.value)
    assert "mismatch" not in str(refused.value)


def test_where_every_way_clashes_the_one_that_came_furthest_is_shown():
    broken = """
class Linear:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_out, n_in)
    def forward(self, x):
        z = self.w @ x
        return z + np.zeros(77)
"""
    with pytest.raises(SpecError, match="forward cannot be called") as refused:
        check_layer(bring(broken, "Linear"))
    assert "broadcast" in str(refused.value)
    assert "line 7" in str(refused.value)


def test_the_error_of_backward_and_its_line():
    report = check_layer(layer(back="dy.sum(axis=0) + self.nothing"))
    assert "no attribute 'nothing'" in str(report)
    assert "line 11" in str(report)


def test_the_error_of_a_loss():
    source = "def my_loss(y_pred, y):\n    return np.mean(y_pred) * missing_name"
    with pytest.raises(SpecError, match=r"stops with NameError: name 'missing_name' .*line 2"):
        check_layer(bring(source, "my_loss"))


@pytest.mark.parametrize("cause", CAUSES)
def test_what_to_do_is_a_sentence(cause):
    line = Finding("dx", WRONG, cause).line()
    told = line.partition(f"cause: {cause}. ")[2]
    assert told.startswith(("Look at ", "Subtract ", "Divide ", "Multiply ", "Compute ", "Store ", "Compare ",
                            "Use ", "Write ", "Copy ", "Start ", "Save ", "Return "))  # fmt: skip
    assert told.endswith(".")
