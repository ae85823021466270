import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from handlens import spec
from handlens.data import ImageSet
from handlens.engines import engine
from handlens.engines.estimator import NetworkClassifier
from handlens.engines.rows import affine, flatten, input_shape
from handlens.errors import HandlensError, SpecError

LENET_LIKE = "Conv2D(8, 3, activation='relu'), MaxPooling2D(2), Flatten()"


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


def quick(*args, **kwargs):
    return NetworkClassifier(*args, **{"epochs": 8, "random_state": 0} | kwargs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_is_as_good_as_scikit_learns_own_network(digits):
    X, y = digits
    same = {"max_iter": 30, "learning_rate_init": 0.003, "batch_size": 32, "alpha": 0, "random_state": 0}
    theirs = cross_val_score(make_pipeline(StandardScaler(), MLPClassifier((128,), **same)), X, y, cv=3)
    ours = cross_val_score(NetworkClassifier(random_state=0), X, y, cv=3)
    assert ours.mean() > max(theirs.mean() - 0.01, 0.92)


def test_in_a_pipeline(digits):
    X, y = digits
    given = make_pipeline(StandardScaler(), quick(prepare=None)).fit(X[:1200], y[:1200])
    assert given.score(X[1200:], y[1200:]) > 0.9
    # Its own preparation of rows is that of StandardScaler.
    own = quick().fit(X[:1200], y[:1200])
    np.testing.assert_allclose(own.predict_proba(X), given.predict_proba(X), atol=1e-9)


def test_in_a_grid_search_over_layers_and_processes(digits):
    X, y = digits
    grid = {"layers": ["Dense(4)", "Dense(32, activation='relu')"], "batch_size": np.array([32, 64])}
    alone = GridSearchCV(quick(epochs=4), grid, cv=2).fit(X[:600], y[:600])
    assert alone.best_params_["layers"] == grid["layers"][1]
    shared = GridSearchCV(quick(epochs=4), grid, cv=2, n_jobs=2).fit(X[:600], y[:600])
    np.testing.assert_array_equal(alone.cv_results_["mean_test_score"], shared.cv_results_["mean_test_score"])


def test_images_and_rows_are_the_same_images(digits):
    X, y = digits
    images = X.reshape(-1, 8, 8)
    as_rows = quick(LENET_LIKE, image_shape=(8, 8)).fit(X[:600], y[:600])
    for given_images in (images, images[..., None]):
        as_images = quick(LENET_LIKE).fit(given_images[:600], y[:600])
        np.testing.assert_array_equal(as_images.predict_proba(given_images), as_rows.predict_proba(X))
        np.testing.assert_array_equal(as_rows.predict(given_images), as_images.predict(X))
    assert as_rows.n_features_in_ == 64
    assert as_rows.input_shape_ == (8, 8, 1)
    assert as_rows.score(X[600:], y[600:]) > 0.8


def test_bytes_give_what_the_engine_gives(digits):
    """The same recipe, seed and images through the workbench's engine: the same network."""
    X, y = digits
    images = (X * 15).astype(np.uint8).reshape(-1, 8, 8, 1)
    made = quick(LENET_LIKE, optimizer="SGD(0.1)").fit(images[:500], y[:500])
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    recipe = spec.from_dict(
        {"name": "x", "layers": LENET_LIKE, "optimizer": "SGD(0.1)", "epochs": 8, "batch_size": 32}
    )
    train, rest = (
        ImageSet(images[s], y[s].astype(np.int64), tuple("0123456789")) for s in (np.s_[:500], np.s_[500:])
    )
    model = engine("scratch").fit(recipe, train, rest, seed)
    np.testing.assert_array_equal(made.predict_proba(rest.images), model.predict_proba(rest.images))
    assert made.count_params() == model.count_params() == 8 * 9 + 8 + 72 * 10 + 10


@pytest.mark.parametrize(
    "labels", [["b", "a", "zz"], [-5, 7, 900], [0.5, 1.5, 2.5], [True, False, True]], ids=repr
)
def test_any_labels(labels):
    X, y = load_iris(return_X_y=True)
    named = np.array(labels)[y]
    if named.dtype == float:
        named = named.astype("U")  # numbers with a fraction are no classes to scikit-learn
    made = quick(epochs=30).fit(X, named)
    assert set(made.classes_) == set(named)
    assert made.predict(X).dtype == named.dtype
    assert made.score(X, named) > 0.7
    np.testing.assert_array_equal(made.classes_[made.predict_proba(X).argmax(axis=1)], made.predict(X))


def test_decisions_of_two_classes_are_one_number():
    X, y = load_iris(return_X_y=True)
    made = quick().fit(X[:100], y[:100])
    decisions = made.decision_function(X[:100])
    assert decisions.shape == (100,)
    np.testing.assert_allclose(1 / (1 + np.exp(-decisions)), made.predict_proba(X[:100])[:, 1], atol=1e-9)
    assert quick().fit(X, y).decision_function(X).shape == (150, 3)


def test_numbers_are_computed_in_the_type_they_came_in(digits):
    X, y = digits
    kinds = {X.dtype: "float64", np.dtype("f4"): "float32", np.dtype("u1"): "float32"}
    kinds[np.dtype("i8")] = "float64"
    for given_type, inner in kinds.items():
        assert quick(epochs=1).fit(X.astype(given_type), y).predict_proba(X).dtype == inner
    assert quick(epochs=1, dtype="float32").fit(X, y).network_.dtype == np.float32


def test_the_scale_of_the_numbers_does_not_matter(digits):
    X, y = digits
    X = X[:, X[:800].std(axis=0) > 0]  # what never varied in fit has no scale
    first = quick().fit(X[:800], y[:800]).predict_proba(X[800:])
    for factor, shift in ((1e6, 0), (1e-6, 0), (3, 1000)):
        Z = X * factor + shift
        np.testing.assert_allclose(quick().fit(Z[:800], y[:800]).predict_proba(Z[800:]), first, atol=1e-6)


def test_a_data_frame_and_its_columns(digits):
    X, y = digits
    frame = pd.DataFrame(X).rename(columns=lambda i: f"pixel{i}")
    made = quick(epochs=2).fit(frame, pd.Series(y))
    assert made.feature_names_in_[3] == "pixel3"
    with pytest.raises(ValueError, match="feature names"):
        made.predict(frame[reversed(frame.columns)])


def test_validation_rows_and_an_early_stop(digits):
    X, y = digits
    made = quick(epochs=100, validation_fraction=0.2, patience=3, keep="best").fit(X, y)
    assert made.n_iter_ == len(made.history_) < 100
    seen = [epoch.validation_accuracy for epoch in made.history_]
    assert made.n_iter_ - 1 - int(np.argmax(seen)) == 3
    assert quick(epochs=2).fit(X, y).history_[-1].validation_loss is None


def unpickled(made):
    """scikit-learn's tools pickle estimators in memory, between processes; it is no file format of ours."""
    return pickle.loads(pickle.dumps(made))  # noqa: S301


@pytest.mark.parametrize("copied", [copy.deepcopy, unpickled])
def test_copies_stand_alone(copied, digits):
    X, y = digits
    made = quick(LENET_LIKE + ", Dropout(0.1), BatchNormalization()", image_shape=(8, 8)).fit(
        X[:300], y[:300]
    )
    other = copied(made)
    expected = made.predict_proba(X)
    np.testing.assert_array_equal(other.predict_proba(X), expected)
    other.network_.parameters[...] = 0  # its layers see that, the original's do not
    assert np.ptp(other.predict_proba(X)) < 1e-6
    np.testing.assert_array_equal(made.predict_proba(X), expected)
    assert not hasattr(clone(made), "network_")


def test_layers_by_text_by_list_and_by_description(digits):
    X, y = digits
    ways = [
        "Dense(16, activation='relu'), Dropout(0.1)",
        ["Dense(16, activation='relu')", "Dropout(0.1)"],
        (spec.Dense(16, activation="relu"), spec.Dropout(0.1)),
        [spec.Dense(16, activation="relu"), "Dropout(0.1)"],
    ]
    for optimizer in ("SGD(0.1)", spec.SGD(0.1)):
        given_by = [quick(way, optimizer=optimizer, epochs=2).fit(X, y).predict_proba(X) for way in ways]
        for other in given_by[1:]:
            np.testing.assert_array_equal(given_by[0], other)


def test_random_state(digits):
    X, y = digits
    same = [quick(epochs=2, random_state=3).fit(X, y).predict_proba(X) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    state = np.random.RandomState(3)
    first, second = (quick(epochs=2, random_state=state).fit(X, y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(first, same[0])
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": "Dnese(3)"}, "did you mean 'Dense'"),
        ({"layers": 3}, "layers is 3"),
        ({"layers": [3]}, "layers"),
        ({"layers": "Conv2D(3, 3)"}, "image_shape"),
        ({"layers": "Conv2D(3, 3)", "image_shape": (8, 8)}, "Flatten()"),
        ({"optimizer": "Adma"}, "did you mean 'Adam'"),
        ({"optimizer": None}, "optimizer"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"batch_size": "many"}, "batch_size"),
        ({"prepare": "unti"}, "did you mean 'unit'"),
        ({"dtype": "float23"}, "did you mean"),
        ({"threads": 0}, "threads"),
        ({"patience": 3}, "set validation_fraction"),
        ({"keep": "best"}, "set validation_fraction"),
        ({"validation_fraction": 1.5}, "share"),
        ({"validation_fraction": 10_000}, "held back"),
        ({"image_shape": (7, 8)}, "64 numbers a row"),
        ({"image_shape": 8}, "image_shape is 8"),
        ({"image_shape": (8, 8, 0)}, "image_shape"),
        ({"loss": "SoftmaxCrossEntropy(class_weights=(1.0, 2.0))"}, "10 numbers"),
        ({"optimizer": "SGD(1e30)"}, "learning rate"),
    ],
    ids=repr,
)
def test_wrong_arguments_are_one_line(arguments, message, digits):
    X, y = digits
    made = quick(**arguments)  # nothing is said before fit, as in all of scikit-learn
    with pytest.raises(HandlensError) as caught:
        made.fit(X, y)
    assert message.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)


