"""scikit-learn's classifiers that are networks: linear ones, multi-layer perceptrons, a constant answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.engines.classic import ClassicModel
from handlens.engines.scratch import ScratchModel
from handlens.errors import SpecError

NEVER = -1e4  # a logit that is probability zero beside any other
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
POSSIBLE = "a network, logistic, linear-svm, dummy, a multi-layer perceptron or linear discriminant analysis"
MORE = "handlens export RUN --to onnx knows forest, gradient-boosting, knn and rbf-svm too"

Affine = tuple[NDArray[np.float64], NDArray[np.float64]]  # kernel [features, out] and bias [out]


def network_of(model: ClassicModel, shape: tuple[int, int, int]) -> ScratchModel:
    """The network that gives what the classifier gives: Flatten, then a Dense layer or several.

    Args:
        shape: height, width and channels of an image.

    Raises:
        SpecError: a classifier that is no network; says which are.
    """
    estimator, temperature = unwrapped(model.estimator)
    *hidden, last = _layers(estimator, temperature, shape)
    function = ACTIVATIONS.get(getattr(estimator, "activation", "identity"), "linear")
    dense = [nn.layers.Dense(len(bias), activation=function) for _, bias in hidden]
    network = nn.Network([nn.layers.Flatten(), *dense, nn.layers.Dense(model.k)], input_shape=shape, rng=None)
    weights = [*hidden, _every_class(last, np.asarray(estimator.classes_), model.k)]
    network.set_weights([array for layer in weights for array in layer])
    return ScratchModel(network, model.preparation, (), model.notes)


def unwrapped(estimator: Any) -> tuple[Any, float | None]:
    """The classifier, and what its decision values are multiplied by before a softmax where that was fitted.

    Raises:
        SpecError: probabilities that were fitted in another way.
    """
    from sklearn.calibration import CalibratedClassifierCV

    if not isinstance(estimator, CalibratedClassifierCV):
        return estimator, None
    fitted = estimator.calibrated_classifiers_
    if len(fitted) != 1 or fitted[0].method != "temperature":
        raise refused(estimator)
    inner = fitted[0].estimator
    return getattr(inner, "estimator", inner), float(fitted[0].calibrators[0].beta_)


def refused(estimator: Any, possible: str = POSSIBLE, remedy: str = MORE) -> SpecError:
    """The error of a classifier that cannot be exported in this form."""
    name = type(estimator).__name__
    return SpecError(f"{name} cannot be exported in this form", expected=possible, remedy=remedy)


def _layers(estimator: Any, temperature: float | None, shape: tuple[int, ...]) -> Iterator[Affine]:
    """Kernel and bias of each layer; the last one gives logits of the estimator's own classes."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.linear_model._base import LinearClassifierMixin
    from sklearn.neural_network import MLPClassifier

    if isinstance(estimator, DummyClassifier) and estimator.strategy in ("prior", "most_frequent"):
        yield _constant(estimator, int(np.prod(shape)))
    elif isinstance(estimator, MLPClassifier) and estimator.activation in ACTIVATIONS:
        *inner, last = zip(estimator.coefs_, estimator.intercepts_, strict=True)
        yield from inner
        yield _two(last, 0.0, 1.0) if len(last[1]) == 1 else last
    elif isinstance(estimator, LinearClassifierMixin) and (
        temperature is not None or isinstance(estimator, LogisticRegression | LinearDiscriminantAnalysis)
    ):
        kernel, bias = np.atleast_2d(estimator.coef_).T, np.atleast_1d(estimator.intercept_)
        affine = kernel.astype(np.float64), bias.astype(np.float64)
        if len(affine[1]) == 1:
            # A logistic function is a softmax of 0 and z; a fitted temperature stands before one of -z and z.
            affine = _two(affine, 0.0 if temperature is None else -1.0, 1.0)
        yield affine[0] * (temperature or 1.0), affine[1] * (temperature or 1.0)
    else:
        raise refused(estimator)


def _two(affine: Affine, first: float, second: float) -> Affine:
    """Two logits, each a multiple of one."""
    factors = np.array([first, second])
    return affine[0] * factors, affine[1] * factors


def _constant(estimator: Any, features: int) -> Affine:
    """The same answer for every image: the logarithms of its shares."""
    row = np.zeros((1, features))
    shares = np.asarray(estimator.predict_proba(row)[0], np.float64)
    bias = np.log(shares, out=np.full_like(shares, NEVER), where=shares > 0)
    return np.zeros((features, len(shares))), bias


def _every_class(affine: Affine, present: NDArray[np.int64], k: int) -> Affine:
    """The logits of all k classes; a class without training images has none of its own."""
    kernel, bias = np.zeros((len(affine[0]), k)), np.full(k, NEVER)
    kernel[:, present], bias[present] = affine
    return kernel, bias
