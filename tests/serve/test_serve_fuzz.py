"""schemathesis over the whole OpenAPI document: whatever is asked, never a 5xx. HANDLENS_SOAK=1 asks more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from serve_support import serving

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = 400 if os.environ.get("HANDLENS_SOAK") else 6
ENDLESS = "/api/events"
OPERATIONS = (
    "GET /api/about", "GET /api/studies", "GET /api/studies/{study}", "GET /api/studies/{study}/charts",
    "GET /api/studies/{study}/topics", "GET /api/studies/{study}/history",
    "GET /api/studies/{study}/confusion", "GET /api/studies/{study}/confusion/images",
    "GET /api/runs", "GET /api/runs/{run}", "GET /api/data/{study}",
    "GET /api/data/{study}/images", "GET /api/data/{study}/images/{part}/{position}.png", "POST /api/predict",
    "POST /api/runs/{run}/insides",
)  # fmt: skip


@pytest.fixture(scope="module")
def document(trained: Path) -> Iterator[Any]:
    with serving(trained) as port:
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")


def test_every_operation_is_asked(document: Any) -> None:
    known = {operation.ok().label for operation in document.get_all_operations()}
    assert known == {*OPERATIONS, f"GET {ENDLESS}"}


@pytest.mark.parametrize("label", OPERATIONS)
def test_never_a_server_error(document: Any, runs: dict[str, str], label: str) -> None:
    method, path = label.split()
    operation = document[path][method]
    modes = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
    seen: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES < 100,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(modes), known=st.booleans())
    def ask(case: Any, known: bool) -> None:
        if known and isinstance(case.path_parameters, dict):
            there = {"study": "small", "run": runs["lenet5"]}
            case.path_parameters |= {k: v for k, v in there.items() if k in case.path_parameters}
        answer = case.call(timeout=30)
        seen.add(answer.status_code)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert list(answer.json()) == ["error"]

    ask()
    assert seen
