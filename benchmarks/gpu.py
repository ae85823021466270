"""`python -m benchmarks.gpu [--write]`: the Keras engine on a GPU or TPU, where JAX finds one.

Lab B's sweep (15 networks 784-500-300-10, 5 strengths of L2 x 3 seeds, all of MNIST) in one stacked program,
and one of its networks by Keras's own `fit`, whose time is taken 15 times for the sweep in sequence. Then lab
E's convolutional network: training time and test error. `--write` renews the section in docs/benchmarks.md.
`--device cpu --epochs 1` tries the script where there is no GPU.
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np

from benchmarks.tables import put
from benchmarks.work import mnist

L2, SEEDS, EPOCHS = np.linspace(1e-6, 1e-3, 5), range(3), 40
TITLE = "Keras engine on an accelerator"


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="gpu")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--write", action="store_true", help="renew docs/benchmarks.md")
    arguments = parser.parse_args()
    from handlens.engines.keras.devices import find
    from handlens.errors import SpecError

    try:
        device = find(arguments.device)
    except SpecError as error:
        print(f"not run: {error}")
        return
    text = "\n".join([*sweep(device, arguments.epochs), *lenet(device)])
    print(text)
    if arguments.write:
        put(TITLE, text)


def sweep(device: object, epochs: int) -> list[str]:
    """The stacked sweep against the same in sequence."""
    from benchmarks.peers import keras_models, ours_keras

    jobs = [(ours_keras.recipe(float(l2)), seed) for l2, seed in itertools.product(L2, SEEDS)]
    begin = time.perf_counter()
    stack = ours_keras.trainer(jobs, device)
    stack.epoch()
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    for _ in range(epochs):
        stack.epoch()
    stacked = time.perf_counter() - begin
    step = keras_models.dense()
    step()
    begin = time.perf_counter()
    for _ in range(epochs):
        step()
    alone = len(jobs) * (time.perf_counter() - begin)
    return [
        f"Device: {stack.device.name}; {ours_keras.version()}.",
        "",
        "| lab B's sweep, 15 networks, all of MNIST | s |",
        "| --- | ---: |",
        f"| {epochs} epochs in one stacked program, after compiling | {stacked:.1f} |",
        f"| until then: images to the device, compiling, a first epoch | {first:.1f} |",
        f"| {epochs} epochs of one network by Keras's `fit`, 15 times | {alone:.1f} |",
        "",
        f"Stacked is {alone / stacked:.0f} times as fast as in sequence (aims: under 15 s, 50 times).",
        "",
    ]


def lenet(device: object) -> list[str]:
    """Lab E's network: ten epochs, then its test error."""
    from benchmarks.peers import ours_keras

    made = ours_keras.network("lenet", ours_keras.LENET, "Adam(0.002)", schedule="OneCycle()", epochs=10)
    trainer = ours_keras.trainer([(made, 0)], device)
    trainer.bytes_needed()  # compiles
    begin = time.perf_counter()
    for _ in range(made.epochs):
        trainer.epoch()
    seconds = time.perf_counter() - begin
    _, _, images, labels = mnist()
    network = trainer.pull(0)
    error = 1 - float((network.predict_proba(images, scale=1 / 255).argmax(axis=1) == labels).mean())
    said = f"LeNet (lab E), 10 epochs: {seconds:.1f} s of training, test error {100 * error:.2f} %"
    return [f"{said} (aims: 3 s, 1.06 %)."]


if __name__ == "__main__":
    main()
