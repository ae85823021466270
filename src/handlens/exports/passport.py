"""What travels with a model: what it wants to be given, what it answers, how it was trained and does."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.catalogue import catalogue
from handlens.data.pictures import InputContract
from handlens.errors import StoreError
from handlens.evaluate import Interval, accuracy_interval
from handlens.evaluate.bootstrap import macro_f1_interval
from handlens.records import Run, Scores
from handlens.studies.storage.store import Store


@dataclass(frozen=True)
class Data:
    """What the model was trained on.

    Attributes:
        licence, title, citation, page: as the catalogue has them; empty for images of the user's own.
        digest: sha256 of all its images, labels and class names.
        train_images, validation_images: how many the model was fitted to, and chosen by.
    """

    name: str
    title: str
    licence: str
    citation: str
    page: str
    digest: str
    train_images: int
    validation_images: int


@dataclass(frozen=True)
class Measured:
    """Scores on images that the model was not fitted to: shares (0-1) with 95 % intervals over images.

    `accuracy` has Wilson's interval, `macro_f1` the jackknife's; `log_loss` is the mean in nats.
    """

    images: int
    accuracy: Interval
    macro_f1: Interval
    log_loss: float


@dataclass(frozen=True)
class Passport:
    """The facts that every exported file carries.

    Attributes:
        handlens: the version that exported it.
        run: the run's hash; `name` what its study calls it; `model` its recipe in one line.
        input: what pictures are to be like (`handlens.data.pictures.InputContract`): height, width, channels,
            polarity (background and ink, grey 0-255), size and centring of the content.
        range: of the pixels that an exported model takes; it prepares them itself.
        preparation: what it does with them, `(pixel - offset) * scale`; a number, or one for each pixel.
        classes: names in the order of the probabilities.
        test: None where the test images were not opened for this run.
    """

    handlens: str
    run: str
    name: str
    model: str
    engine: str
    seed: int
    created: str
    parameters: int | None
    input: dict[str, Any]
    range: tuple[int, int]
    preparation: dict[str, Any]
    classes: tuple[str, ...]
    data: Data
    validation: Measured
    test: Measured | None

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return asdict(self)

    def text(self) -> str:
        """JSON in one line."""
        return json.dumps(self.plain(), ensure_ascii=False, allow_nan=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self.input["height"], self.input["width"], self.input["channels"]


def passport(store: Store, run: Run, preparation: dict[str, Any]) -> Passport:
    """The facts of a stored run; its test scores only where its test images were opened before.

    Raises:
        StoreError: the record does not say what its images are like, or is damaged.
    """
    look = store.look(run.trial.hash) if store.opened(run.trial.hash) else None
    return Passport(
        handlens=importlib.metadata.version("handlens"),
        run=run.trial.hash,
        name=run.name,
        model=run.model,
        engine=run.engine,
        seed=run.trial.seed,
        created=run.created,
        parameters=run.parameters,
        input=asdict(contract(run)),
        range=(0, 255),
        preparation=preparation,
        classes=run.classes,
        data=_data(run),
        validation=measured(run.validation),
        test=None if look is None else measured(look.scores),
    )


def contract(run: Run) -> InputContract:
    """What the run's model wants pictures to be like."""
    try:
        return InputContract(**run.input)
    except TypeError:
        raise StoreError("the record does not say what its images are like", where=run.trial.hash) from None


def measured(scores: Scores) -> Measured:
    """Scores with their intervals."""
    labels, predicted = answers(scores.confusion)
    certain = np.eye(len(scores.confusion), dtype=np.float32)[predicted]
    return Measured(
        images=scores.images,
        accuracy=accuracy_interval((labels == predicted)[None]),
        macro_f1=macro_f1_interval(certain, labels),
        log_loss=round(scores.log_loss, 6),
    )


def answers(confusion: tuple[tuple[int, ...], ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels and predictions, int64 [n] each, of the images that a confusion matrix counts."""
    counts, k = np.asarray(confusion, np.int64), len(confusion)
    labels, predicted = np.repeat(np.arange(k), k), np.tile(np.arange(k), k)
    return np.repeat(labels, counts.ravel()), np.repeat(predicted, counts.ravel())


def _data(run: Run) -> Data:
    known = catalogue().get(run.dataset)
    said = (known.title, known.licence, known.citation, known.page) if known else ("", "", "", "")
    return Data(run.dataset, *said, run.trial.data, run.train_images, run.validation.images)
