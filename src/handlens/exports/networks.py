"""A run's model as a network from scratch, where it is one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from handlens.engines import Model
from handlens.engines.classic import ClassicModel
from handlens.engines.scratch import ScratchEngine, ScratchModel
from handlens.errors import HandlensError, SpecError
from handlens.exports.linear import network_of
from handlens.seeds import generator

CLOSE, IMAGES = 1e-4, 32


def as_network(model: Model, shape: tuple[int, int, int]) -> ScratchModel:
    """The model as a network from scratch that gives the same probabilities.

    A Keras model comes by way of its weights (`handlens convert`), scikit-learn's linear classifiers and
    perceptrons become Dense layers. Both models are compared on random images.

    Args:
        shape: height, width and channels of an image.

    Raises:
        SpecError: a model that is no network of our layers; says why, and which are.
        HandlensError: the two do not agree.
    """
    if isinstance(model, ScratchModel):
        return model
    if isinstance(model, ClassicModel):
        made = network_of(model, shape)
        _compare(model, made, shape)
        return made
    return _from_keras(model)


def _from_keras(model: Model) -> ScratchModel:
    from handlens.engines.keras.exchange.convert import to_folder
    from handlens.engines.keras.model import KerasModel

    if not isinstance(model, KerasModel):
        raise SpecError(
            "only its author's code can build this model",
            expected="a network from scratch, one of Keras's own layers, or a classifier of scikit-learn's",
            remedy="save it where its code is: model.export('model.onnx', format='onnx')",
        )
    with tempfile.TemporaryDirectory(prefix="handlens-") as folder:
        place = Path(folder) / "network"
        try:
            to_folder(model, place)  # which compares the two
        except SpecError as error:
            error.remedy = error.remedy or "handlens export RUN --to keras keeps it as it is"
            raise
        made = ScratchEngine().load(place)
    assert isinstance(made, ScratchModel)
    return made


def _compare(model: Model, made: ScratchModel, shape: tuple[int, int, int]) -> None:
    images = generator(0, "export").integers(0, 256, (IMAGES, *shape), np.uint8)
    difference = float(np.abs(model.predict_proba(images) - made.predict_proba(images)).max())
    if not difference <= CLOSE:
        raise HandlensError(
            f"the model and the network made of it differ by {difference:.2g}",
            where="export",
            expected=f"at most {CLOSE:g}",
            remedy="nothing was written; please report the model",
        )
