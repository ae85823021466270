"""A peer's process, as the benchmark sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType

NETWORKS = {"fifteen": 15}  # works whose time is for each of so many


class Peer:
    """Starts `benchmarks.worker`; `absent` says why it could not start (usually: the library is missing)."""

    def __init__(self, name: str, work: str) -> None:
        self.share = NETWORKS.get(work, 1)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, work],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        ready = json.loads(first) if first else {}
        self.version: str = ready.get("version", "")
        self.absent = "" if first else self._last_words()

    def step(self) -> dict[str, float]:
        """One timed step."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer: dict[str, float] = json.loads(self.process.stdout.readline())
        answer["seconds"] /= self.share
        return answer

    def _last_words(self) -> str:
        assert self.process.stderr is not None
        lines = self.process.stderr.read().strip().splitlines()
        return lines[-1] if lines else "it ended without a word"

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The end of its input lets a worker end its own processes; one that hangs is killed.
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
