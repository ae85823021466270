"""A run's model as an ONNX file that takes pixels 0..255 and answers with probabilities."""

from __future__ import annotations

import json
from typing import Any

from handlens.engines.classic import ClassicModel
from handlens.engines.scratch import ScratchModel
from handlens.exports import classifiers
from handlens.exports.passport import Passport
from handlens.nn.onnx import to_onnx


def onnx_bytes(model: ScratchModel | ClassicModel, passport: Passport, *, input_type: str = "uint8") -> bytes:
    """The model as the bytes of an ONNX file.

    Input "images": `[n, height, width, channels]`, pixels 0..255 of `input_type`, prepared inside; output
    "probabilities": float32 `[n, classes]`. Metadata: "classes", the names as a JSON list, and "handlens",
    the passport as JSON.

    Args:
        model: a network from scratch, or a classifier that `classifiers.form` gave.

    Raises:
        SpecError: a classifier whose settings have no operators here.
        MissingExtra: the package onnx is not installed.
    """
    if isinstance(model, ClassicModel):
        return _described(classifiers.to_model(model, passport.shape, input_type), passport)
    return _described(_of_network(model, input_type), passport)


def _of_network(model: ScratchModel, input_type: str) -> bytes:
    preparation = model.preparation
    return to_onnx(model.network, offset=preparation.offset, scale=preparation.scale, input_type=input_type)


def _described(data: bytes, passport: Passport) -> bytes:
    """The file with its metadata."""
    import onnx
    from onnx import helper

    model: Any = onnx.load_from_string(data)
    classes = json.dumps(list(passport.classes), ensure_ascii=False)
    helper.set_model_props(model, {"classes": classes, "handlens": passport.text()})
    model.producer_version = passport.handlens
    model.doc_string = f"{passport.name}, run {passport.run}, trained on {passport.data.name}"
    return bytes(model.SerializeToString(deterministic=True))
