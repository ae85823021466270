"""Resident memory of a server over many requests: HANDLENS_SOAK=1, ten minutes on two cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REQUESTS = 100_000


@pytest.mark.skipif(not os.environ.get("HANDLENS_SOAK"), reason="takes minutes: set HANDLENS_SOAK=1")
def test_memory_stays_flat_over_a_hundred_thousand_requests() -> None:
    command = [sys.executable, "-m", "benchmarks.serve", "--repeats", "1", "--soak", str(REQUESTS)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("resident MB"), done.stdout
    megabytes = json.loads(last.rpartition(": ")[2])
    # The first tenth fills caches; after that a leak of 50 bytes a request would show.
    assert max(megabytes[1:]) - megabytes[0] < 5, megabytes
