"""One recipe trained by both network engines, from the same weights on the same batches: how far they part.

Both compute in single precision and add up in another order. That difference stays one of rounding until a
ReLU or a maximum close to a tie goes the other way; from there on the trainings part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from handlens.data.images import ImageSet
from handlens.engines import engine
from handlens.engines.scratch import ScratchModel
from handlens.errors import SpecError
from handlens.nn.arrays import Array
from handlens.records import Epoch
from handlens.spec import Dense, Dropout, NetworkRecipe, Recipe, Residual, to_text

ENGINES = ("scratch", "keras")


@dataclass(frozen=True)
class LayerGap:
    """How far a layer's weights have parted.

    Attributes:
        layer: its description; what lies inside a residual block counts as the block's.
        parameters: how many numbers it holds, moving statistics included.
        largest: the largest absolute one of them, by the engine from scratch.
        difference: the largest absolute difference between the engines.
    """

    layer: str
    parameters: int
    largest: float
    difference: float


@dataclass(frozen=True, eq=False)
class Twins:
    """Two trainings of one recipe.

    Attributes:
        recipe: as it was trained, with the name of the one that was asked for.
        histories: the epochs by engine, `scratch` and `keras`.
        layers: of those that hold weights, after training.
        outputs: the largest absolute difference of class probabilities on the validation images.
        disagreements: validation images that the two take for different classes.
        images: how many trained and how many validated.
        device: that Keras computed on.
        notes: what of the recipe was changed.
    """

    recipe: NetworkRecipe
    histories: dict[str, tuple[Epoch, ...]]
    layers: tuple[LayerGap, ...]
    outputs: float
    disagreements: int
    images: tuple[int, int]
    device: str
    notes: tuple[str, ...]


def train_twins(
    recipe: Recipe,
    train: ImageSet,
    validation: ImageSet,
    seed: int,
    *,
    epochs: int,
    on_epoch: Callable[[str, Epoch], None] = lambda _engine, _epoch: None,
) -> Twins:
    """Train the recipe by both engines for so many epochs.

    What each engine would draw for itself, or decide by its own scores, is left out: dropout, augmentation,
    patience, the choice of the best epoch; `notes` say what the recipe had of it.

    Args:
        on_epoch: is told the engine's name and its epoch.

    Raises:
        SpecError: a recipe that is no network, or cannot be built for these images.
        HandlensError: Keras is not installed; a training that diverges.
    """
    if not isinstance(recipe, NetworkRecipe):
        raise SpecError(
            f"{recipe.name!r} is no network", expected="a recipe of layers: Keras trains only those"
        )
    alike, notes = _comparable(dataclasses.replace(recipe, epochs=epochs))
    by_keras = engine("keras")  # first: where it is not installed, nothing is trained
    by_keras.check(alike["keras"], train.shape, len(train.classes))
    models = {
        name: maker.fit(alike[name], train, validation, seed, partial(on_epoch, name))
        for name, maker in (("scratch", engine("scratch")), ("keras", by_keras))
    }
    ours, theirs = (models[name].predict_proba(validation.images) for name in ENGINES)
    return Twins(
        recipe=alike["keras"],
        histories={name: models[name].history for name in ENGINES},
        layers=tuple(_gaps(alike["keras"], cast(ScratchModel, models["scratch"]), models["keras"])),
        outputs=float(np.abs(ours - theirs).max()),
        disagreements=int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum()),
        images=(len(train), len(validation)),
        device=models["keras"].phases.device,
        notes=notes,
    )


def _comparable(recipe: NetworkRecipe) -> tuple[dict[str, NetworkRecipe], tuple[str, ...]]:
    """The recipe by engine, without what would be another thing for each; what that changed."""
    layers = tuple(map(_without_dropout, recipe.layers))
    found = {
        "dropout": layers != recipe.layers,
        "augmentation": recipe.augment is not None,
        "patience": recipe.patience is not None,
        "the choice of the best epoch": recipe.keep == "best",
    }
    left_out = ", ".join(part for part, there in found.items() if there)
    notes = [f"Trained without {left_out}, so that both engines do the same"] if left_out else []
    if recipe.precision != "float32":
        notes.append(f"Keras multiplies in {recipe.precision}, the engine from scratch in float32")
    plain = dataclasses.replace(recipe, layers=layers, augment=None, patience=None, keep="last")
    scratch = dataclasses.replace(plain, engine="scratch", precision="float32")
    return {"scratch": scratch, "keras": dataclasses.replace(plain, engine="keras")}, tuple(notes)


def _without_dropout(layer: Any) -> Any:
    """The layer, with rate 0 if it drops."""
    if isinstance(layer, Dropout):
        return Dropout(0.0)
    if isinstance(layer, Residual):
        inner, shortcut = (tuple(map(_without_dropout, way)) for way in (layer.layers, layer.shortcut))
        return dataclasses.replace(layer, layers=inner, shortcut=shortcut)
    return layer


def _gaps(recipe: NetworkRecipe, ours: ScratchModel, theirs: Any) -> Iterator[LayerGap]:
    """Of every layer with weights, in their order."""
    from handlens.engines.keras.weights import variables

    network = ours.network
    texts = [to_text(layer) for layer in (*recipe.layers, Dense(network.classes))]
    pairs: dict[int, list[tuple[Array, Array]]] = {}
    held = variables(network, theirs.model)
    for slot, weight, variable in zip(network.slots, network.get_weights(), held, strict=True):
        place = int(slot.path.partition(".")[0])
        pairs.setdefault(place, []).append((weight, np.asarray(variable.value)))
    for place, weights in pairs.items():
        yield LayerGap(
            texts[place],
            parameters=sum(mine.size for mine, _ in weights),
            largest=max(float(np.abs(mine).max()) for mine, _ in weights),
            difference=max(float(np.abs(mine - other).max()) for mine, other in weights),
        )
