"""The labs' study files, and the variants of them that are trained: by Keras too, or quick."""

from __future__ import annotations

import dataclasses
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handlens.data import Dataset, ImageSet
from handlens.data.split import stratified
from handlens.errors import SpecError
from handlens.labs.published import Lab, published
from handlens.records import Split
from handlens.seeds import generator
from handlens.spec import EstimatorRecipe, NetworkRecipe, Recipe
from handlens.studies.planning.plan import Study, read_study

OURS = "zoo-"  # how recipes begin that are no lab's
KERAS = " (Keras)"


@dataclass(frozen=True)
class Quick:
    """How far a quick run cuts down: at most so many images, epochs and replicates.

    `keras`: how many of a study's recipes are trained by Keras too.
    """

    training: int = 4000
    test: int = 2000
    epochs: int = 2
    replicates: int = 2
    keras: int = 1


def folder() -> Path:
    """Where the study files are: in an installed package beside this file, else in the repository."""
    inside = Path(__file__).parent / "studies"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "studies" / "labs"


def read(name: str, place: Path | None = None) -> Study:
    """The lab's study of that name.

    Raises:
        SpecError: there is no such file, or it cannot be read.
    """
    path = (place or folder()) / f"{name}.toml"
    if not path.is_file():
        raise SpecError("there is no such study file", where=path, remedy="name their folder with --studies")
    return dataclasses.replace(read_study(path), name=f"lab-{name}")


def has_keras() -> bool:
    """Whether the extra `keras` is installed; nothing is imported."""
    return all(importlib.util.find_spec(name) is not None for name in ("keras", "jax"))


def with_keras(study: Study, lab: Lab, name: str, most: int | None = None) -> Study:
    """The study with a twin of every network of the lab's that Keras trains; `most`: of the first ones."""
    if not (lab.by_keras(name) and has_keras()):
        return study
    mine = [r for r in study.recipes if isinstance(r, NetworkRecipe) and not r.name.startswith(OURS)]
    twins = tuple(
        dataclasses.replace(recipe, name=recipe.name + KERAS, engine="keras") for recipe in mine[:most]
    )
    return dataclasses.replace(study, recipes=study.recipes + twins)


def twin_name(name: str, study: Study) -> str:
    """What the Keras twin of a configuration is called."""
    families = [recipe.name for recipe in study.recipes if f"{name} ".startswith(f"{recipe.name} ")]
    family: str = max(families, key=len)
    return family + KERAS + name.removeprefix(family)


def shortened(study: Study, dataset: Dataset, quick: Quick) -> tuple[Study, Dataset]:
    """Study and data set of a quick run."""
    rng = generator(0, "quick")
    train, last = _smaller(dataset.train, study.split, quick, rng)
    test = dataset.test
    if len(test) > quick.test:
        test = test.take(stratified(test.labels, quick.test, rng))
    held: float | str = f"last {last}" if last else 0.1
    recipes = tuple(_short(recipe, quick) for recipe in study.recipes)
    note = f"quick run: {len(train):,} of {len(dataset.train):,} training images"
    return (
        dataclasses.replace(
            study,
            recipes=recipes,
            replicates=min(study.replicates, quick.replicates),
            split=Split(held, study.split.seed),
        ),
        dataclasses.replace(dataset, train=train, test=test, notes=(*dataset.notes, note)),
    )


def fitted(study: Study, dataset: Dataset) -> Study:
    """The study as it can be run on a data set that is only a sample of its own."""
    held, whole = study.split.validation, len(dataset.train)
    if isinstance(held, str) and int(held.removeprefix("last ")) > len(dataset.test):
        return dataclasses.replace(study, split=Split(f"last {len(dataset.test) // 2}", study.split.seed))
    if isinstance(held, int) and held > whole // 3:
        return dataclasses.replace(study, split=Split(0.1, study.split.seed))
    return study


def missing(name: str, dataset: Dataset) -> str:
    """What the data set lacks of the one that the lab used; empty where it is whole."""
    train, test = published().images[name]
    if (len(dataset.train), len(dataset.test)) == (train, test):
        return ""
    return (
        f"sample: {len(dataset.train):,} of {train:,} training, {len(dataset.test):,} of {test:,} test images"
    )


def _short(recipe: Recipe, quick: Quick) -> Recipe:
    if isinstance(recipe, EstimatorRecipe):
        return recipe
    return dataclasses.replace(recipe, epochs=min(recipe.epochs, quick.epochs))


def _smaller(images: ImageSet, split: Split, quick: Quick, rng: np.random.Generator) -> tuple[ImageSet, int]:
    """Fewer images, each class in proportion; how many of the last ones are held out, 0 for a share."""
    last = 0
    if isinstance(split.validation, str):
        last = int(split.validation.removeprefix("last "))
    head = len(images) - last
    kept = min(last, max(1, quick.training // 10)) if last else 0
    chosen = np.arange(head)
    if head > quick.training:
        chosen = stratified(images.labels[:head], quick.training, rng)
    tail = np.arange(head, head + kept)
    return images.take(np.concatenate([chosen, tail])), kept
