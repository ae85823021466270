"""onnxruntime, predicting with LeNet; the model is exported from our own network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.peers.ours import lenet_layers
from benchmarks.work import THREADS, mnist
from handlens import nn
from handlens.nn.onnx import to_onnx


def version() -> str:
    return f"onnxruntime {onnxruntime.__version__}"


def predict() -> Callable[[], Any]:
    network = nn.Network(lenet_layers(), input_shape=(28, 28, 1), rng=np.random.default_rng(0))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(to_onnx(network, scale=1 / 255), options)
    images = np.asarray(mnist()[2])
    name = session.get_inputs()[0].name

    def step() -> None:
        for start in range(0, len(images), 500):
            session.run(None, {name: images[start : start + 500]})

    return step


CHECKS: dict[str, Any] = {}
WORKS = {"predict": predict}
