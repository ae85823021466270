"""One picture's way through one network: what the command, the page and the tests read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.data.images import Images
from handlens.data.pictures import InputContract
from handlens.engines import Model
from handlens.engines.scratch import ScratchModel, part
from handlens.errors import StoreError
from handlens.nn.trace import LayerTrace, Trace, trace
from handlens.records import Run
from handlens.report.occlusion import Occlusion, occlusion
from handlens.spec import LAYERS, LOSSES, Dense, parse, to_text

MIDDLE = 128


@dataclass(frozen=True, eq=False)
class Explanation:
    """A picture, what the network made of it, and how.

    Attributes:
        run: of the model; `picture`: the file's name.
        image: uint8 [height, width, channels], as the model saw it; `notes`: how it was made so.
        probabilities: float [k].
        label: the class that the loss is measured against: what the picture shows, or else the prediction.
        given: whether somebody said what the picture shows.
        trace: the pass forward and back.
        texts: each layer's description, the head included.
        occlusion: of the predicted class's probability.
    """

    run: Run
    picture: str
    image: Images
    notes: tuple[str, ...]
    probabilities: NDArray[np.floating[Any]]
    label: int
    given: bool
    trace: Trace
    texts: tuple[str, ...]
    occlusion: Occlusion

    @property
    def predicted(self) -> int:
        """The class with the greatest probability."""
        return int(self.probabilities.argmax())

    def ranking(self) -> list[tuple[str, float]]:
        """Classes and probabilities, the greatest first."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(self.run.classes[i], float(self.probabilities[i])) for i in order]


@dataclass(frozen=True)
class LayerRow:
    """A layer in numbers; `low`, `mean` and `high` are of its outputs.

    Attributes:
        layer: its description; `formula`: y of x, then f of z where it has an activation.
        shape: of the output for this picture.
        parameters: how many numbers it holds.
        gradient: length (root of the sum of squares) of the loss's gradient with respect to the output.
        parameter_gradient: the same with respect to the parameters; None without any.
    """

    layer: str
    formula: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int
    low: float
    mean: float
    high: float
    gradient: float
    parameter_gradient: float | None


def has_layers(run: Run) -> None:
    """Raise unless the run's model can be looked into.

    Raises:
        StoreError: it is no network from scratch.
    """
    if run.engine != "scratch":
        raise StoreError(
            f"{run.name!r} is a model of the engine {run.engine!r}",
            where=run.trial.hash,
            expected="a network from scratch: only its layers can be looked into",
        )


def explain(
    run: Run,
    model: Model,
    image: Images,
    *,
    picture: str,
    notes: Sequence[str] = (),
    label: int | None = None,
) -> Explanation:
    """Follow a fitted uint8 image [height, width, channels] through a trained network and back.

    Raises:
        StoreError: the run's model is no network from scratch, or its record does not describe it.
    """
    has_layers(run)
    assert isinstance(model, ScratchModel)
    probabilities = model.predict_proba(image[None])[0]
    shown = int(probabilities.argmax()) if label is None else label
    seen = trace(
        model.network,
        image[None],
        np.array([shown]),
        offset=model.preparation.offset,
        scale=model.preparation.scale,
        loss=part(nn.losses.REGISTRY, parse(_recipe(run, "loss"), LOSSES, where=run.trial.hash)),
    )
    return Explanation(
        run=run,
        picture=picture,
        image=image,
        notes=tuple(notes),
        probabilities=probabilities,
        label=shown,
        given=label is not None,
        trace=seen,
        texts=_texts(run, len(seen.layers)),
        occlusion=occlusion(
            model.predict_proba, image, int(probabilities.argmax()), cover(InputContract(**run.input))
        ),
    )


def cover(contract: InputContract) -> int:
    """The grey, 0-255, that hides something: the background's where there is one, else the middle of all."""
    return round(contract.background) if contract.uniform_background else MIDDLE


def rows(explanation: Explanation) -> list[LayerRow]:
    """Every layer in numbers, in the order of the forward pass."""
    return [
        LayerRow(
            layer=text,
            formula=_formula(layer),
            shape=layer.output.shape[1:],
            parameters=layer.count_params(),
            low=float(layer.output.min()),
            mean=float(layer.output.mean()),
            high=float(layer.output.max()),
            gradient=length(layer.gradient),
            parameter_gradient=_parameter_gradient(layer),
        )
        for text, layer in zip(explanation.texts, explanation.trace.layers, strict=True)
    ]


def _formula(layer: LayerTrace) -> tuple[str, ...]:
    if not layer.activation:
        return (layer.formula,)
    return layer.formula, layer.activation.replace("y =", "f(z) =")


def length(gradient: NDArray[Any]) -> float:
    """The root of the sum of squares."""
    return float(np.sqrt(np.square(gradient, dtype=np.float64).sum()))


def _parameter_gradient(layer: LayerTrace) -> float | None:
    gradients = [p.gradient.ravel() for p in layer.parameters if p.gradient is not None]
    return length(np.concatenate(gradients)) if gradients else None


def _texts(run: Run, layers: int) -> tuple[str, ...]:
    """The recipe's layers as short as they can be said, and the head."""
    described = _recipe(run, "layers")
    if not isinstance(described, list) or len(described) != layers - 1:
        raise StoreError("the recipe is not that of the network", where=run.trial.hash)
    made = [parse(text, LAYERS, where=run.trial.hash) for text in described]
    return tuple(to_text(layer) for layer in (*made, Dense(len(run.classes))))


def _recipe(run: Run, key: str) -> Any:
    try:
        return run.trial.recipe[key]
    except KeyError:
        raise StoreError(f"the recipe has no {key!r}", where=run.trial.hash) from None
