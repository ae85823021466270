"""A Keras model that the user brings: built anew, and what it takes and gives found out by trying it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.engines.keras.libraries import keras
from handlens.engines.keras.own.code import Build, Shape
from handlens.errors import HandlensError, SpecError

TRIED = 16  # images
WHERE = "the Keras model"


@dataclass(frozen=True, eq=False)
class Foreign:
    """The user's model, called with images [n, height, width, channels] whatever it takes itself.

    Attributes:
        form: of one image as the model takes it: the image's own shape, without its one channel, or a row.
        probabilities: whether it gives these, not logits.
        classes: how many outputs it has.
    """

    model: Any
    form: tuple[int, ...]
    probabilities: bool
    classes: int

    @property
    def trainable_variables(self) -> list[Any]:
        return list(self.model.trainable_variables)

    @property
    def non_trainable_variables(self) -> list[Any]:
        return list(self.model.non_trainable_variables)

    def stateless_call(self, trainable: Any, other: Any, x: Any, *, training: bool, **more: Any) -> Any:
        """As Keras's; `training` goes to a model that wants to know, as in Keras's own `fit`."""
        if takes_training(self.model):
            more["training"] = training
        return self.model.stateless_call(trainable, other, x.reshape(-1, *self.form), **more)

    def __call__(self, x: Any) -> Any:
        """Outputs of prepared images, outside training."""
        more = {"training": False} if takes_training(self.model) else {}
        return self.model(x.reshape(-1, *self.form), **more)


def takes_training(model: Any) -> bool:
    parameters = inspect.signature(model.call).parameters
    return "training" in parameters


def built(build: Build, shape: Shape, classes: int, seed: int) -> Foreign:
    """A new model, its first weights drawn after `keras.utils.set_random_seed(seed)`, and what it is.

    Raises:
        SpecError: it is not new, does not take such images, or does not give an output for each class.
    """
    first = _made(build, shape, classes)
    forms = _forms(first, shape)
    problems = []
    for form in forms:
        keras.utils.set_random_seed(seed)
        model = _made(build, shape, classes)  # anew: a call that failed may have left weights behind
        x = np.random.default_rng(seed).random((TRIED, *form), np.float32)
        try:
            y = model(x)
        except HandlensError:
            raise
        except Exception as error:
            problems.append(f"{[TRIED, *form]}: {short(error)}")
            continue
        if not hasattr(y, "shape") or len(y.shape) != 2 or y.shape[0] != TRIED:
            problems.append(f"{[TRIED, *form]}: the output is {_described(y)}")
            continue
        _check_width(int(y.shape[1]), classes)
        if first is not model:
            first(x)  # has its variables then
        _apart(first, model)
        return Foreign(model, form, _gives_probabilities(model, x), classes)
    raise SpecError(
        f"it cannot be used with images {list(shape)}, tried as {'; '.join(problems)}",
        where=WHERE,
        expected=f"an output [n, {classes}] of images [n, {', '.join(map(str, shape))}]",
    )


def copied(model: Any, *, keep_weights: bool) -> Build:
    """What makes copies of a model, compiled like it, with weights of their own or with equal ones.

    Raises:
        SpecError: the model cannot be made again from its configuration.
    """

    def build(_shape: Shape, _classes: int) -> Any:
        try:
            made = type(model).from_config(model.get_config())
            if model.built and not made.built:
                made.build(model.input_shape)
            if keep_weights:
                made.set_weights(model.get_weights())
        except Exception as error:
            raise SpecError(
                f"it cannot be made again from its configuration ({short(error)})",
                where=WHERE,
                remedy="pass the function that builds it in its place",
            ) from error
        if model.compiled:
            optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
            made.compile(optimizer=optimizer, loss=model.loss, run_eagerly=model.run_eagerly)
        return made

    return build


def _made(build: Build, shape: Shape, classes: int) -> Any:
    try:
        model = build(shape, classes)
    except HandlensError:
        raise
    except Exception as error:
        raise SpecError(f"building it failed: {short(error)}", where=WHERE) from error
    if not isinstance(model, keras.Model):
        raise SpecError(
            f"the function gives {type(model).__name__}", where=WHERE, expected="a keras.Model, newly built"
        )
    return model


def _apart(first: Any, second: Any) -> None:
    """Refuse a function that gives the same model, or the same layers, twice."""
    shared = {id(v) for v in first.variables} & {id(v) for v in second.variables}
    if first is second or shared:
        raise SpecError(
            f"the function gives {'the same model' if first is second else 'a model of the same layers'} "
            "each time, so that weights would leak from one trial to the next",
            where=WHERE,
            expected="a new model each time",
            remedy="build it inside the function; compiling again does not reset weights",
        )


def _forms(model: Any, shape: Shape) -> Sequence[tuple[int, ...]]:
    """What one image may look like to the model: all ways, or the one that it says itself."""
    height, width, channels = shape
    forms: list[tuple[int, ...]] = [shape, (math.prod(shape),)]
    if channels == 1:
        forms.insert(1, (height, width))
    try:
        told = model.input_shape
    except (AttributeError, ValueError):  # it has not been called yet
        return forms
    if told is None:
        return forms
    if not isinstance(told, tuple) or (told and isinstance(told[0], (tuple, list, dict))):
        raise SpecError(f"it has several inputs ({told})", where=WHERE, expected="one: the images")
    fitting = [form for form in forms if _fits(told[1:], form)]
    if not fitting:
        raise SpecError(
            f"it takes inputs [n, {', '.join(map(str, told[1:]))}], and the images are {list(shape)}",
            where=WHERE,
            expected=" or ".join(f"[n, {', '.join(map(str, form))}]" for form in forms),
        )
    return fitting


def _fits(told: tuple[int | None, ...], form: tuple[int, ...]) -> bool:
    return len(told) == len(form) and all(t in (None, f) for t, f in zip(told, form, strict=True))


def _check_width(width: int, classes: int) -> None:
    if width == classes:
        return
    if width == 1:
        raise SpecError(
            f"it has a single output, which can tell two classes apart at most, and there are {classes}"
            if classes > 2
            else "it has a single output, and one is wanted for each of the 2 classes",
            where=WHERE,
            remedy=f'end with Dense({classes}), or Dense({classes}, activation="softmax")',
        )
    raise SpecError(
        f"it has {width} outputs",
        where=WHERE,
        expected=f"{classes}, one for each class of the data set",
        remedy="let the function take an argument `classes`",
    )


def _gives_probabilities(model: Any, x: NDArray[np.float32]) -> bool:
    """Whether the outputs [n, k] are probabilities, with the weights as they are and with others."""
    outputs = [_numbers(model(x)), *(_numbers(_moved(model, x, size)) for size in (0.1, 0.5))]
    outputs = [y for y in outputs if np.isfinite(y).all()]
    exact = keras.backend.standardize_dtype(model.compute_dtype) in ("float32", "float64")
    near = 1e-3 if exact else 2e-2
    if not outputs:
        raise SpecError("its outputs are not finite", where=WHERE, expected="numbers, for images in 0 to 1")
    if all((y >= 0).all() and np.allclose(y.sum(axis=1), 1, atol=near) for y in outputs):
        return True
    moving = [y for y in outputs if y.any()]
    if moving and all((y >= 0).all() for y in moving):
        bounded = all((y <= 1).all() for y in moving)
        raise SpecError(
            "its outputs are each between 0 and 1 and do not add up to 1, as those of sigmoid units"
            if bounded
            else "its outputs are never negative and do not add up to 1, as those of relu units",
            where=WHERE,
            expected="probabilities that add up to 1, or logits",
            remedy='give the last layer activation="softmax", or none',
        )
    return False


def _moved(model: Any, x: NDArray[np.float32], size: float) -> Any:
    """Outputs with weights off by random numbers: what holds for these too, the model's form makes hold."""
    rng = np.random.default_rng(0)
    values = [keras.ops.convert_to_tensor(v) for v in model.trainable_variables]
    values = [v + keras.ops.cast(size * rng.standard_normal(v.shape), v.dtype) for v in values]
    others = [keras.ops.convert_to_tensor(v) for v in model.non_trainable_variables]
    more = {"training": False} if takes_training(model) else {}
    return model.stateless_call(values, others, x, **more)[0]


def _numbers(y: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(y), np.float32)


def _described(y: Any) -> str:
    return str(list(y.shape)) if hasattr(y, "shape") else f"a {type(y).__name__}: several outputs"


def short(error: Exception) -> str:
    """The first lines of what Keras says, on one."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}{'...' if len(text) > 200 else ''}"
