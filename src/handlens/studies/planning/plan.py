"""A study, from its TOML file or from a line of the command, and the trials that it consists of."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import pydantic
from pydantic import Field

from handlens.data import Dataset, Options, split
from handlens.engines import engine
from handlens.errors import SpecError, did_you_mean
from handlens.records import Split, Trial
from handlens.spec import Recipe, digest, explained, to_dict
from handlens.spec.text import description
from handlens.studies.planning.configurations import Configuration, expand
from handlens.studies.planning.recipes import read_recipes
from handlens.studies.planning.sweep import Sweep, bounded_trials, read_sweep
from handlens.studies.planning.tomlfile import read_toml

__all__ = ["Configuration", "Planned", "Study", "configurations", "plan", "read_study", "study"]

Count = Annotated[int, Field(gt=0)]
When = Literal["final", "all"]
R = TypeVar("R")


@description
class Study:
    """One data set, several recipes with a sweep over their fields, replicates.

    Attributes:
        name: of the folder that its report goes to.
        dataset: a name of the catalogue or a path.
        split: how validation images are set apart.
        sweep: values that the recipes' fields take, axis by axis (`handlens.studies.planning.sweep`).
        replicates: how often each configuration is trained; replicate r has seed `seed + r` in every one.
        test: the test images are opened for the `final` choice of each recipe, or for `all` trials.
        charts: whether every chart is also written as PNG and SVG.
        classes: class names by the catalogue's entry of this name, for files that only number their classes.
        reading: how files are read: label column, pixel shape, size of pictures.
    """

    name: Annotated[str, Field(pattern=r"^[\w][\w .-]{0,79}$")]
    dataset: Annotated[str, Field(min_length=1)]
    recipes: tuple[Any, ...]
    title: str = ""
    replicates: Count = 3
    seed: Annotated[int, Field(ge=0)] = 0
    split: Any = Split(validation=0.1)
    charts: bool = False
    classes: str | None = None
    reading: Options = Options()
    sweep: tuple[Any, ...] = ()
    test: When = "final"


@dataclasses.dataclass(frozen=True)
class Planned:
    """A trial that a study wants.

    Attributes:
        name: of the configuration, unique in the study.
        recipe: the configuration's own, with its values of the sweep.
        family: what the study calls the recipe that the configuration is one of.
    """

    name: str
    recipe: Recipe
    replicate: int
    trial: Trial
    family: str


KEYS = {
    "study": [
        "name",
        "title",
        "dataset",
        "classes",
        "replicates",
        "seed",
        "reading",
        "split",
        "recipe",
        "sweep",
        "test",
        "search",
        "report",
    ],
    "reading": [f.name for f in dataclasses.fields(Options)],
    "split": ["validation", "seed"],
    "test": ["when"],
    "report": ["charts"],
}


def read_study(path: Path) -> Study:
    """The study that a TOML file describes; a data set's relative path is relative to the file.

    Raises:
        SpecError: unreadable, not TOML, unknown keys, recipes that cannot be.
    """
    table = read_toml(path)
    _known(table, "study", str(path))
    report = _table(table, "report", path)
    dataset = table.get("dataset")
    if not isinstance(dataset, str):
        raise SpecError("no data set is named", where=path, remedy='write dataset = "mnist-5k"')
    beside = path.parent / dataset
    when = _table(table, "test", path).get("when", "final")
    if when not in get_args(When):
        raise SpecError(f"when is {when!r}", where=f"{path}: [test]", expected="'final' or 'all'")
    recipes = table.get("recipe", [])
    if not isinstance(recipes, list):
        raise SpecError("recipe is not a list of tables", where=path, remedy="write [[recipe]]")
    return study(
        where=str(path),
        name=table.get("name", path.stem),
        title=table.get("title", path.stem),
        dataset=str(beside) if ("/" in dataset or beside.exists()) else dataset,
        recipes=recipes,
        split=_checked(Split, {"validation": 0.1} | _table(table, "split", path), f"{path}: [split]"),
        sweep=_a_table(table, "sweep", path),
        test=when,
        reading=_checked(Options, _table(table, "reading", path), f"{path}: [reading]"),
        **report,
        **{key: table[key] for key in ("replicates", "seed", "classes") if key in table},
    )


def study(
    *,
    where: str = "study",
    recipes: Sequence[Recipe | str | Mapping[str, Any]],
    sweep: Mapping[str, Any] | Sweep = (),
    **fields: Any,
) -> Study:
    """A checked study from Python; a recipe may be the name of one of the zoo, or a table as of `[[recipe]]`.

    `sweep` is what would be the table `[sweep]` of a TOML file:
    `{"layers.l2": {"logspace": [1e-6, 1e-3, 5]}, "zip": [{"epochs": [10, 20], "batch_size": [64, 128]}]}`.

    Raises:
        SpecError: no recipe, two of one name, a field that breaks its rule, a sweep that cannot be, too many
            trials.
    """
    made = read_recipes(recipes, where)
    axes = read_sweep(sweep, f"{where}: [sweep]") if isinstance(sweep, Mapping) else sweep
    found = expand(made, axes, where)  # refuses what cannot be, while it is known where it is written
    try:
        checked = Study(recipes=made, sweep=axes, **fields)
    except SpecError as error:
        error.where = where
        raise
    bounded_trials(len(found), checked.replicates, where)
    return checked


def configurations(study: Study) -> tuple[Configuration, ...]:
    """Each recipe with each choice of the sweep's values that it has fields for; the last varies fastest.

    Raises:
        SpecError: a sweep that does not fit the recipes.
    """
    return expand(study.recipes, study.sweep)


def plan(study: Study, dataset: Dataset) -> tuple[Planned, ...]:
    """Every trial of a study on its data set, checked before anything is trained.

    Replicate by replicate, so that a study that is stopped early has compared every configuration.

    Raises:
        SpecError: a recipe that cannot be built for these images.
        DataError: more validation images than can be held back.
    """
    split(dataset.train.labels, study.split.validation, study.split.seed)  # refuses an impossible one
    found = configurations(study)
    bounded_trials(len(found), study.replicates, study.name)
    for configuration in found:
        recipe = configuration.recipe
        try:
            engine(recipe.engine).check(recipe, dataset.shape, len(dataset.classes))
        except SpecError as error:
            error.where = f"recipe {configuration.name!r}: {error.where}".removesuffix(": ")
            raise
    plain = [{k: v for k, v in to_dict(c.recipe).items() if k != "name"} for c in found]
    return tuple(
        Planned(
            configuration.name,
            configuration.recipe,
            replicate,
            Trial(
                data=dataset.digest,
                split=study.split,
                recipe=described,
                seed=study.seed + replicate,
                numerics=engine(configuration.recipe.engine).numerics,
            ),
            configuration.family,
        )
        for replicate in range(study.replicates)
        for configuration, described in zip(found, plain, strict=True)
    )


def _known(table: dict[str, Any], kind: str, where: str) -> None:
    for key in table:
        if key not in KEYS[kind]:
            raise SpecError(f"unknown key {key!r}", where=where, remedy=did_you_mean(key, KEYS[kind]))


def _a_table(table: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
    inner = table.get(key, {})
    if not isinstance(inner, dict):
        raise SpecError(f"{key} is {inner!r}", where=path, expected=f"a table [{key}]")
    return inner


def _table(table: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
    inner = _a_table(table, key, path)
    _known(inner, key, f"{path}: [{key}]")
    return inner


def _checked(kind: type[R], fields: dict[str, Any], where: str) -> R:
    """The record of a table's fields, each of its type."""
    try:
        # By way of JSON, whose lists pydantic takes for tuples even where it is strict.
        return pydantic.TypeAdapter(kind).validate_json(json.dumps(fields, default=str), strict=True)
    except pydantic.ValidationError as error:
        raise explained(error, where, list(fields)) from None


def configuration_of(trial: Trial) -> str:
    """Digest of what replicates share: the recipe and the version of the code that trains it."""
    return digest({"recipe": trial.recipe, "numerics": trial.numerics})
