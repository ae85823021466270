"""Keras files to networks from scratch and back; what is written has been compared with what it came from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.data.prepare import Preparation, fit_preparation
from handlens.engines.keras.exchange.agree import compared, fed, in_float32, outputs, random_images
from handlens.engines.keras.exchange.chain import Read, read
from handlens.engines.keras.exchange.files import open_keras
from handlens.engines.keras.libraries import keras
from handlens.engines.keras.model import KerasModel, served
from handlens.engines.scratch import ScratchModel
from handlens.errors import SpecError, StoreError
from handlens.nn.inference import softmax

Prepare = Literal["unit", "none"]
SHORT = ("the Keras model computes in another precision than float32",)


@dataclass(frozen=True)
class Conversion:
    """What was written.

    Attributes:
        layers: in words, of the network from scratch.
        parameters: how many numbers, moving statistics included.
        prepare: what is done with pixels 0..255 before the first layer.
        difference: the largest between the outputs of both models on random images, as a share of the largest
            output where that is above one.
        notes: what was left out or taken for granted.
    """

    layers: tuple[str, ...]
    parameters: int
    prepare: str
    difference: float
    notes: tuple[str, ...] = ()


def from_file(source: Path, target: Path, prepare: Prepare | None = None) -> Conversion:
    """A `.keras` file becomes a folder with a network from scratch, as `ScratchModel.save` writes it.

    Args:
        prepare: what the model's images are: pixels divided by 255 ("unit") or as they are ("none"). Unless
            given, they are as they are if the model begins with a Rescaling layer, else divided.

    Raises:
        HandlensError: the file is refused, the model has what our networks do not have, or the target exists.
    """
    check_target(target, keras_file=False)
    model = open_keras(source)
    try:
        found = read(model)
    except SpecError as error:
        raise _unknown(error, source) from None
    if prepare is None:
        prepare = "unit" if found.rescaling is None else "none"
    return _to_folder(model, found, _preparation(prepare), target)


def to_folder(model: ScratchModel | KerasModel, target: Path) -> Conversion:
    """A model that the Keras engine trained becomes a folder with a network from scratch.

    Raises:
        HandlensError: the model is one already, or has what our networks do not have, or the target exists.
    """
    check_target(target, keras_file=False)
    if isinstance(model, ScratchModel):
        raise SpecError("it is a network from scratch already", remedy="give a target that ends in .keras")
    _check_ours(model)
    try:
        found = read(model.model)
    except SpecError as error:
        raise _unknown(error, "the run's model") from None
    return _to_folder(model.model, found, model.preparation, target)


def to_file(model: ScratchModel | KerasModel, target: Path, *, prepare: bool = True) -> Conversion:
    """A trained model becomes a `.keras` file that gives class probabilities.

    Args:
        prepare: the file takes pixels 0..255 and prepares them itself, by a Rescaling layer in front; without
            it, the file takes prepared images.

    Raises:
        HandlensError: the target exists, or the two models do not agree.
    """
    check_target(target, keras_file=True)
    _check_ours(model)
    inner = served(model.network) if isinstance(model, ScratchModel) else model.model
    shape = tuple(inner.inputs[0].shape[1:])
    made = _prepared(inner, model.preparation, shape) if prepare else inner
    images = random_images(shape)
    given = images if prepare else _apply(model.preparation, images)
    with _placing(target) as place:
        made.save(place)
        written, notes = open_keras(place), SHORT if _short(inner) else ()
        expected = model.predict_proba(images)
        if notes:
            written = in_float32(written)
            expected = outputs(in_float32(inner), _apply(model.preparation, images))
        difference = compared(outputs(written, given), expected)
    network = model.network if isinstance(model, ScratchModel) else None
    return Conversion(
        _names(network.layers) if network else tuple(type(layer).__name__ for layer in inner.layers),
        network.count_params() if network else int(inner.count_params()),
        model.preparation.kind if prepare else "none",
        difference,
        notes,
    )


def _short(model: Any) -> bool:
    """Whether a layer computes in short numbers, which two programs of the same layers round differently."""
    return any(layer.compute_dtype != "float32" for layer in model._flatten_layers())


def _check_ours(model: object) -> None:
    if not isinstance(model, ScratchModel | KerasModel):
        raise SpecError(
            "only its author's code can build the model",
            expected="a network from scratch, or of Keras's own layers",
        )


def _to_folder(model: Any, found: Read, preparation: Preparation, target: Path) -> Conversion:
    network, notes = found.network, found.notes
    whole = _composed(preparation, found)
    images = random_images(network.input_shape)
    if _short(model):
        model, notes = in_float32(model), (*notes, *SHORT)
    expected = outputs(model, _apply(preparation, images).reshape(-1, *model.inputs[0].shape[1:]))
    got = network.predict_logits(images, offset=whole.offset, scale=whole.scale, threads=1)
    difference = compared(softmax(got) if found.softmax else got, expected)
    with _placing(target) as place:
        place.mkdir()
        ScratchModel(network, whole, ()).save(place)
    return Conversion(_names(network.layers), network.count_params(), whole.kind, difference, notes)


def check_target(target: Path, *, keras_file: bool) -> None:
    """Whether something can be written there.

    Raises:
        StoreError: it exists, or its name is not what will be written.
    """
    if keras_file != (target.suffix == ".keras"):
        wanted = "a name that ends in .keras" if keras_file else "a folder's name"
        raise StoreError("cannot be what this is converted to", where=target, expected=wanted)
    if target.exists() or target.is_symlink():
        raise StoreError("exists already", where=target, remedy="remove it, or give another name")


@contextmanager
def _placing(target: Path) -> Iterator[Path]:
    """A place of the same name; what lies there in the end moves to the target, whole.

    The target's folder is made if need be.
    """
    beside = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".handlens-", dir=target.parent))
        yield beside / target.name
        check_target(target, keras_file=target.suffix == ".keras")
        (beside / target.name).rename(target)
    except OSError as error:
        raise StoreError(f"cannot be written ({error})", where=target) from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def _preparation(prepare: Prepare) -> Preparation:
    if prepare == "unit":
        return fit_preparation("unit", np.zeros((0, 1, 1, 1), np.uint8))
    return Preparation("standardize", np.zeros((), np.float32), np.ones((), np.float32))


def _composed(preparation: Preparation, found: Read) -> Preparation:
    """`((x - o1) * s1 - o2) * s2 = (x - (o1 + o2 / s1)) * (s1 * s2)`."""
    if found.rescaling is None:
        return preparation
    first, share = preparation.offset.astype(np.float64), preparation.scale.astype(np.float64)
    offset, scale = first + found.rescaling[0] / share, share * found.rescaling[1]
    if offset.ndim or scale.ndim:
        shape = found.network.input_shape
        offset, scale = np.broadcast_to(offset, shape), np.broadcast_to(scale, shape)
        return Preparation("standardize-pixels", offset.astype(np.float32), scale.astype(np.float32))
    made = Preparation("standardize", offset.astype(np.float32), scale.astype(np.float32))
    unit = _preparation("unit")
    return unit if (made.offset, made.scale) == (unit.offset, unit.scale) else made


def _prepared(model: Any, preparation: Preparation, shape: tuple[int, ...]) -> Any:
    """The model behind a layer that prepares pixels."""
    scale = preparation.scale.astype(np.float64)
    offset = -preparation.offset.astype(np.float64) * scale
    rescaling = keras.layers.Rescaling(scale.tolist(), offset.tolist(), name="prepared", dtype="float32")
    inputs = keras.Input(shape)
    if isinstance(model, keras.Sequential):
        return keras.Sequential([inputs, rescaling, *model.layers])
    return keras.Model(inputs, model(fed(model, rescaling(inputs))))


def _apply(preparation: Preparation, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (images.astype(np.float32) - preparation.offset) * preparation.scale


def _names(layers: tuple[nn.layers.Layer, ...]) -> tuple[str, ...]:
    return tuple(type(layer).__name__ for layer in layers)


def _unknown(error: SpecError, source: object) -> SpecError:
    inside = f"{error.where}: " if error.where else ""
    return SpecError(
        f"cannot become a network from scratch: {inside}{error.what}",
        where=source,
        expected=error.expected,
        remedy=error.remedy,
    )
