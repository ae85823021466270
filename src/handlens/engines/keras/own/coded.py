"""A trained model that only its author's code can build again: weights in a file, the code by its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images
from handlens.data.prepare import Preparation
from handlens.engines.contract import HERE, Phases
from handlens.engines.keras.devices import find
from handlens.engines.keras.libraries import ON_JAX, keras
from handlens.engines.keras.model import FACTS, Predictor
from handlens.engines.keras.own.code import before
from handlens.engines.keras.own.foreign import Foreign, built
from handlens.errors import StoreError
from handlens.records import Epoch

WEIGHTS, CODE = "weights.safetensors", "code"
MOST_HEADER = 1 << 24  # bytes


class Probabilities:
    """A user's model with a softmax after it where it gives logits, for a `Predictor`."""

    def __init__(self, foreign: Foreign) -> None:
        self.foreign, self.output_shape = foreign, (None, foreign.classes)
        self.trainable_variables = foreign.trainable_variables
        self.non_trainable_variables = foreign.non_trainable_variables

    def stateless_call(self, weights: Any, others: Any, x: Any, *, training: bool) -> tuple[Any, Any]:
        y, others = self.foreign.stateless_call(weights, others, x, training=training)
        return self._of(y), others

    def __call__(self, x: Any, *, training: bool) -> Any:
        return self._of(self.foreign(x))

    def _of(self, y: Any) -> Any:
        y = keras.ops.cast(y, "float32")
        return y if self.foreign.probabilities else keras.ops.softmax(y)


@dataclass(frozen=True, eq=False)
class CodedModel:
    """A model that its author's code builds, behind the preparation of its images.

    Attributes:
        code, source: `module:function` and the sha256 of its file; empty for a model from nowhere.
        shape: of an image.
    """

    predictor: Predictor
    preparation: Preparation
    code: str
    source: str
    shape: tuple[int, int, int]
    history: tuple[Epoch, ...] = ()
    notes: tuple[str, ...] = ()
    phases: Phases = HERE

    @property
    def model(self) -> Any:
        """Keras's own."""
        return self.predictor.model.foreign.model

    def predict_proba(self, images: Images) -> NDArray[np.floating[Any]]:
        return self.predictor(images, self.preparation)

    def count_params(self) -> int | None:
        return int(sum(np.prod(v.shape) for v in self.model.trainable_variables))

    def save(self, folder: Path) -> None:
        """Weights and facts; the code stays where it is.

        Raises:
            StoreError: there is no function to build the model again by.
        """
        from safetensors.numpy import save_file

        if not self.code:
            raise StoreError(
                "the model is of code that cannot be found again",
                expected="a model of Keras's own layers, or a function at the top of a module",
                remedy="handlens run --keras module:function",
            )
        foreign = self.predictor.model.foreign
        arrays = {str(i): array for i, array in enumerate(_arrays(foreign))}
        save_file(arrays, folder / WEIGHTS)
        facts: dict[str, Any] = {"preparation": self.preparation.to_dict(), "classes": foreign.classes}
        facts |= {CODE: self.code, "source": self.source, "shape": self.shape}
        (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def load(folder: Path, facts: Mapping[str, Any]) -> CodedModel:
    """A model that `save` wrote, by the code that the user has named; the files are not trusted.

    Raises:
        NotAsked: the user has not named that code, or it has changed.
        SpecError: the code builds another model.
        StoreError, ValueError, KeyError, TypeError, OSError: the files are damaged.
    """
    height, width, channels = (int(n) for n in facts["shape"])
    code, source, shape = str(facts[CODE]), str(facts["source"]), (height, width, channels)
    preparation = Preparation.from_dict(facts["preparation"])
    if preparation.offset.shape not in ((), shape):
        raise StoreError("the preparation is of images of another shape")
    foreign = built(before(code, source), shape, int(facts["classes"]), 0)
    _give(foreign, folder / WEIGHTS)
    predictor = Predictor(Probabilities(foreign), find(), traced=ON_JAX and traceable(foreign, shape))
    return CodedModel(predictor, preparation, code, source, shape)


def traceable(foreign: Foreign, shape: tuple[int, int, int]) -> bool:
    """Whether the model can become a program of JAX's."""
    from handlens.engines.keras.libraries import jax

    x = jax.ShapeDtypeStruct((1, *shape), np.float32)
    sets = (foreign.trainable_variables, foreign.non_trainable_variables)
    state = [[v.value for v in variables] for variables in sets]
    try:
        jax.eval_shape(lambda a, b, c: foreign.stateless_call(a, b, c, training=False), *state, x)
    except Exception:  # whatever the user's code does with what is no number yet
        return False
    return True


def _variables(foreign: Foreign) -> list[Any]:
    return [*foreign.trainable_variables, *foreign.non_trainable_variables]


def _arrays(foreign: Foreign) -> list[NDArray[Any]]:
    """The variables' numbers; short floats, which NumPy does not know, as float32."""
    found = [np.asarray(keras.ops.convert_to_numpy(v)) for v in _variables(foreign)]
    return [a if a.dtype.kind in "biuf" else a.astype(np.float32) for a in found]


def _give(foreign: Foreign, path: Path) -> None:
    """The weights in the file to the model; no more memory is taken than the model has."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    wanted = _arrays(foreign)
    if path.stat().st_size > sum(a.nbytes for a in wanted) + MOST_HEADER:
        raise StoreError("the weights are too large to be the model's", where=path)
    try:
        saved = load(path.read_bytes())
    except SafetensorError as error:
        raise StoreError(str(error), where=path) from None
    shapes = {str(i): (a.shape, a.dtype) for i, a in enumerate(wanted)}
    if shapes != {name: (a.shape, a.dtype) for name, a in saved.items()}:
        raise StoreError("the weights are not those of the model that the code builds", where=path)
    for i, variable in enumerate(_variables(foreign)):
        variable.assign(saved[str(i)])
