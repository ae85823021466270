"""How fast and how frugal `handlens serve` is: LeNet, asked over HTTP on this machine.

    python -m benchmarks.serve [--repeats 3] [--soak 100000]

Prints medians over the repeats: latencies of single pictures at 50 requests a second, images a second in
batches of 100, and resident memory over many requests. The load comes from a process of its own on the same
cores, so a server alone does better.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import multiprocessing
import os
import queue
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

RATE, SECONDS, BATCH = 50, 10, 100
STUDY = """
name = "bench"
dataset = "mnist-5k"
replicates = 1
[[recipe]]
use = "lenet5"
epochs = 1
"""


def serving(folder: Path, port: Any, stop: Any) -> None:
    """The server's process: tells its port, answers until stopped."""
    from threadpoolctl import threadpool_limits

    from handlens.data import load
    from handlens.serve.access import access
    from handlens.serve.app import application
    from handlens.serve.desks import Desks
    from handlens.serve.library import Library, Wanted
    from handlens.serve.server import listening, run
    from handlens.serve.site import Site
    from handlens.studies.planning.plan import read_study
    from handlens.studies.storage.store import Store
    from handlens.studies.training.run import run_study

    path = folder / "reports" / "bench" / "study.toml"
    path.parent.mkdir(parents=True)
    path.write_text(STUDY, encoding="utf-8")
    store = Store(folder / "runs")
    run_study(read_study(path), load("mnist-5k"), store)
    library = Library(store, folder / "reports", Wanted())
    found = listening("127.0.0.1", 0)
    number = found.getsockname()[1]
    port.put(number)
    ended = threading.Event()
    threading.Thread(target=lambda: (stop.wait(), ended.set()), daemon=True).start()
    with threadpool_limits(1):
        run(application(Site(library, Desks(library)), access("127.0.0.1", number, "")), found, ended)


class Client:
    """One connection that stays."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def post(self, path: str, body: bytes, kind: str) -> bytes:
        self._line.request("POST", path, body, {"Content-Type": kind})
        answer = self._line.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {content[:200]!r}")
        return content


def latencies(port: int, path: str, bodies: list[bytes], kind: str) -> list[float]:
    """Milliseconds of single requests that are due at a fixed rate, whatever the ones before take."""
    taken: list[float] = []
    threads = []
    free: queue.SimpleQueue[Client] = queue.SimpleQueue()
    for _ in range(8):
        free.put(Client(port))
    begin = time.perf_counter() + 0.1

    def one(number: int, due: float) -> None:
        client = free.get()
        client.post(path, bodies[number % len(bodies)], kind)
        taken.append(1000 * (time.perf_counter() - due))
        free.put(client)

    for number in range(RATE * SECONDS):
        due = begin + number / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        thread = threading.Thread(target=one, args=(number, due))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return taken


def throughput(port: int, path: str, body: bytes, seconds: float = 5.0) -> float:
    """Images a second in batches, two connections one after the other each."""
    counts = [0, 0]
    end = time.perf_counter() + seconds

    def ask(i: int) -> None:
        client = Client(port)
        while time.perf_counter() < end:
            client.post(path, body, "application/json")
            counts[i] += BATCH

    begin = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begin)


def resident(pid: int) -> float:
    """Megabytes of a process in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used; other load on the machine takes no part in it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def soak(port: int, pid: int, path: str, bodies: list[bytes], requests: int) -> list[float]:
    """Resident megabytes after each tenth of the requests."""
    clients, found = [Client(port), Client(port)], []
    for tenth in range(10):
        share = requests // 20

        def ask(client: Client, share: int = share, tenth: int = tenth) -> None:
            for number in range(share):
                client.post(path, bodies[(number + tenth) % len(bodies)], "application/json")

        threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.append(resident(pid))
    return found


def pictures() -> tuple[list[bytes], list[bytes], bytes]:
    """PNGs, the same as JSON, and a batch of them as JSON."""
    import io

    from PIL import Image

    from handlens.data import load

    images = np.asarray(load("mnist-5k").test.images[:BATCH])
    files, texts = [], []
    for image in images:
        out = io.BytesIO()
        Image.fromarray(image[:, :, 0]).save(out, "PNG")
        files.append(out.getvalue())
        texts.append(json.dumps({"pixels": image[:, :, 0].tolist()}).encode())
    batch = {"pixels": base64.b64encode(images.tobytes()).decode(), "shape": list(images.shape)}
    return files, texts, json.dumps(batch).encode()


def measure(port: int, pid: int, repeats: int, requests: int) -> dict[str, Any]:
    """Every number, the median of the repeats."""
    files, texts, batch = pictures()
    brief = "/api/predict?fit=false&details=false"
    kinds = {
        "PNG, details": ("/api/predict", files, "image/png"),
        "PNG, brief": ("/api/predict?details=false", files, "image/png"),
        "pixels as JSON, brief": (brief, texts, "application/json"),
    }
    found: dict[str, Any] = {}
    for name, (path, bodies, kind) in kinds.items():
        Client(port).post(path, bodies[0], kind)
        begin = processor(pid)
        taken = [np.quantile(latencies(port, path, bodies, kind), [0.5, 0.99]) for _ in range(repeats)]
        cost = 1000 * (processor(pid) - begin) / (repeats * RATE * SECONDS)
        found[f"single, {name}: p50, p99 ms"] = np.round(np.median(taken, axis=0), 2).tolist()
        found[f"single, {name}: server's processor ms"] = round(cost, 2)
    speeds = [throughput(port, brief, batch) for _ in range(repeats)]
    found["images/s in batches of 100, pixels"] = round(statistics.median(speeds))
    if requests:
        found[f"resident MB over {requests:,} requests"] = [
            round(m, 1) for m in soak(port, pid, brief, texts, requests)
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Latency, throughput and memory of handlens serve.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--soak", type=int, default=0, metavar="REQUESTS")
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    port, stop = context.Queue(), context.Event()
    with tempfile.TemporaryDirectory() as folder:
        server = context.Process(target=serving, args=(Path(folder), port, stop))
        server.start()
        try:
            for name, value in measure(
                port.get(timeout=120), server.pid or 0, asked.repeats, asked.soak
            ).items():
                print(f"{name}: {value}")
        finally:
            stop.set()
            server.join(20)
            server.kill()


if __name__ == "__main__":
    main()
