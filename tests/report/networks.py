"""Networks from scratch that are really trained, one of each kind that a page draws in its own way."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from handlens import spec
from handlens.data.images import Dataset
from handlens.data.pictures import contract_of
from handlens.engines import Model, engine
from handlens.records import Run

LAYERS = {
    "convolutions": [
        "Conv2D(30, 3, activation='relu')",
        "MaxPooling2D(2)",
        "Residual((Conv2D(30, 3, padding='same'),))",
        "Flatten()",
    ],
    "depthwise": ["DepthwiseConv2D(3, depth_multiplier=2, activation='tanh')", "GlobalAveragePooling2D()"],
    "dense": ["Flatten()", "Dense(40, activation='relu', l2=1e-4)", "Dropout(0.2)"],
    "neither": ["BatchNormalization()", "AveragePooling2D(2)", "Flatten()"],
}


def train_networks(dataset: Dataset, like: Run) -> dict[str, tuple[Run, Model]]:
    """Each kind's model after three epochs, and its record, whose scores are those of the run `like`."""
    made = {}
    train, held = dataset.train.take(np.arange(900)), dataset.train.take(np.arange(900, 1100))
    for name, layers in LAYERS.items():
        recipe = spec.from_dict({"name": name, "layers": layers, "optimizer": "Adam(0.003)", "epochs": 3})
        model = engine("scratch").fit(recipe, train, held, 0)
        run = replace(
            like,
            trial=replace(like.trial, recipe=spec.to_dict(recipe)),
            name=name,
            engine="scratch",
            input=asdict(contract_of(train.images)),
            parameters=model.count_params(),
            optimizer="Adam(0.003)",
        )
        made[name] = (run, model)
    return made
