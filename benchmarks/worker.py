"""One peer at one work, in a process of its own: a line on standard input is one timed step.

`python -m benchmarks.worker PEER WORK` prepares, steps once to warm up, says its version, then answers each
line with a line of JSON: seconds, memory beside images and libraries, and what the check of the step found.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.work import mnist

MODULES = {
    "ours": "ours",
    "scratch": "ours",
    "ours-keras": "ours_keras",
    "alone": "ours_keras_alone",
    "keras-jax": "keras_jax",
    "torch": "torch_eager",
    "keras-tensorflow": "keras_tensorflow",
    "scikit-learn": "scikit_learn",
    "onnxruntime": "onnx_runtime",
}


def memory_mb(field: str) -> float:
    """MB resident now (`VmRSS`) or at most so far (`VmHWM`), as Linux counts; nan elsewhere."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), float("nan"))


def main() -> None:
    """Answer until standard input ends."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    peer, work = sys.argv[1:3]
    module = importlib.import_module(f"benchmarks.peers.{MODULES[peer]}")
    images = mnist()[0]
    images.sum()  # every page of the mapped file is in memory now
    before = memory_mb("VmRSS")
    step = module.WORKS[work]()
    step()
    answers.write(json.dumps({"version": module.version()}) + "\n")
    for _ in sys.stdin:
        begin = time.perf_counter()
        found = step()
        seconds = time.perf_counter() - begin
        checked = module.CHECKS[work](found) if work in module.CHECKS else {}
        answers.write(
            json.dumps({"seconds": seconds, "extra_mb": memory_mb("VmHWM") - before} | checked) + "\n"
        )


if __name__ == "__main__":
    main()
