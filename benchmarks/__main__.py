"""`python -m benchmarks [WORK ...] [--write]`: time works, ours and the peers' in turn, and print ratios.

A peer that is not installed is left out and named. `--write` renews docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack

from benchmarks.process import Peer
from benchmarks.tables import Found, text, write
from benchmarks.work import WORKS, Work


def main() -> None:
    """Read the arguments, time the works, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("works", nargs="*", metavar="WORK", help=", ".join(w.name for w in WORKS))
    parser.add_argument("--repeats", type=int, default=5, help="timed steps of each peer (default 5)")
    parser.add_argument("--write", action="store_true", help="renew docs/benchmarks.md")
    arguments = parser.parse_args()
    unknown = set(arguments.works) - {w.name for w in WORKS}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    chosen = [w for w in WORKS if not arguments.works or w.name in arguments.works]
    with Peer("ours", "peak") as machine:
        peak = machine.step()["sgemm_peak"]
    found = []
    for work in chosen:
        found.append(measure(work, arguments.repeats))
        print(text([found[-1]], peak), flush=True)
    if arguments.write:
        print(f"written: {write(found, peak, arguments.repeats)}")


def measure(work: Work, repeats: int) -> Found:
    """Each peer steps once, in turn, `repeats` times; medians, and the median of the ratios pair by pair."""
    with ExitStack() as stack:
        peers = {name: stack.enter_context(Peer(name, work.name)) for name in (work.ours, *work.targets)}
        absent = {name: peer.absent for name, peer in peers.items() if peer.absent}
        running = {name: peer for name, peer in peers.items() if not peer.absent}
        answers: dict[str, list[dict[str, float]]] = {name: [] for name in running}
        for _ in range(repeats):
            for name, peer in running.items():
                answers[name].append(peer.step())
        seconds = {name: [a["seconds"] for a in given] for name, given in answers.items()}
        ratios = {
            name: [theirs / ours for theirs, ours in zip(seconds[name], seconds[work.ours], strict=True)]
            for name in running
            if name != work.ours
        }
        return Found(
            work=work,
            seconds={name: statistics.median(given) for name, given in seconds.items()},
            ratios={name: (statistics.median(r), min(r), max(r)) for name, r in ratios.items()},
            accuracy={
                name: [a["test_accuracy"] for a in given]
                for name, given in answers.items()
                if "test_accuracy" in given[0]
            },
            extra_mb=max(a["extra_mb"] for a in answers[work.ours]),
            versions={name: peer.version for name, peer in running.items()},
            absent=absent,
        )


if __name__ == "__main__":
    main()
