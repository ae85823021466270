"""A peer's process, as the benchmark sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from types import TracebackType

NETWORKS = {"fifteen": 15, "keras-fifteen": 15}  # works whose time is for each of so many


class Peer:
    """Starts `benchmarks.worker`; `absent` says why it could not start (usually: the library is missing).

    A peer whose turn it is not is stopped, with the processes it started: threads that wait by spinning, as
    some libraries' do, would take time from the others. Each library chooses its kernels for this CPU itself:
    what the environment orders OpenBLAS to do is not passed on.
    """

    def __init__(self, name: str, work: str) -> None:
        self.share = NETWORKS.get(work, 1)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, work],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")},
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        ready = json.loads(first) if first else {}
        self.version: str = ready.get("version", "")
        self.absent = "" if first else self._last_words()
        self._signal(signal.SIGSTOP)

    def step(self) -> dict[str, float]:
        """One timed step."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._signal(signal.SIGCONT)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer: dict[str, float] = json.loads(self.process.stdout.readline())
        self._signal(signal.SIGSTOP)
        answer["seconds"] /= self.share
        return answer

    def _signal(self, number: signal.Signals) -> None:
        """To the peer and all its processes, unless it is gone."""
        if not self.absent:
            os.killpg(self.process.pid, number)

    def _last_words(self) -> str:
        assert self.process.stderr is not None
        lines = self.process.stderr.read().strip().splitlines()
        return lines[-1] if lines else "it ended without a word"

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signal(signal.SIGCONT)
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
