"""One recipe, two engines: compiled programs lead to the weights and history of the engine from scratch."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from twins import variables

from handlens import spec
from handlens.data import ImageSet
from handlens.engines import engine, scratch
from handlens.seeds import generator
from handlens.spec import NetworkRecipe, from_dict

# Rules like Adam's divide a gradient by its own size: where it is all but zero, rounding alone says which way
# a weight goes. Six steps are few enough that no weight here comes so close; the first ones do the most.
SEED, IMAGES, BATCH, EPOCHS = 7, 150, 64, 2  # batches of 64, 64 and 22 images

DENSE = ["Flatten()", "Dense(9, activation='tanh')"]
NET = ["Conv2D(4, 3, activation='tanh')", "MaxPooling2D(2)", "Flatten()", "Dense(6, activation='sigmoid')"]
NORMAL = [
    "Conv2D(4, 3, padding='same', use_bias=False)",
    "BatchNormalization(momentum=0.9)",
    "Activation('elu')",
    "AveragePooling2D(2)",
    "Flatten()",
    "LayerNormalization()",
]
BLOCKS = [
    "Conv2D(3, 3, activation='tanh')",
    "Residual((Conv2D(3, 3, padding='same', activation='tanh'), BatchNormalization()), activation='elu')",
    "Residual((Conv2D(5, 3, padding='same'),), shortcut=(Conv2D(5, 1),))",
    "GlobalAveragePooling2D()",
]
OPTIMIZERS = [  # rates at which a few steps go far
    "SGD(0.1, momentum=0.9, nesterov=True, decay=0.05, weight_decay=0.01)",
    "RMSprop(0.003, momentum=0.5, centered=True)",
    "Adagrad(0.02)",
    "Adadelta(1.0)",
    "Adam()",
    "Adam(0.003, amsgrad=True, weight_decay=0.01)",
    "AdamW(0.003)",
    "Nadam(0.003)",
]
RECIPES: dict[str, dict[str, Any]] = {
    **{text: {"layers": DENSE, "optimizer": text} for text in OPTIMIZERS},
    "smoothed, weighted": {"layers": DENSE, "loss": "SoftmaxCrossEntropy(0.1, (0.5, 1.0, 2.0, 0.0))"},
    "squared error": {"layers": DENSE, "loss": "MeanSquaredError()"},
    "clipped": {"layers": NET, "clip_norm": 0.02},
    "average, normalized batches": {"layers": NORMAL, "ema": 0.7},
    "sum": {"layers": NET, "reduction": "sum", "optimizer": "SGD(0.002)"},
    "penalties": {
        "layers": [
            "Conv2D(4, 3, l1=1e-3, l2=2e-3)",
            "DepthwiseConv2D(2, l2=0.05)",
            "Flatten()",
            "Dense(5, l1=0.01)",
        ]
    },
    "residual": {"layers": BLOCKS},
    "cosine of a decaying rate": {
        "layers": DENSE,
        "schedule": "CosineDecay(0.1, warmup_epochs=0.5)",
        "optimizer": "SGD(0.5, decay=0.2)",
    },
    "pixel by pixel, the best epoch": {"layers": DENSE, "prepare": "standardize-pixels", "keep": "best"},
    "one batch of fewer images than asked for": {"layers": DENSE, "batch_size": 1000},
    "all at once": {
        "layers": [*NORMAL, "Dense(5, activation='gelu', l2=1e-3)", "Dropout(0.0)"],
        "optimizer": "AdamW(0.002)",
        "schedule": "OneCycle()",
        "loss": "SoftmaxCrossEntropy(label_smoothing=0.1, class_weights=(0.5, 1.0, 2.0, 1.0))",
        "clip_norm": 0.5,
        "ema": 0.8,
        "prepare": "standardize",
    },
}  # fmt: skip


def images(n: int, seed: int) -> ImageSet:
    """n noisy images 8 x 7, each of one of four patterns."""
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(9).uniform(40, 210, (4, 8, 7, 3))
    labels = rng.integers(4, size=n)
    pixels = patterns[labels] + rng.normal(0, 25, (n, 8, 7, 3))
    return ImageSet(pixels.clip(0, 255).astype(np.uint8), labels, tuple("abcd"))


def trained(name: str, by: str) -> tuple[NetworkRecipe, Any]:
    defaults = {"name": "it", "epochs": EPOCHS, "batch_size": BATCH, "optimizer": "SGD(0.1)", "engine": by}
    recipe = from_dict(defaults | RECIPES[name])
    assert isinstance(recipe, NetworkRecipe)
    return recipe, engine(by).fit(recipe, images(IMAGES, 0), images(50, 1), SEED)


@pytest.mark.parametrize("name", RECIPES)
def test_both_engines_lead_to_the_same_weights_and_history(name: str) -> None:
    (recipe, ours), (_, theirs) = trained(name, "scratch"), trained(name, "keras")
    first = scratch.build(recipe, (8, 7, 3), 4, generator(SEED, "weights"))
    found = variables(ours.network, theirs.model)
    for slot, mine, variable in zip(ours.network.slots, ours.network.get_weights(), found, strict=True):
        assert np.allclose(mine, variable.value, rtol=1e-5, atol=1e-5), slot.path
    assert np.abs(ours.network.state() - first.state()).max() > 1e-3
    pixels = images(40, 2).images
    assert np.allclose(ours.predict_proba(pixels), theirs.predict_proba(pixels), atol=1e-5)
    assert len(ours.history) == len(theirs.history) == EPOCHS
    for mine, other in zip(ours.history, theirs.history, strict=True):
        for key, value in dataclasses.asdict(mine).items():
            if key != "seconds":
                assert getattr(other, key) == pytest.approx(value, rel=1e-5, abs=1e-6), key


@pytest.mark.parametrize("part", ["optimizer", "loss"])
def test_every_optimizer_and_loss_is_tried(part: str) -> None:
    tried = {str(recipe.get(part, "SoftmaxCrossEntropy")).split("(")[0] for recipe in RECIPES.values()}
    assert tried >= set({"optimizer": spec.OPTIMIZERS, "loss": spec.LOSSES}[part])
