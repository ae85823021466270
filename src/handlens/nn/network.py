"""The network: layers in a row, and all their parameters in one flat vector."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handlens.errors import SpecError
from handlens.nn import checks, inference, storage
from handlens.nn.arrays import Array, Shape
from handlens.nn.layers.base import Layer, Parameter, first_values, leaves
from handlens.nn.losses import Loss
from handlens.nn.plan import Step, plan
from handlens.nn.summary import summary
from handlens.nn.trace import Trace, trace


@dataclass(frozen=True, eq=False)
class Slot:
    """Where a parameter lies: `start` in the flat vector of the trainable or of the other ones."""

    path: str
    layer: Layer
    parameter: Parameter
    start: int

    @property
    def part(self) -> slice:
        return slice(self.start, self.start + math.prod(self.parameter.shape))

    def view(self, flat: Array) -> Array:
        """The parameter's piece of a flat vector, in its shape; writing to it writes there."""
        return flat[self.part].reshape(self.parameter.shape)


class Network:
    """Layers in a row; the last one gives one number a class, the logits.

    Attributes:
        layers: the layers, built; the ones that the constructor was given stay as they were.
        input_shape: of one image, `(height, width, channels)` or `(features,)`.
        output_shape: `(classes,)`.
        dtype: float32 or float64, of everything inside.
        parameters: `[p]`, all trainable parameters; every kernel and bias is a view of it.
        statistics: `[s]`, what no gradient trains: the moving means and variances.
        slots: where each parameter lies, in Keras's order.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input_shape: Sequence[int],
        rng: np.random.Generator | None,
        dtype: str = "float32",
    ) -> None:
        """First values are drawn from `rng` layer by layer; None leaves everything zero, to be set.

        Raises:
            SpecError: layers that do not fit together, or no logits at the end.
        """
        self.dtype = np.dtype(checks.choice(self, "dtype", dtype, ("float32", "float64")))
        if not layers:
            raise SpecError("there are no layers", where="Network", expected="at least one")
        self.input_shape = tuple(checks.whole(self, "input_shape", size) for size in input_shape)
        self.layers = tuple(copy.deepcopy(layer) for layer in layers)
        self.output_shape = self._build()
        self.slots = tuple(self._slots())
        self.parameters = np.zeros(self._size(trainable=True), self.dtype)
        self.statistics = np.zeros(self._size(trainable=False), self.dtype)
        for slot in self.slots:
            values = slot.view(self._home(slot))
            if rng is not None:
                values[...] = first_values(slot.parameter, rng)
            slot.layer.bind(slot.parameter.name, values)

    def _build(self) -> Shape:
        if len(self.input_shape) not in (1, 3):
            raise SpecError(
                f"input_shape is {list(self.input_shape)}",
                where="Network",
                expected="(height, width, channels) or (features,)",
            )
        shape = self.input_shape
        for number, layer in enumerate(self.layers):
            try:
                shape = layer.place(shape)
            except SpecError as error:
                error.where = f"layers[{number}], {error.where}"
                raise
        if len(shape) != 1:
            raise SpecError(
                f"the last layer gives {list(shape)} numbers an image",
                where="Network",
                expected="one row, a number for each class",
                remedy="end with Flatten() or GlobalAveragePooling2D(), then Dense(classes)",
            )
        return shape

    def _slots(self) -> Iterator[Slot]:
        ends = {True: 0, False: 0}
        for number, layer in enumerate(self.layers):
            for place, leaf in enumerate(leaves(layer)):
                path = (
                    f"{number}.{type(leaf).__name__}"
                    if not place
                    else f"{number}.{place}.{type(leaf).__name__}"
                )
                for parameter in leaf.parameters():
                    yield Slot(f"{path}.{parameter.name}", leaf, parameter, ends[parameter.trainable])
                    ends[parameter.trainable] += math.prod(parameter.shape)

    def _size(self, *, trainable: bool) -> int:
        return sum(math.prod(s.parameter.shape) for s in self.slots if s.parameter.trainable == trainable)

    def _home(self, slot: Slot) -> Array:
        return self.parameters if slot.parameter.trainable else self.statistics

    @property
    def classes(self) -> int:
        """The number of outputs."""
        return self.output_shape[0]

    def steps(self, *, fuse: bool = True) -> tuple[Step, ...]:
        """What is run for the layers; without `fuse`, the layers themselves."""
        return plan(self.layers, fuse)

    def count_params(self) -> int:
        """All parameters, moving statistics included, as Keras counts them."""
        return self.parameters.size + self.statistics.size

    def get_weights(self) -> list[Array]:
        """Copies of all parameters in Keras's order and shapes (kernels `[in, out]`, `[h, w, in, out]`)."""
        return [slot.view(self._home(slot)).copy() for slot in self.slots]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Take what `get_weights` of an equal network (or of Keras's) gave.

        Raises:
            SpecError: another number of arrays, or another shape.
        """
        arrays = [np.asarray(w) for w in weights]
        expected = [slot.parameter.shape for slot in self.slots]
        if [a.shape for a in arrays] != expected:
            raise SpecError(
                f"weights have the shapes {[list(a.shape) for a in arrays]}",
                where="set_weights",
                expected=str([list(shape) for shape in expected]),
            )
        for slot, array in zip(self.slots, arrays, strict=True):
            slot.view(self._home(slot))[...] = array

    def state(self) -> Array:
        """A copy of everything that training changes, as one vector `[p + s]`."""
        return np.concatenate([self.parameters, self.statistics])

    def restore(self, state: Array) -> None:
        """Go back to a `state`."""
        if state.shape != (self.count_params(),):
            raise SpecError(
                f"the state has the shape {list(state.shape)}",
                where="restore",
                expected=f"[{self.count_params()}]",
            )
        self.parameters[...] = state[: self.parameters.size]
        self.statistics[...] = state[self.parameters.size :]

    def predict_logits(
        self, images: NDArray[Any], *, offset: Any = 0.0, scale: Any = 1.0, threads: int | None = None
    ) -> Array:
        """The last layer's outputs `[n, classes]`; arguments as for `predict_proba`."""
        return inference.logits(self, images, offset=offset, scale=scale, threads=threads)

    def predict_proba(
        self, images: NDArray[Any], *, offset: Any = 0.0, scale: Any = 1.0, threads: int | None = None
    ) -> Array:
        """Each class's probability, `[n, classes]`: softmax of the outputs of `(images - offset) * scale`.

        `images` uint8 or floating `[n, height, width, channels]`; `offset` and `scale` numbers or arrays of
        one image's shape; `threads` as many as there are processors unless given.

        Raises:
            SpecError: images of another shape or type.
        """
        return inference.softmax(self.predict_logits(images, offset=offset, scale=scale, threads=threads))

    def summary(self) -> str:
        """The layers with their shapes and numbers of parameters, as Keras prints them."""
        return summary(self)

    def trace(
        self,
        images: NDArray[Any],
        labels: NDArray[np.integer[Any]],
        *,
        loss: Loss | None = None,
        offset: Any = 0.0,
        scale: Any = 1.0,
    ) -> Trace:
        """Every layer's input, output and gradients for a few images; see `handlens.nn.trace`."""
        return trace(self, images, labels, loss=loss, offset=offset, scale=scale)

    def save(self, folder: Path) -> None:
        """Write `network.json` and `weights.safetensors`; the folder is made where it is missing."""
        storage.save(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Network:
        """The network that `save` wrote.

        Raises:
            StoreError: files that are missing, damaged, too large or not ours.
        """
        return storage.load(cls, folder)
