"""What a run leaves behind: plain frozen records, to JSON and back, every number with its unit.

A record read from disk is checked like any file from outside.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import pydantic
from pydantic.dataclasses import dataclass

from handlens.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = 2
R = TypeVar("R")


@dataclass(frozen=True)
class Epoch:
    """Scores of one pass over the training images.

    Training scores are those of the epoch's own forward passes, so the weights move while they are taken and
    dropout is active: they start below and end near what the finished weights would score.
    `seconds`: wall time from the start of training to the end of this epoch.
    """

    epoch: int
    loss: float
    accuracy: float
    macro_f1: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    validation_macro_f1: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Scores:
    """How a model did on a set of images; `confusion[i][j]`: images of class i taken for class j."""

    images: int
    accuracy: float
    macro_f1: float
    log_loss: float
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Timings:
    """Seconds of training (wall clock, processor) and microseconds of predicting one image, on `device`.

    Predicting is timed on the validation images. Seconds of compiling, and of bringing images and weights to
    the device, are no part of training. Of trainings in one program each has its share.
    """

    fit_wall_s: float
    fit_cpu_s: float
    predict_us_per_image: float
    device: str
    warm_up_s: float = 0.0
    compile_s: float = 0.0


@dataclass(frozen=True)
class Environment:
    """Where a run was made: versions by package name, and the machine in words."""

    versions: dict[str, str]
    platform: str
    processor: str
    cores: int
    command: str


@dataclass(frozen=True)
class Split:
    """How validation images were set apart: a share (0-1) or a count of the training images; the seed.

    `last 500` are the last 500 training images, in their order. `families` names the groups of copies (see
    `families_name`) of which none has images on both sides; None: images were chosen one by one.
    """

    validation: float | int | Annotated[str, pydantic.Field(pattern=r"^last [1-9]\d{0,8}$")]
    seed: int = 0
    families: str | None = None

    def plain(self) -> dict[str, Any]:
        """The fields that say something: a split without families is written as before there were any."""
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}


def families_name(families: NDArray[np.integer[Any]]) -> str:
    """What a split calls its groups: the first 20 hexadecimal digits of the sha256 of int64 [n], the group of
    each training image."""
    return hashlib.sha256(families.astype("<i8").tobytes()).hexdigest()[:20]


@dataclass(frozen=True)
class Trial:
    """All that decides what a run will be; its hash is the run's name.

    Attributes:
        data: digest of the data set (sha256 of its arrays).
        recipe: the recipe as plain data with every default written out, without its name.
        seed: of initial weights, order of images, dropout, and of the estimator's random state.
        numerics: the engine's version, which goes up when a change of code changes results.
    """

    data: str
    split: Split
    recipe: dict[str, Any]
    seed: int
    numerics: str

    @property
    def hash(self) -> str:
        """The first 20 hexadecimal digits (80 bits) of the sha256 of the trial's JSON."""
        described = dataclasses.asdict(self) | {"split": self.split.plain()}
        text = json.dumps(described, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Run:
    """A finished trial. What its model says about test images is a `Look`, which may come later or never.

    Attributes:
        name: what its study calls the recipe.
        model: the recipe in one readable line.
        classes: class names in the order of the columns of every probability.
        input: how pictures are made fit for the model (see `handlens.data.pictures.InputContract`).
        parameters: trained numbers of the model; None where the notion does not apply.
        model_bytes: size of the files in `model/`.
        created: UTC time at which it was finished, ISO 8601.
    """

    trial: Trial
    name: str
    model: str
    engine: str
    dataset: str
    classes: tuple[str, ...]
    input: dict[str, Any]
    history: tuple[Epoch, ...]
    train_images: int
    validation: Scores
    timings: Timings
    environment: Environment
    parameters: int | None
    epochs: int | None
    optimizer: str
    model_bytes: int
    created: str
    notes: tuple[str, ...] = ()
    format: int = FORMAT


@dataclass(frozen=True)
class Look:
    """One run's model has seen the test images, which ends what may be chosen by them.

    Attributes:
        test: digest of the test images and labels (sha256).
        configuration: digest of the recipe, whatever the seed.
        opened: UTC time, ISO 8601.
    """

    test: str
    configuration: str
    scores: Scores
    opened: str
    format: int = FORMAT


def to_json(record: Any) -> str:
    """A record as indented JSON; numbers come back equal."""
    return json.dumps(dataclasses.asdict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(kind: type[R], text: str | bytes, *, where: object = "") -> R:
    """A record from JSON.

    Raises:
        StoreError: not JSON, or not such a record.
    """
    try:
        return pydantic.TypeAdapter(kind).validate_json(text)
    except pydantic.ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise StoreError(
            f"is no {kind.__name__.lower()}'s record or is damaged{f' (at {place})' if place else ''}",
            where=where,
            remedy="remove the folder and run again to retrain it",
        ) from None
