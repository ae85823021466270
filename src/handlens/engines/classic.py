"""The engine of classical models: any scikit-learn classifier, by short name or import path."""

from __future__ import annotations

import importlib
import inspect
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images, ImageSet
from handlens.data.prepare import Preparation, fit_preparation
from handlens.engines.contract import HERE, Model, OnEpoch, Phases, ignore_epoch, unreadable
from handlens.errors import SpecError, StoreError, did_you_mean
from handlens.records import Epoch
from handlens.seeds import integer
from handlens.spec import Estimator, EstimatorRecipe

VERSION = 2

# Short name: import path and the arguments in which handlens differs from scikit-learn's defaults.
SHORT_NAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "dummy": ("sklearn.dummy.DummyClassifier", {"strategy": "prior"}),
    "logistic": ("sklearn.linear_model.LogisticRegression", {"max_iter": 200, "tol": 1e-3}),
    "forest": ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 100}),
    "linear-svm": ("sklearn.svm.LinearSVC", {"C": 0.01}),
    # Its predictions by pairwise votes would now and then differ from its largest decision value.
    "rbf-svm": ("sklearn.svm.SVC", {"C": 10.0, "break_ties": True}),
    "knn": ("sklearn.neighbors.KNeighborsClassifier", {"n_neighbors": 5}),
    "gradient-boosting": ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 100}),
}


@dataclass(frozen=True, eq=False)
class ClassicModel:
    """A fitted scikit-learn classifier behind the preparation of its images."""

    estimator: Any
    preparation: Preparation
    k: int
    notes: tuple[str, ...] = ()
    phases: Phases = HERE
    history: tuple[Epoch, ...] = ()

    def predict_proba(self, images: Images) -> NDArray[np.floating[Any]]:
        given = self.estimator.predict_proba(rows(images, self.preparation))
        # A class without training images has no column in scikit-learn; it gets probability 0.
        probabilities = np.zeros((len(images), self.k), dtype=given.dtype)
        probabilities[:, self.estimator.classes_] = given
        return probabilities

    def count_params(self) -> int | None:
        """Coefficients of linear models; for the others the notion does not apply."""
        coefficients = getattr(_core(self.estimator), "coef_", None)
        if not isinstance(coefficients, np.ndarray):
            return None
        return int(coefficients.size + np.size(_core(self.estimator).intercept_))

    def save(self, folder: Path) -> None:
        from skops import io

        io.dump(self.estimator, folder / "estimator.skops", compression=8, compresslevel=1)
        facts = {"k": self.k, "preparation": self.preparation.to_dict()}
        (folder / "model.json").write_text(json.dumps(facts), encoding="utf-8")


class ClassicEngine:
    name = "classic"

    @property
    def numerics(self) -> str:
        import sklearn

        return f"classic-{VERSION} scikit-learn-{sklearn.__version__}"

    def check(self, recipe: EstimatorRecipe, shape: tuple[int, int, int], classes: int) -> None:
        build(recipe.estimator, seed=0)

    def fit(
        self,
        recipe: EstimatorRecipe,
        train: ImageSet,
        validation: ImageSet,
        seed: int,
        on_epoch: OnEpoch = ignore_epoch,
        *,
        checkpoint: Path | None = None,
        threads: int | None = None,
    ) -> Model:
        from threadpoolctl import threadpool_limits

        preparation = fit_preparation(recipe.prepare, train.images)
        estimator = build(recipe.estimator, seed=integer(seed, "estimator"))
        try:
            # One thread for BLAS: with two, sums are rounded otherwise, and a worker's model would differ.
            with (
                threadpool_limits(1, user_api="blas"),
                threadpool_limits(threads, user_api="openmp"),
                warnings.catch_warnings(record=True) as caught,
            ):
                warnings.simplefilter("always")
                estimator.fit(rows(train.images, preparation), train.labels)
                if not hasattr(estimator, "predict_proba"):
                    estimator = _with_probabilities(
                        estimator, rows(validation.images, preparation), validation
                    )
        except (ValueError, TypeError) as error:
            raise SpecError(
                _first_line(error),
                where=str(recipe.estimator),
                remedy="change its arguments",
            ) from error
        notes = dict.fromkeys(_first_line(warning.message) for warning in caught)
        return ClassicModel(estimator, preparation, len(train.classes), tuple(notes))

    def load(self, folder: Path) -> Model:
        """Opens only what skops trusts and scikit-learn's own classes; anything else is refused."""
        from skops import io

        path = folder / "estimator.skops"
        try:
            foreign = [t for t in io.get_untrusted_types(file=path) if not _is_scikit_learns(t)]
            if foreign:
                raise StoreError(
                    f"holds types that are not scikit-learn's: {', '.join(foreign[:3])}",
                    where=path,
                    remedy="train the model again here to use it",
                )
            facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            estimator = io.load(path, trusted=io.get_untrusted_types(file=path))
            return ClassicModel(estimator, Preparation.from_dict(facts["preparation"]), int(facts["k"]))
        except (OSError, ValueError, KeyError, TypeError, ImportError, EOFError, BadZipFile) as error:
            raise unreadable(folder, f"{type(error).__name__}: {error}") from error


