"""`python -m benchmarks.streaming [--images N] [--folder F]`: image sets larger than memory should hold.

Writes N synthetic images of 28 x 28 (5,000,000: 3.9 GB) as IDX files into a temporary folder, loads them
(that makes a converted copy of the same size), and trains two networks: three epochs on 200,000 images in
memory, and one epoch streamed from the mapped copy. Prints images a second, their ratio (also by processor
time, which other programs disturb less), and the peak resident memory of each process, mapped pages
included. Each measurement has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.worker import memory_mb

IMAGES = 5_000_000
IN_MEMORY, EPOCHS_IN_MEMORY = 200_000, 3
LENET_PART = 1_000_000  # enough to be streamed; all of them would take minutes
STEP = 50_000
TARGET_RATIO, TARGET_MB = 0.8, 1200
NETWORKS: dict[str, dict[str, Any]] = {
    "784-64-10": {"layers": ["Flatten()", "Dense(64, activation='relu')"], "optimizer": "SGD(0.1)"},
    "LeNet": {
        "layers": [
            "Conv2D(6, 5, activation='relu')", "MaxPooling2D(2)", "Conv2D(16, 5, activation='relu')",
            "MaxPooling2D(2)", "Flatten()", "Dense(120, activation='relu')", "Dense(84, activation='relu')",
        ],
        "optimizer": "Adam()",
    },
}  # fmt: skip


def main() -> None:
    """Write the files, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--images", type=int, default=IMAGES, help=f"default {IMAGES:,}")
    parser.add_argument("--folder", type=Path, default=None, help="where to make the temporary folder")
    parser.add_argument("--repeats", type=int, default=2, help="pairs of measurements (default 2)")
    parser.add_argument("--child", nargs=2, metavar=("KIND", "NETWORK"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(*arguments.child, arguments.folder)))
        return
    needed = 2.2 * arguments.images * 784
    free = shutil.disk_usage(arguments.folder or tempfile.gettempdir()).free
    if free < needed:
        parser.error(f"needs {needed / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free: name a --folder")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as place:
        folder = Path(place)
        write(folder / "set", arguments.images)
        loaded = child("load", "", folder)
        print(
            f"loading {arguments.images:,} images: {loaded['seconds']:.0f} s, {loaded['peak_mb']:.0f} MB",
            flush=True,
        )
        for network in NETWORKS:
            compare(network, folder, arguments.repeats)


def compare(network: str, folder: Path, repeats: int) -> None:
    """Measure one network in memory and streamed, in turn, and print both."""
    found: dict[str, list[dict[str, float]]] = {"memory": [], "streamed": []}
    for _ in range(repeats):
        for kind, given in found.items():
            given.append(child(kind, network, folder))
    for kind, given in found.items():
        speed = statistics.median(one["images_per_s"] for one in given)
        peak = max(one["peak_mb"] for one in given)
        print(f"{network}, {kind}, {given[0]['images']:,} images: {speed:,.0f} images/s, peak {peak:.0f} MB")
    pairs = list(zip(found["streamed"], found["memory"], strict=True))
    ratios = [streamed["images_per_s"] / memory["images_per_s"] for streamed, memory in pairs]
    cpu = statistics.median(memory["cpu_us"] / streamed["cpu_us"] for streamed, memory in pairs)
    peak = max(one["peak_mb"] for one in found["streamed"])
    reached = statistics.median(ratios) >= TARGET_RATIO and peak < TARGET_MB
    print(
        f"{network}: streamed / in memory {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}; by processor time {cpu:.2f}; target {TARGET_RATIO}), "
        f"peak {peak:.0f} MB (target {TARGET_MB}): {'reached' if reached else 'MISSED'}",
        flush=True,
    )


def child(kind: str, network: str, folder: Path) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.streaming",
        "--folder",
        str(folder),
        "--child",
        kind,
        network,
    ]
    environment = {**os.environ, "HANDLENS_CACHE": str(folder / "cache")}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def measure(kind: str, network: str, folder: Path) -> dict[str, float]:
    """What a child does: load, and train for an epoch."""
    from handlens.data import ImageSet, load, split
    from handlens.engines import engine
    from handlens.spec import from_dict

    begin = time.perf_counter()
    images = load(folder / "set").train
    if kind == "load":
        return {"seconds": time.perf_counter() - begin, "peak_mb": memory_mb("VmHWM")}
    if kind == "memory":
        images = ImageSet(np.array(images.images[:IN_MEMORY]), images.labels[:IN_MEMORY], images.classes)
    elif network == "LeNet":
        images = images.take(np.arange(min(LENET_PART, len(images))))
    parts = split(images.labels, 0.1)
    epochs = EPOCHS_IN_MEMORY if kind == "memory" else 1
    recipe = from_dict({"name": network, "epochs": epochs, "batch_size": 128, **NETWORKS[network]})
    train, validation = images.take(parts.train), images.take(parts.validation)
    begin_cpu = time.process_time()
    model = engine("scratch").fit(recipe, train, validation, seed=0)
    return {
        "images": len(train),
        "images_per_s": epochs * len(train) / model.history[-1].seconds,
        "cpu_us": 1e6 * (time.process_time() - begin_cpu) / (epochs * len(train)),
        "peak_mb": memory_mb("VmHWM"),
    }


def write(folder: Path, n: int) -> None:
    """Images of ten classes, each a pattern under noise, as IDX files; a few of them as test images."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 192, (10, 28, 28), dtype=np.uint8)
    for part, count in (("train", n), ("t10k", 10_000)):
        labels = rng.integers(10, size=count, dtype=np.uint8)
        with (folder / f"{part}-labels-idx1-ubyte").open("wb") as file:
            file.write(bytes([0, 0, 8, 1]) + np.array([count], ">u4").tobytes() + labels.tobytes())
        with (folder / f"{part}-images-idx3-ubyte").open("wb") as file:
            file.write(bytes([0, 0, 8, 3]) + np.array([count, 28, 28], ">u4").tobytes())
            for start in range(0, count, STEP):
                some = labels[start : start + STEP]
                noise = np.frombuffer(rng.bytes(len(some) * 784), np.uint8).reshape(-1, 28, 28) >> 2
                file.write((patterns[some] + noise).data)


if __name__ == "__main__":
    main()