def test_wrong_data_is_a_value_error(digits):
    X, y = digits
    with pytest.raises(ValueError, match="one class"):
        quick().fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="NaN"):
        quick().fit(np.full((3, 2, 2), np.nan), [0, 1, 0])
    with pytest.raises(ValueError, match="inconsistent"):
        quick().fit(X, y[:-1])
    made = quick(LENET_LIKE, epochs=1).fit(X.reshape(-1, 8, 8), y)
    with pytest.raises(ValueError, match=r"images of shape \(4, 16, 1\)"):
        made.predict(X.reshape(-1, 4, 16))
    with pytest.raises(ValueError, match="63 features"):
        made.predict(X[:, 1:])


numbers = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["unit", "standardize", "standardize-pixels", "auto", None]),
    st.lists(st.tuples(numbers, numbers, st.just(0.1)), min_size=2, max_size=9),
)
def test_prepared_numbers_are_finite_and_in_range(kind, rows):
    values = np.array(rows)
    offset, scale = affine(kind, values)
    made = (values - offset) * scale
    assert np.isfinite(made).all()
    if kind == "unit":
        assert made.min() >= -1e-9
        assert made.max() <= 1 + 1e-9
    elif kind in ("auto", "standardize-pixels"):
        assert np.abs(made).max() <= np.sqrt(len(rows)) + 1e-6  # the farthest that one of n numbers can be
        np.testing.assert_allclose(made[:, 2], 0, atol=1e-12)


