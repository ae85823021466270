"""A trained Keras model behind the preparation of its images; saved as `.keras`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.data.images import Images
from handlens.data.prepare import Preparation
from handlens.engines.contract import HERE, Phases
from handlens.engines.keras.devices import Device
from handlens.engines.keras.libraries import ON_JAX, jax, jnp, keras
from handlens.engines.keras.twin import twin
from handlens.records import Epoch

SIZE = 512  # images predicted at a time: one program serves every set
MODEL, FACTS = "model.keras", "model.json"


class Predictor:
    """Class probabilities by a Keras model, so many images at a time; compiled when it is first called."""

    def __init__(self, model: Any, device: Device, *, traced: bool = ON_JAX) -> None:
        """`traced`: the model can become one of JAX's programs."""
        self.model, self.device, self.traced = model, device, traced

    def __call__(self, images: Images, preparation: Preparation) -> NDArray[np.float32]:
        found = [np.zeros((0, self.model.output_shape[-1]), np.float32)]
        with self.device.chosen():
            for start in range(0, len(images), SIZE):
                part = np.asarray(images[start : start + SIZE])
                whole = np.zeros((SIZE, *part.shape[1:]), part.dtype)
                whole[: len(part)] = part
                said = self._forward(whole, preparation.offset, preparation.scale)
                found.append(np.asarray(keras.ops.convert_to_numpy(said), np.float32)[: len(part)])
        return np.concatenate(found)

    @cached_property
    def _forward(self) -> Any:
        """Of raw images [n, ...], offset and scale: probabilities [n, k]."""
        model = self.model
        if not self.traced:
            return lambda x, offset, scale: model((x.astype(np.float32) - offset) * scale, training=False)
        sets = (model.trainable_variables, model.non_trainable_variables)
        state = [[v.value for v in variables] for variables in sets]

        def forward(weights: Any, others: Any, x: Any, offset: Any, scale: Any) -> Any:
            prepared = (x.astype(scale.dtype) - offset) * scale
            return model.stateless_call(weights, others, prepared, training=False)[0]

        compiled = jax.jit(forward)
        return lambda x, offset, scale: compiled(*state, x, jnp.asarray(offset), jnp.asarray(scale))


@dataclass(frozen=True, eq=False)
class KerasModel:
    """A Keras model that gives class probabilities, behind the preparation of its images."""

    predictor: Predictor
    preparation: Preparation
    history: tuple[Epoch, ...] = ()
    notes: tuple[str, ...] = ()
    phases: Phases = HERE

    @property
    def model(self) -> Any:
        """Keras's own."""
        return self.predictor.model

    def predict_proba(self, images: Images) -> NDArray[np.floating[Any]]:
        return self.predictor(images, self.preparation)

    def count_params(self) -> int | None:
        return int(sum(np.prod(v.shape) for v in self.model.trainable_variables))

    def save(self, folder: Path) -> None:
        self.model.save(folder / MODEL)
        facts = {"preparation": self.preparation.to_dict()}
        (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def served(network: nn.Network, precision: str | None = None) -> Any:
    """The network as a Keras model that gives probabilities: what is saved, and what anybody can load."""
    model = twin(network, precision=precision)
    softmax = keras.layers.Softmax(name="probabilities", dtype="float32")
    if isinstance(model, keras.Sequential):
        return keras.Sequential([keras.Input(network.input_shape), *model.layers, softmax])
    return keras.Model(model.inputs[0], softmax(model.outputs[0]))
