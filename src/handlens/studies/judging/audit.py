"""Is a data set fit to compare models on: copies between its parts, shift, label counts, doubtful labels."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.data import Dataset, ImageSet, split
from handlens.engines import engine
from handlens.errors import DataError, HandlensError, SpecError
from handlens.evaluate.doubts import Doubts, find_doubts, out_of_fold
from handlens.evaluate.label_counts import LabelCounts, compare_label_counts
from handlens.evaluate.leaks import Duplicates, find_duplicates
from handlens.evaluate.shift import Shift, find_shift
from handlens.evaluate.traits import reduced
from handlens.pages import parts
from handlens.spec import NetworkRecipe, Recipe, SoftmaxCrossEntropy, zoo

TRAINING, VALIDATION, TEST = 0, 1, 2  # parts of `Duplicates`
PARTS = ("training", "validation", "test")
STEPS = 400  # of the optimizer: fewer leave a network that has not learned yet
MOST_EPOCHS = 20
OnStep = Callable[[str], None]
Indices = NDArray[np.int64]


def ignore_step(step: str) -> None:
    """The `on_step` of somebody who does not want to know."""


@dataclass(frozen=True, eq=False)
class Audit:
    """What was found in a data set; of what could not be looked at, the reason in a sentence.

    Attributes:
        dataset: what was looked at.
        validation: positions in the training part of what counts as validation images, int64 [v] ascending.
        duplicates: of training and test images together, counted on; their parts are `TRAINING`, `VALIDATION`
            and `TEST`.
        near: whether copies were looked for that are not identical.
        usual: whether the validation images are those of a study that says nothing about its split.
        doubts: about the labels of the training part.
        seconds: wall time of each step.
    """

    dataset: Dataset
    validation: Indices
    duplicates: Duplicates
    near: bool
    usual: bool
    shift: Shift | str
    counts: LabelCounts
    doubts: Doubts | str
    seconds: dict[str, float]

    @property
    def training_families(self) -> Indices:
        """The family of each image of the training part, numbered by first image: int64 [n]."""
        families = self.duplicates.families[: len(self.dataset.train)]
        _, first, which = np.unique(families, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[which].astype(np.int64)


def audit(
    dataset: Dataset,
    *,
    validation: Indices | None = None,
    quick: bool = False,
    seed: int = 0,
    on_step: OnStep = ignore_step,
) -> Audit:
    """Look at the data alone; no model of the user's takes part and no test score is made.

    Args:
        validation: positions in the training part that are the validation images; without it, those of a
            study that says nothing about its split.
        quick: identical images only, and no doubtful labels.
        on_step: is told what is looked for now.

    Raises:
        DataError: images that cannot be looked at.
    """
    train, test = dataset.train, dataset.test
    held = usual_validation(train.labels) if validation is None else np.sort(validation)
    belongs = np.repeat([TRAINING, TEST], [len(train), len(test)])
    belongs[held] = VALIDATION
    seconds: dict[str, float] = {}

    def now(step: str) -> None:
        seconds[step] = time.perf_counter()
        on_step(step)

    now("copies")
    pixels, labels = [np.asarray(train.images), np.asarray(test.images)], [train.labels, test.labels]
    duplicates = find_duplicates(pixels, parts=belongs, labels=labels, near=not quick)
    now("shift")
    shift = _shift(dataset, duplicates.families, seed)
    counts = compare_label_counts(train.counts(), test.counts(), seed=seed)
    now("doubtful labels")
    families = duplicates.families[: len(train)]
    doubts = "Left out by --quick." if quick else _doubts(train, families, seed)
    usual = validation is None
    return Audit(dataset, held, duplicates, not quick, usual, shift, counts, doubts, _spent(seconds))


def usual_validation(labels: NDArray[np.int64]) -> Indices:
    """The validation images of a study that says nothing about its split; none of too few images."""
    try:
        return split(labels).validation
    except DataError:
        return np.empty(0, dtype=np.int64)


def label_probabilities(
    images: ImageSet, *, folds: int = 3, groups: Indices | None = None, seed: int = 0
) -> NDArray[np.float32]:
    """What networks that never saw them say of the images, float32 [n, k]; see `out_of_fold`.

    Each fold is predicted by `doubting_recipe` trained on the others. Larger pictures are reduced.

    Raises:
        DataError: too few images.
    """
    small = _small(images)
    recipe = doubting_recipe(len(small) - len(small) // folds, small.shape, len(small.classes))

    def predict(train: Indices, held: Indices) -> NDArray[np.floating]:
        model = engine(recipe.engine).fit(recipe, small.take(train), small.take(train[:100]), seed)
        return model.predict_proba(small.take(held).images)

    return out_of_fold(small.labels, len(small.classes), predict, folds=folds, groups=groups, seed=seed)


def doubting_recipe(images: int, shape: tuple[int, int, int], classes: int) -> Recipe:
    """The zoo's `fast` without label smoothing, which would hide how little a label is believed.

    On few images it is trained for longer; images too small for its windows get a logistic regression.
    """
    network = zoo("fast")
    assert isinstance(network, NetworkRecipe)
    batch = 128 if images >= 5_000 else 32
    epochs = min(MOST_EPOCHS, max(network.epochs, round(STEPS * batch / max(images, 1))))
    network = dataclasses.replace(network, loss=SoftmaxCrossEntropy(), epochs=epochs, batch_size=batch)
    try:
        engine(network.engine).check(network, shape, classes)
    except SpecError:
        return zoo("logistic")
    return network


def _shift(dataset: Dataset, families: Indices, seed: int) -> Shift | str:
    train, test = dataset.train, dataset.test
    try:
        return find_shift(
            train.images,
            test.images,
            training_labels=train.labels,
            test_labels=test.labels,
            training_groups=families[: len(train)],
            test_groups=families[len(train) :],
            seed=seed,
        )
    except DataError as error:
        return _sentence(error)


def _doubts(images: ImageSet, families: Indices, seed: int) -> Doubts | str:
    try:
        found = label_probabilities(images, groups=families, seed=seed)
    except HandlensError as error:
        return _sentence(error)
    return find_doubts(found, images.labels)


def _sentence(error: HandlensError) -> str:
    said = str(error)
    return f"{said[0].upper()}{said[1:]}."


def _small(images: ImageSet) -> ImageSet:
    """The images with their longer side cut below 64 pixels; as they are where it is."""
    if not len(images) or reduced(images.images[:1]).shape == images.images[:1].shape:
        return images
    small = [np.round(reduced(np.asarray(part))).astype(np.uint8) for part in parts(images.images)]
    return ImageSet(np.concatenate(small), images.labels, images.classes)


def _spent(begun: dict[str, float]) -> dict[str, float]:
    """Seconds of each step from the times at which they began."""
    ends = [*list(begun.values())[1:], time.perf_counter()]
    return {step: end - begin for (step, begin), end in zip(begun.items(), ends, strict=True)}
