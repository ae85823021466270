"""What predicts with a user's model, and what of it can be kept in a file that anybody can open."""

from __future__ import annotations

import json
from typing import Any

from handlens.engines.keras.devices import Device
from handlens.engines.keras.exchange import configs
from handlens.engines.keras.libraries import ON_JAX, keras
from handlens.engines.keras.model import Predictor
from handlens.engines.keras.own.code import Shape
from handlens.engines.keras.own.coded import Probabilities, traceable
from handlens.engines.keras.own.foreign import Foreign, short
from handlens.errors import StoreError


def predictor_of(foreign: Foreign, shape: Shape, device: Device) -> tuple[Predictor, str]:
    """What predicts, and why its model cannot be opened again from a file; empty if it can."""
    try:
        model = _served(foreign, shape)
        configs.checked(json.dumps(keras.saving.serialize_keras_object(model)).encode())
    except StoreError as error:
        why = error.what
    except Exception as error:
        why = short(error)
    else:
        return Predictor(model, device), ""
    can = ON_JAX and traceable(foreign, shape)
    return Predictor(Probabilities(foreign), device, traced=can), why


def _served(foreign: Foreign, shape: Shape) -> Any:
    """The model of images [n, height, width, channels] and probabilities, which shares its weights.

    Raises:
        StoreError: it is of a class of the user's own.
    """
    model, layers = foreign.model, keras.layers
    before = [] if foreign.form == shape else [layers.Reshape(foreign.form, name="as_it_takes_them")]
    after = [] if foreign.probabilities else [layers.Softmax(name="probabilities", dtype="float32")]
    if type(model) is keras.Sequential:
        return keras.Sequential([keras.Input(shape), *before, *model.layers, *after])
    if type(model) is not keras.Model and not type(model).__module__.startswith("keras."):
        raise StoreError(f"{type(model).__name__} is a class of your own")
    x = y = keras.Input(shape) if before else model.inputs[0]
    for layer in before:
        y = layer(y)
    y = model(y) if before else model.outputs[0]
    for layer in after:
        y = layer(y)
    model.compiled = False  # what it was compiled with is not saved
    return keras.Model(x, y)