def test_a_preparation_of_bytes_is_that_of_the_workbench():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 4, 5, 3), dtype=np.uint8)
    offset, scale = affine("standardize-pixels", images)
    assert offset.shape == scale.shape == (4, 5, 3)
    np.testing.assert_allclose(offset, images.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(1 / scale, images.std(axis=0), rtol=1e-6)
    assert affine("auto", images)[1] == np.float32(1 / 255)
    assert affine("standardize-pixels", images.reshape(9, -1))[0].shape == (60,)


def test_shapes():
    assert flatten(np.zeros((5, 4, 3)))[1] == (4, 3, 1)
    assert flatten(np.zeros((0, 4, 3, 2)))[0].shape == (0, 24)
    assert flatten([[1, 2]]) == ([[1, 2]], None)
    assert input_shape(12, None, (2, 2, 3)) == (2, 2, 3)
    assert input_shape(12, (3, 4, 1), None) == (3, 4, 1)
    with pytest.raises(SpecError, match="images of shape"):
        input_shape(12, (3, 4, 1), (4, 3))


def test_augmentation_and_a_weight_average_change_the_network():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    labels = np.arange(60) % 3
    plain, averaged, changed = (
        NetworkClassifier(epochs=2, random_state=0, **more).fit(images, labels).predict_proba(images)
        for more in ({}, {"ema": 0.9}, {"augment": "Augmentation(shift=1)"})
    )
    assert np.abs(averaged - plain).max() > 1e-3
    assert np.abs(changed - plain).max() > 1e-3
