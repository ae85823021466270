"""Whether two models say the same about random images: what every conversion must show."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.engines.keras.libraries import jax, keras
from handlens.errors import HandlensError
from handlens.seeds import generator

IMAGES = 32
CLOSE = 1e-4


def random_images(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """uint8 [n, *shape], the same ones every time."""
    return generator(0, "convert").integers(0, 256, (IMAGES, *shape), np.uint8)


def outputs(model: Any, images: NDArray[Any]) -> NDArray[Any]:
    """What a Keras model gives of images, float32 [n, k]."""
    with jax.default_matmul_precision("highest"):  # a GPU's own is half of float32's
        (found,) = keras.tree.flatten(model(fed(model, images.astype(np.float32)), training=False))
    return np.asarray(keras.ops.convert_to_numpy(found), np.float32)


def fed(model: Any, x: Any) -> Any:
    """x in the form that the model wants its one input in: a functional one may want a list."""
    return keras.tree.map_structure(lambda _: x, getattr(model, "input", 0))


def in_float32(model: Any) -> Any:
    """The model with the same weights, which computes in float32."""

    def changed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [changed(v) for v in value]
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "DTypePolicy":
            return value | {"config": {"name": "float32"}}
        return {k: changed(v) for k, v in value.items() if k != "compile_config"}

    made = keras.saving.deserialize_keras_object(changed(keras.saving.serialize_keras_object(model)))
    made.set_weights([np.asarray(w, np.float32) for w in model.get_weights()])
    return made


def compared(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The largest difference, as a share of the largest number where that is above one.

    Raises:
        HandlensError: it is above `CLOSE`, or no number.
    """
    largest = max(1.0, float(np.abs(other).max()))
    difference = float(np.abs(one - other).max()) / largest if one.shape == other.shape else np.inf
    if not difference <= CLOSE:
        raise HandlensError(
            f"the two models' outputs differ by {difference:.2g}",
            where="convert",
            expected=f"at most {CLOSE:g}",
            remedy="nothing was written; please report the model's layers",
        )
    return difference
