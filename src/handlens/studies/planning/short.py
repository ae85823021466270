"""Short trials on few training images, and what they say about whole ones."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
import time

from handlens.data import ImageSet, split
from handlens.engines import Model, engine
from handlens.spec import EstimatorRecipe, KerasRecipe, NetworkRecipe, Recipe

SMALLEST, LARGEST = 125, 4_000  # training images of short trials; five doublings lie between
EPOCHS = 4  # of a network's short trial; the first is no measure of the others


@dataclasses.dataclass(frozen=True)
class Law:
    """Seconds by size, from `full` seconds at `size` and `half` at half of it (None: not measured).

    A straight line with a fixed part; where time grows `faster` than straight, a power of the size.
    """

    size: float
    full: float
    half: float | None = None
    faster: bool = False

    def at(self, size: float) -> float:
        if self.half is None or self.full >= 2 * self.half:
            steep = self.faster and self.half is not None and self.half > 0
            power = min(math.log2(self.full / self.half), 3.0) if steep and self.half else 1.0
            return self.full * float((size / self.size) ** power)
        slope = max(self.full - self.half, 0.0) / (self.size / 2)
        return self.full + slope * (size - self.size)


@dataclasses.dataclass(frozen=True)
class Timing:
    """What short trials said: seconds of fitting by images and epochs, of predicting one image by images.

    `once`: seconds that a trial takes whatever its size, such as compiling.
    """

    images: int
    measured_s: float
    fit: Law
    predict: Law
    once: float = 0.0

    def trial(self, recipe: Recipe, images: int, predicted: float) -> float:
        """Seconds of a trial on so many training images that predicts so many others."""
        epochs = 1 if isinstance(recipe, EstimatorRecipe) else recipe.epochs
        return self.once + self.fit.at(images * epochs) + predicted * self.predict.at(images)


@dataclasses.dataclass(frozen=True, eq=False)
class Short:
    """Fits on few training images, with validation images in proportion (`validation` to one)."""

    images: ImageSet
    validation: float
    threads: int | None

    @property
    def largest(self) -> int:
        """Images of the longest short trial."""
        room = len(self.images) - len(self.images.classes)
        return min(LARGEST, int(room / (1 + self.validation)))

    def __call__(self, recipe: Recipe, size: int) -> tuple[float, Model]:
        """Seconds beside those of compiling and warming up, and the model."""
        held = max(1, round(size * self.validation))
        chosen = split(self.images.labels, min(size + held, len(self.images) - len(self.images.classes)))
        some = self.images.take(chosen.validation)
        inner = split(some.labels, min(held, max(1, len(some) - len(some.classes))))
        train, validation = some.take(inner.train), some.take(inner.validation)
        begin = time.perf_counter()
        model = engine(recipe.engine).fit(recipe, train, validation, 0, threads=self.threads)
        spent = time.perf_counter() - begin - model.phases.compile_s - model.phases.warm_up_s
        return max(spent, 0.0), model


def measure(recipe: Recipe, fit: Short, seconds: float) -> Timing:
    """Short trials, each of twice as many images as the one before, for about so many seconds.

    Raises:
        HandlensError: the recipe cannot be trained on so few images.
    """
    size = max(min(SMALLEST, fit.largest // 2), 1)
    enough = seconds / 4  # of one fit: those before it take as long together, and so does predicting
    if isinstance(recipe, EstimatorRecipe):
        fit(recipe, size)  # what happens once, such as loading a library, is no part of a trial
        return _estimator(recipe, fit, size, enough)
    recipe = dataclasses.replace(recipe, epochs=EPOCHS, patience=None, keep="last")
    fit(recipe, size)
    return _network(recipe, fit, size, enough)


def _network(recipe: NetworkRecipe | KerasRecipe, fit: Short, size: int, enough: float) -> Timing:
    """By the epochs of one training: what comes before them takes seconds by Keras, and never the same."""
    while True:
        spent, model = fit(recipe, size)
        if spent >= enough or 2 * size > fit.largest:
            break
        size *= 2
    ends = [0.0, *(epoch.seconds for epoch in model.history)]
    epoch = statistics.median(after - before for before, after in itertools.pairwise(ends))
    fixed = max(spent - EPOCHS * epoch, 0.0)
    one = _predict_s(model, fit.images)
    full = fixed + epoch
    return Timing(size, full, Law(size, full, full - epoch / 2), Law(size, one, one), _once(model))


def _estimator(recipe: EstimatorRecipe, fit: Short, size: int, enough: float) -> Timing:
    """By two sizes: the time of some grows faster than their images."""
    before: tuple[float, float] | None = None
    while True:
        spent, model = fit(recipe, size)
        if spent < enough / 8:  # short times are noisy
            spent = statistics.median([spent, fit(recipe, size)[0], fit(recipe, size)[0]])
        one = _predict_s(model, fit.images)
        if spent >= enough or 2 * size > fit.largest:
            break
        before = (spent, one)
        size *= 2
    half = before or (None, None)
    return Timing(size, spent, Law(size, spent, half[0], True), Law(size, one, half[1], True), _once(model))


def _once(model: Model) -> float:
    return model.phases.compile_s + model.phases.warm_up_s


def _predict_s(model: Model, images: ImageSet) -> float:
    """Seconds of predicting one image."""
    some = images.images[: SMALLEST * 2]
    begin = time.perf_counter()
    model.predict_proba(some)
    return (time.perf_counter() - begin) / len(some)
