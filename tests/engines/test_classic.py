import numpy as np
import pytest

from handlens.engines import engine
from handlens.engines.classic import SHORT_NAMES
from handlens.errors import SpecError
from handlens.spec import from_dict

PATHS = [
    "sklearn.neural_network.MLPClassifier(max_iter=300)",
    "sklearn.naive_bayes.GaussianNB",
    "sklearn.ensemble.ExtraTreesClassifier(n_estimators=10)",
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis(solver='lsqr', shrinkage=0.1)",
    "sklearn.linear_model.RidgeClassifier",
    "sklearn.neighbors.NearestCentroid",
]


def recipe(estimator, **fields):
    return from_dict({"name": "x", "estimator": estimator} | fields)


@pytest.mark.parametrize("name", [*SHORT_NAMES, *PATHS])
def test_every_classifier_learns_saves_and_loads(name, digits, tmp_path):
    train, validation, test = digits
    name = f"{name}(max_iter=20)" if name == "gradient-boosting" else name
    made = engine("classic").fit(recipe(name), train, validation, seed=0)
    given = made.predict_proba(test.images)
    assert given.shape == (len(test), 10)
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-5)
    accuracy = (given.argmax(axis=1) == test.labels).mean()
    assert accuracy > 0.75 if name != "dummy" else accuracy < 0.2
    made.save(tmp_path)
    np.testing.assert_array_equal(engine("classic").load(tmp_path).predict_proba(test.images), given)


@pytest.mark.parametrize("name", ["linear-svm", "rbf-svm"])
def test_probabilities_change_no_prediction(name, digits):
    train, validation, test = digits
    made = engine("classic").fit(recipe(name), train, validation, seed=0)
    plain = made.estimator.estimator.estimator.predict(
        test.images.reshape(len(test), -1).astype(np.float32) / 255
    )
    np.testing.assert_array_equal(made.predict_proba(test.images).argmax(axis=1), plain)


def test_a_class_without_training_images_has_probability_0(digits):
    train, validation, test = digits
    without = train.take(np.flatnonzero(train.labels != 4))
    made = engine("classic").fit(recipe("forest(n_estimators=10)"), without, validation, seed=0)
    assert made.predict_proba(test.images)[:, 4].max() == 0


def test_a_warning_of_scikit_learn_becomes_a_note(digits):
    made = engine("classic").fit(recipe("logistic(max_iter=2)"), digits[0], digits[1], seed=0)
    assert any("failed to converge" in note for note in made.notes)


def test_the_seed_decides(digits):
    train, validation, test = digits
    made = [engine("classic").fit(recipe("forest(n_estimators=5)"), train, validation, s) for s in (1, 1, 2)]
    first, same, other = (m.predict_proba(test.images) for m in made)
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_standardising_uses_training_images_only(digits):
    train, validation, test = digits
    made = engine("classic").fit(recipe("logistic", prepare="standardize-pixels"), train, validation, 0)
    rows = made.preparation.apply(train.images).reshape(len(train), -1)
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-4)
    assert (made.predict_proba(test.images).argmax(axis=1) == test.labels).mean() > 0.85


def test_parameters_of_linear_models_are_counted(digits):
    train, validation, _ = digits
    fitted = {
        n: engine("classic").fit(recipe(n), train, validation, 0)
        for n in ("logistic", "linear-svm", "forest")
    }
    assert fitted["logistic"].count_params() == 64 * 10 + 10
    assert fitted["linear-svm"].count_params() == 64 * 10 + 10
    assert fitted["forest"].count_params() is None


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        ("forst", "no estimator is called 'forst'. Did you mean 'forest'?"),
        ("forest(n_estimator=3)", "unknown argument 'n_estimator'. Did you mean 'n_estimators'?"),
        ("sklearn.svm.LinearSVCC", "sklearn.svm has no 'LinearSVCC'. Did you mean 'LinearSVC'?"),
        ("sklearn.svmm.SVC", "sklearn.svmm cannot be imported"),
        ("sklearn.svm.SVR", "is not a classifier"),
        ("sklearn.preprocessing.StandardScaler", "is not a classifier"),
        ("os.getcwd", "is no estimator"),
    ],
)
def test_a_mistake_is_found_before_training(estimator, message):
    with pytest.raises(SpecError) as caught:
        engine("classic").check(recipe(estimator), (8, 8, 1), 10)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
