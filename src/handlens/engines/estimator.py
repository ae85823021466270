"""The scikit-learn face of the engine from scratch: `NetworkClassifier`.

A wrong X or y is a `ValueError`, as everywhere in scikit-learn; a wrong layer or optimizer is a `SpecError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from handlens import nn
from handlens.data import split
from handlens.engines.rows import TYPES, Rows, Shape, affine, flatten, input_shape
from handlens.engines.scratch import build, learn
from handlens.errors import SpecError
from handlens.nn.storage import describe
from handlens.records import Epoch
from handlens.seeds import generator
from handlens.spec import (
    AUGMENTATIONS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    NetworkRecipe,
    parse,
    parse_list,
)

Floats = NDArray[np.floating[Any]]


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A network from scratch as a scikit-learn classifier, for images or for rows of numbers.

    X is a table [n, features], or images [n, height, width] or [n, height, width, channels], of bytes or of
    any other numbers. y is one label a row, of any type; the head with one output a class is added.

    Args:
        layers: a text such as `"Conv2D(8, 3, activation='relu'), Flatten()"`, or a sequence of such texts and
            of descriptions from `handlens.spec`.
        optimizer, schedule, loss: a text such as `"SGD(0.1, momentum=0.9)"`, or a description.
        epochs: times that every row is seen; batch_size: rows to an update.
        prepare: "auto", "unit", "standardize", "standardize-pixels" or None (see `engines.rows.affine`).
        image_shape: rows are images of that (height, width) or (height, width, channels), pixel by pixel
            from the upper left, channels together.
        validation_fraction: share (a float) or count (a whole number) of the rows held back, stratified, and
            scored after every epoch.
        patience: stop after so many epochs without a better validation score; needs validation rows.
        monitor: that score: "accuracy", "macro_f1" or "loss".
        keep: the weights of the "last" epoch, or of the "best" by `monitor`, which needs validation rows.
        clip_norm: longer gradients are shortened to this length.
        ema: the share that a running average of the weights keeps at each step; None: no average.
        augment: how images are changed in training, e.g. `"Augmentation(shift=1)"`; None: not at all.
        dtype: "float32" or "float64" within the network; None takes that of X, float32 for bytes.
        threads: as many as there are processors unless given. They do not change the result.
        random_state: of initial weights, order of rows, dropout and validation rows.

    Attributes:
        classes_: the k labels, sorted; columns of probabilities are in this order.
        n_features_in_: numbers a row or image; feature_names_in_: where X is a data frame.
        input_shape_: of one row or image within the network.
        network_: the trained `handlens.nn.Network`; history_: a `handlens.records.Epoch` an epoch.
        offset_, scale_: what the network sees is `(x - offset_) * scale_`.
        n_iter_: epochs trained.
    """

    def __init__(
        self,
        layers: str | Sequence[Any] = "Flatten(), Dense(128, activation='relu')",
        *,
        optimizer: Any = "Adam(0.003)",
        schedule: Any = "Constant()",
        loss: Any = "SoftmaxCrossEntropy()",
        epochs: int = 30,
        batch_size: int = 32,
        prepare: str | None = "auto",
        image_shape: tuple[int, ...] | None = None,
        validation_fraction: float | int | None = None,
        patience: int | None = None,
        monitor: str = "accuracy",
        keep: str = "last",
        clip_norm: float | None = None,
        ema: float | None = None,
        augment: Any = None,
        dtype: str | None = None,
        threads: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.layers = layers
        self.optimizer = optimizer
        self.schedule = schedule
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.prepare = prepare
        self.image_shape = image_shape
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.monitor = monitor
        self.keep = keep
        self.clip_norm = clip_norm
        self.ema = ema
        self.augment = augment
        self.dtype = dtype
        self.threads = threads
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> NetworkClassifier:
        """Train from scratch on rows or images X and labels y [n].

        Raises:
            ValueError: X or y of a wrong shape or type, not finite, or of one class only.
            SpecError: arguments that make no network, or none for this X.
        """
        recipe = self._recipe()
        flat, seen = flatten(X)
        rows, labels = validate_data(self, flat, y, dtype=TYPES)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class, {self.classes_[0]!r}; expected at least two classes")
        self.input_shape_ = input_shape(rows.shape[1], seen, self.image_shape)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        train, validation = self._parts(rows, codes.astype(np.int64), seed)
        self.offset_, self.scale_ = affine(self.prepare, train[0])
        dtype = self.dtype or ("float64" if rows.dtype == np.float64 else "float32")
        self.network_ = _build(recipe, self.input_shape_, len(self.classes_), seed, dtype)
        self.history_: tuple[Epoch, ...] = learn(
            self.network_,
            recipe,
            train,
            validation,
            offset=self.offset_,
            scale=self.scale_,
            seed=seed,
            threads=self.threads,
        )
        self.n_iter_ = len(self.history_)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of each row or image: [n], of the type of y."""
        outputs = self._outputs(X)
        return np.asarray(self.classes_[outputs.argmax(axis=1)])

    def predict_proba(self, X: Any) -> Floats:
        """Each class's probability: float [n, k], columns in the order of `classes_`."""
        return nn.inference.softmax(self._outputs(X))

    def decision_function(self, X: Any) -> Floats:
        """The outputs before softmax, [n, k]; of two classes the second's minus the first's, [n]."""
        outputs = self._outputs(X)
        return outputs if outputs.shape[1] > 2 else outputs[:, 1] - outputs[:, 0]

    def count_params(self) -> int:
        """Numbers that the network holds, moving statistics included."""
        check_is_fitted(self)
        return int(self.network_.count_params())

    def _outputs(self, X: Any) -> Floats:
        """The network's outputs for rows or images like those of `fit`: [n, k]."""
        check_is_fitted(self)
        flat, seen = flatten(X)
        if seen is not None and len(self.input_shape_) == 3 and seen != self.input_shape_:
            raise ValueError(f"X holds images of shape {seen}; expected {self.input_shape_}, as in fit")
        rows = validate_data(self, flat, dtype=TYPES, reset=False)
        images = rows.reshape(len(rows), *self.input_shape_)
        return self.network_.predict_logits(
            images, offset=self.offset_, scale=self.scale_, threads=self.threads
        )

    def _recipe(self) -> NetworkRecipe:
        """The arguments as a recipe, which checks them."""
        recipe = NetworkRecipe(
            name=type(self).__name__,
            layers=_layers(self.layers),
            optimizer=_described(self.optimizer, OPTIMIZERS, "optimizer"),
            schedule=_described(self.schedule, SCHEDULES, "schedule"),
            loss=_described(self.loss, LOSSES, "loss"),
            epochs=_plain(self.epochs),
            batch_size=_plain(self.batch_size),
            patience=_plain(self.patience),
            monitor=self.monitor,  # type: ignore[arg-type]  # the recipe checks it
            keep=self.keep,  # type: ignore[arg-type]
            clip_norm=_plain(self.clip_norm),
            ema=_plain(self.ema),
            augment=None if self.augment is None else _described(self.augment, AUGMENTATIONS, "augment"),
        )
        if self.validation_fraction is None and (recipe.patience is not None or recipe.keep == "best"):
            raise SpecError(
                "patience and keep='best' need validation rows", remedy="set validation_fraction, e.g. to 0.1"
            )
        return recipe

    def _parts(self, rows: Rows, codes: NDArray[np.int64], seed: int) -> tuple[Any, Any]:
        """Training and validation images with their labels; None for the latter where none are asked for."""
        images = rows.reshape(len(rows), *self.input_shape_)
        if self.validation_fraction is None:
            return (images, codes), None
        parts = split(codes, _plain(self.validation_fraction), seed)
        return (images[parts.train], codes[parts.train]), (images[parts.validation], codes[parts.validation])

    def __getstate__(self) -> dict[str, Any]:
        """A network's layers share one vector of parameters, which copies must share again."""
        state = dict(super().__getstate__())
        if "network_" in state:
            state["network_"] = (describe(self.network_), self.network_.state())
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        plain = dict(state)
        if "network_" in plain:
            description, numbers = plain["network_"]
            plain["network_"] = network = nn.Network(
                [nn.layers.from_config(layer) for layer in description["layers"]],
                input_shape=description["input_shape"],
                rng=None,
                dtype=description["dtype"],
            )
            network.restore(numbers)
        super().__setstate__(plain)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _build(recipe: NetworkRecipe, shape: Shape, classes: int, seed: int, dtype: str) -> nn.Network:
    try:
        return build(recipe, shape, classes, generator(seed, "weights"), dtype)
    except SpecError as error:
        if len(shape) == 1 and error.expected.startswith("an image"):
            error.remedy = "give X as images [n, height, width, channels], or set image_shape"
        raise


def _layers(value: Any) -> tuple[Any, ...]:
    """Layers from a text, or from a sequence of texts and descriptions."""
    if isinstance(value, str):
        return tuple(parse_list(value, LAYERS, where="layers"))
    if not isinstance(value, Sequence):
        raise SpecError(f"layers is {value!r}", expected='a text such as "Flatten(), Dense(64)", or a list')
    return tuple(layer for item in value for layer in (_layers(item) if isinstance(item, str) else (item,)))


def _described(value: Any, known: Mapping[str, type[Any]], where: str) -> Any:
    return parse(value, known, where=where) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    """NumPy's numbers, as grids and random searches hand them over, as Python's."""
    return value.item() if isinstance(value, np.generic) else value
