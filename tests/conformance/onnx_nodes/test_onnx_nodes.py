"""The layers pass the test cases that the makers of ONNX wrote for their operators.

They ship inside the package onnx: of another version of it there may be others, and then `left_out` must say
what became of them.
"""

from __future__ import annotations

import numpy as np
import pytest
from left_out import LEFT_OUT, REASONS
from onnx_backend import OPERATORS, run_node
from onnx_cases import Case, cases, onnx
from through import Refused

NO_CASE_WITHIN_OUR_LIMITS = {"Pad"}


def failure(case: Case) -> str:
    """What is wrong with our outputs of a case; empty where nothing is."""
    found = run_node(case.operator, case.attributes, case.inputs, len(case.outputs))
    for ours, wanted in zip(found, case.outputs, strict=True):
        if ours.shape != wanted.shape or ours.dtype != wanted.dtype:
            return f"{case.name}: {ours.dtype} {ours.shape}, not {wanted.dtype} {wanted.shape}"
        if not np.allclose(ours, wanted, rtol=case.rtol, atol=case.atol):
            return f"{case.name}: off by {np.abs(ours - wanted).max()}"
    return ""


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_applicable_case_passes(operator: str) -> None:
    ours = [case for case in cases() if case.operator == operator and case.name not in REASONS]
    assert bool(ours) == (operator not in NO_CASE_WITHIN_OUR_LIMITS)
    assert [text for case in ours if (text := failure(case))] == []


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_what_is_left_out_is_refused_for_the_reason_given(reason: str) -> None:
    for case in cases():
        if case.name in LEFT_OUT[reason]:
            with pytest.raises(Refused) as refused:
                run_node(case.operator, case.attributes, case.inputs, len(case.outputs))
            assert str(refused.value) == reason, case.name


def test_every_case_is_run_or_listed_and_no_list_is_stale() -> None:
    names = {case.name for case in cases()}
    assert set(REASONS) <= names, "listed, but no longer shipped"
    assert len(REASONS) == sum(map(len, LEFT_OUT.values())), "listed twice"
    assert len(names) == len(cases()) >= 180
    assert {case.operator for case in cases()} == set(OPERATORS)


@pytest.mark.parametrize("border", [(0, 0), (2, 1)])
def test_an_even_border_of_zeros_is_onnx_s_own(border: tuple[int, int]) -> None:
    from onnx.reference import ReferenceEvaluator

    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    pads = np.array([0, 0, *border] * 2)
    node = onnx.helper.make_node("Pad", ["x", "pads"], ["y"])
    (wanted,) = ReferenceEvaluator(node).run(None, {"x": x, "pads": pads})
    (found,) = run_node("Pad", {}, [x, pads])
    assert np.array_equal(found, wanted)
