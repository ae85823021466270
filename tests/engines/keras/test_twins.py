"""One recipe by both engines: what is left out, what is compared."""

from __future__ import annotations

from typing import Any

import pytest

from handlens.engines.twins import train_twins
from handlens.errors import SpecError
from handlens.spec import from_dict

LAYERS = [
    "Conv2D(3, 3, activation='tanh')",
    "Residual((Dropout(0.5), Conv2D(3, 3, padding='same'), BatchNormalization()))",
    "Flatten()",
    "Dropout(0.3)",
]
RANDOM = {"augment": "Augmentation(shift=1)", "patience": 1, "keep": "best", "epochs": 7, "engine": "keras"}


def test_what_engines_draw_or_decide_for_themselves_is_left_out(digits: Any) -> None:
    train, validation, _ = digits
    seen = []
    recipe = from_dict({"name": "it", "layers": LAYERS, "optimizer": "SGD(0.05)"} | RANDOM)
    found = train_twins(
        recipe, train.take(range(200)), validation, 3, epochs=2, on_epoch=lambda *told: seen.append(told)
    )
    assert found.notes == (
        "Trained without dropout, augmentation, patience, the choice of the best epoch, "
        "so that both engines do the same",
    )
    assert [(name, epoch.epoch) for name, epoch in seen] == [
        ("scratch", 1), ("scratch", 2), ("keras", 1), ("keras", 2),
    ]  # fmt: skip
    assert found.histories["keras"] == tuple(epoch for name, epoch in seen if name == "keras")
    assert found.images == (200, 300)
    assert [gap.parameters for gap in found.layers] == [30, 3 * 3 * 9 + 3 + 4 * 3, 6 * 6 * 3 * 10 + 10]
    assert found.layers[1].layer.startswith("Residual(")
    assert all(0 < gap.difference < 1e-5 < gap.largest for gap in found.layers)
    assert found.outputs < 1e-5
    assert found.device


def test_shorter_numbers_are_said_and_seen(digits: Any) -> None:
    train, validation, _ = digits
    recipe = from_dict({"name": "it", "layers": ["Flatten()"], "engine": "keras", "precision": "bfloat16"})
    found = train_twins(recipe, train, validation, 0, epochs=1)
    assert found.notes == ("Keras multiplies in bfloat16, the engine from scratch in float32",)
    assert found.outputs > 1e-4


def test_a_classical_model_has_no_twin(digits: Any) -> None:
    with pytest.raises(SpecError, match="'forest' is no network"):
        train_twins(from_dict({"name": "forest", "estimator": "forest"}), *digits[:2], 0, epochs=1)
