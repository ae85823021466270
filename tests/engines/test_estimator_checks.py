"""scikit-learn's own checks: all of them, without one expected failure."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)

from handlens.engines.estimator import NetworkClassifier

ARRAY_API = "check_array_api_input"  # scikit-learn runs it in a process that was started for it
CHOICES = [
    NetworkClassifier(),
    NetworkClassifier(
        ["Dense(64, activation='gelu')", "BatchNormalization()"],
        optimizer="SGD(0.05, momentum=0.9)",
        prepare=None,
        epochs=40,
    ),
]


@parametrize_with_checks(CHOICES)
def test_scikit_learns_checks(estimator, check):
    if getattr(check, "func", check).__name__ != ARRAY_API:
        check(estimator)


@pytest.mark.filterwarnings("default")
def test_column_names():
    check_dataframe_column_names_consistency("NetworkClassifier", NetworkClassifier())


def test_no_check_is_left_out():
    """In a process of its own, since SCIPY_ARRAY_API is read when SciPy is imported."""
    code = (
        "import json\n"
        "from sklearn.utils.estimator_checks import check_estimator\n"
        "from handlens.engines.estimator import NetworkClassifier\n"
        "done = check_estimator(NetworkClassifier(), on_skip=None, on_fail=None)\n"
        "print(json.dumps([(d['check_name'], d['status'], repr(d['exception'])) for d in done]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)
    assert ARRAY_API in [name for name, _, _ in results]
    assert len(results) >= 50
    assert [result for result in results if result[1] != "passed"] == []


def test_a_broken_estimator_is_caught():
    """The checks can fail: one that forgets the order of its classes does not pass."""
    from sklearn.utils.estimator_checks import check_classifiers_train

    class Reversed(NetworkClassifier):
        def predict(self, X):
            return self.classes_[self._outputs(X).argmin(axis=1)]

    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        check_classifiers_train("Reversed", Reversed(random_state=0))