def rows(images: Images, preparation: Preparation) -> NDArray[np.float32]:
    """The prepared pixels of each image as one row: float32 [n, height * width * channels]."""
    return preparation.apply(images).reshape(len(images), -1)


def build(estimator: Estimator, seed: int) -> Any:
    """The unfitted classifier, with `seed` as its random state and all cores where it can use them.

    Raises:
        SpecError: an unknown name or argument, or a class that is not a classifier.
    """
    from sklearn.base import BaseEstimator, is_classifier

    path, defaults = SHORT_NAMES.get(estimator.name, (estimator.name, {}))
    kind = _import(path)
    if not (isinstance(kind, type) and issubclass(kind, BaseEstimator)):
        raise SpecError(f"{path} is no estimator", where=str(estimator), expected="a scikit-learn classifier")
    known = set(inspect.signature(kind).parameters)
    arguments = defaults | estimator.arguments
    for name in arguments:
        if name not in known:
            raise SpecError(
                f"unknown argument {name!r}", where=str(estimator), remedy=did_you_mean(name, known)
            )
    if "random_state" in known:
        arguments = {"random_state": seed} | arguments
    if "n_jobs" in known and kind.__name__ != "LogisticRegression":
        arguments = {"n_jobs": -1} | arguments
    try:
        made = kind(**arguments)
    except (TypeError, ValueError) as error:
        raise SpecError(str(error), where=str(estimator)) from None
    if not is_classifier(made):
        raise SpecError(
            f"{path} is not a classifier", where=str(estimator), expected="a scikit-learn classifier"
        )
    return made


def _first_line(message: object) -> str:
    return next(iter(str(message).strip().splitlines()), type(message).__name__)


def _import(path: str) -> Any:
    module, _, name = path.rpartition(".")
    if not module:
        raise SpecError(f"no estimator is called {path!r}", remedy=did_you_mean(path, SHORT_NAMES))
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise SpecError(f"{module} cannot be imported ({error})", where=path) from None
    except AttributeError:
        names = [n for n in dir(importlib.import_module(module)) if not n.startswith("_")]
        raise SpecError(f"{module} has no {name!r}", where=path, remedy=did_you_mean(name, names)) from None


def _with_probabilities(estimator: Any, pixels: NDArray[np.float32], validation: ImageSet) -> Any:
    """A classifier that only has decision values gets probabilities: a softmax at one temperature.

    The temperature is fitted on the validation images (Guo et al. 2017, *On Calibration of Modern Neural
    Networks*). It changes no prediction, so validation accuracy stays what it was.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    calibrated = CalibratedClassifierCV(FrozenEstimator(estimator), method="temperature")
    return calibrated.fit(pixels, validation.labels)


def _core(estimator: Any) -> Any:
    """The classifier itself, inside the wrappers that give it probabilities."""
    while hasattr(estimator, "estimator") and estimator.estimator is not None:
        estimator = estimator.estimator
    return estimator


def _is_scikit_learns(name: str) -> bool:
    """Whether a type's full name is that of a class of scikit-learn: those only hold data."""
    module, _, attribute = name.rpartition(".")
    if module.split(".")[0] != "sklearn":
        return False
    try:
        return isinstance(getattr(importlib.import_module(module), attribute, None), type)
    except ImportError:
        return False
