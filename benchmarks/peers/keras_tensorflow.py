"""Keras on TensorFlow: `model.fit`, as the labs do it."""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf

from benchmarks.peers import keras_models as models
from benchmarks.work import THREADS

tf.config.threading.set_intra_op_parallelism_threads(THREADS)


def version() -> str:
    return f"Keras {keras.__version__}, TensorFlow {tf.__version__}"


CHECKS: dict[str, Any] = {}
WORKS = {
    "lenet": models.lenet,
    "dense": models.dense,
    "small-batches": models.small_batches,
    "fifteen": models.fifteen,
    "keras-lenet": models.lenet,
    "keras-dense": models.dense,
}
