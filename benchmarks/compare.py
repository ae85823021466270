"""`python -m benchmarks.compare`: seconds of `handlens compare` over 2,000 runs in a temporary folder.

A real run, trained and opened here, is copied as trials of other seeds and learning rates, with hashes and
lists of files of their own. The command runs in a process of its own, start of the interpreter included.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from handlens.data import Dataset, ImageSet
from handlens.records import Look, Run, Split, Trial, to_json
from handlens.spec import from_dict
from handlens.studies.planning.plan import configuration_of, study
from handlens.studies.storage import manifest
from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study


def main() -> None:
    """Read the arguments, make the runs, time the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--replicates", type=int, default=5, help="of each configuration (default 5)")
    parser.add_argument("--images", type=int, default=6000, help="validation images (default 6000)")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of the command (default 5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder, "runs"))
        fill(store, arguments.runs, arguments.replicates, arguments.images)
        for words in (["compare", "--json"], ["compare"], ["runs", "list"]):
            seconds = [command(store, words) for _ in range(arguments.repeats + 1)][1:]
            print(
                f"{len(store.hashes()):,} runs, {arguments.images:,} validation images: "
                f"handlens {' '.join(words)} {statistics.median(seconds):.2f} s "
                f"({min(seconds):.2f} to {max(seconds):.2f})",
                flush=True,
            )


def fill(store: Store, runs: int, replicates: int, images: int) -> None:
    """Copy a real run, its look at the test images included, as trials of their own."""
    net = {"name": "net", "layers": ["Flatten()", "Dense(16)"], "epochs": 40, "batch_size": 512}
    split = Split(validation=images)
    made = study(name="s", dataset="noise", recipes=[from_dict(net)], replicates=1, split=split)
    first = Store(store.root.with_name("first"))
    run_study(made, noise(images + 1000, 10_000), first)
    (hash,) = first.hashes()
    run, look = first.read(hash), first.look(hash)
    looks = store.root / "looks" / look.test[:20]
    looks.mkdir(parents=True)
    for number in range(runs):
        trial = variant(run.trial, number // replicates, number % replicates)
        folder = store.folder(trial.hash)
        # Linked, not copied: 2,000 times the same predictions are no gigabyte of the disk.
        shutil.copytree(first.folder(hash), folder, copy_function=os.link)
        renew(folder / "run.json", dataclasses.replace(run, trial=trial))
        seen = dataclasses.replace(look, configuration=configuration_of(trial))
        renew(folder / "test" / "look.json", seen)
        (looks / trial.hash).write_text(seen.configuration, encoding="utf-8")
        listed_again(folder)


def renew(path: Path, record: Run | Look) -> None:
    """Another record in the place of a linked one."""
    path.unlink()
    path.write_text(to_json(record), encoding="utf-8")


def listed_again(folder: Path) -> None:
    """The lists of files, of the test scores first, which the run's own does not hold."""
    test = folder.with_name("test-aside")
    (folder / "test").rename(test)
    for part in (test, folder):
        (part / manifest.NAME).unlink()
        manifest.write(part)
    test.rename(folder / "test")


def variant(trial: Trial, configuration: int, seed: int) -> Trial:
    """The trial with another seed and, for each configuration, another rate of learning."""
    recipe = trial.recipe | {"optimizer": f"SGD({0.01 + configuration / 1e5:.5f})"}
    return dataclasses.replace(trial, recipe=recipe, seed=seed)


def noise(train: int, test: int) -> Dataset:
    """Random pictures of ten classes: what is in them does not matter here."""
    draw = np.random.default_rng(0)
    names = tuple("0123456789")

    def images(n: int) -> ImageSet:
        pixels = draw.integers(0, 256, (n, 14, 14, 1), dtype=np.uint8)
        return ImageSet(pixels, np.arange(n, dtype=np.int64) % 10, names)

    return Dataset("noise", images(train), images(test))


def command(store: Store, words: list[str]) -> float:
    """Seconds of the command in a process of its own."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from handlens.cli import main; main()", *words, "--runs", str(store.root)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
