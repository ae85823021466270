import dataclasses
import inspect

import numpy as np
import pytest

from handlens import nn, spec
from handlens.engines import engine
from handlens.errors import HandlensError, SpecError, StoreError


def recipe(**fields):
    table = {
        "name": "net",
        "layers": ["Flatten()", "Dense(32, activation='relu')"],
        "optimizer": "SGD(0.2)",
        "epochs": 12,
        "batch_size": 32,
    }
    return spec.from_dict(table | fields)


def fit(made, digits, seed=0, **kwargs):
    return engine("scratch").fit(made, digits[0], digits[1], seed, **kwargs)


def test_a_network_learns_saves_and_loads(digits, tmp_path):
    test = digits[2]
    model = fit(recipe(), digits)
    given = model.predict_proba(test.images)
    assert given.shape == (len(test), 10)
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-5)
    assert (given.argmax(axis=1) == test.labels).mean() > 0.88
    model.save(tmp_path)
    np.testing.assert_array_equal(engine("scratch").load(tmp_path).predict_proba(test.images), given)


def test_parameters_are_those_of_the_layers_and_the_head(digits):
    model = fit(recipe(epochs=1), digits)
    assert model.count_params() == 64 * 32 + 32 + 32 * 10 + 10


def test_the_seed_decides(digits):
    first, same, other = (
        fit(recipe(epochs=2), digits, seed).predict_proba(digits[2].images) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_every_epoch_has_its_scores(digits):
    seen = []
    model = fit(recipe(epochs=4), digits, on_epoch=seen.append)
    assert [e.epoch for e in seen] == [1, 2, 3, 4]
    assert model.history == tuple(seen)
    assert seen[-1].loss < seen[0].loss
    assert 0 < seen[-1].macro_f1 <= 1
    predicted = model.predict_proba(digits[1].images).argmax(axis=1)
    assert seen[-1].validation_accuracy == pytest.approx((predicted == digits[1].labels).mean())
    assert [e.seconds for e in seen] == sorted(e.seconds for e in seen)


def test_the_best_epoch_is_kept(digits):
    model = fit(recipe(epochs=10, keep="best", optimizer="SGD(1.0)"), digits)
    best = max(e.validation_accuracy for e in model.history)
    predicted = model.predict_proba(digits[1].images).argmax(axis=1)
    assert (predicted == digits[1].labels).mean() == pytest.approx(best)


def test_the_best_epoch_by_loss(digits):
    model = fit(recipe(epochs=10, keep="best", monitor="loss", optimizer="SGD(1.0)"), digits)
    best = min(e.validation_loss for e in model.history)
    given = model.predict_proba(digits[1].images)
    loss = -np.log(given[np.arange(len(given)), digits[1].labels]).mean()
    assert loss == pytest.approx(best, rel=1e-3)


def test_training_stops_when_nothing_gets_better(digits):
    model = fit(recipe(epochs=60, patience=2), digits)
    accuracies = [e.validation_accuracy for e in model.history]
    assert len(accuracies) < 60
    assert len(accuracies) - 1 - int(np.argmax(accuracies)) == 2


@pytest.mark.parametrize("prepare", ["unit", "standardize", "standardize-pixels"])
def test_every_preparation(prepare, digits):
    model = fit(recipe(prepare=prepare, optimizer="SGD(0.05)"), digits)
    assert (model.predict_proba(digits[2].images).argmax(axis=1) == digits[2].labels).mean() > 0.85


def test_a_summed_gradient_at_a_small_rate_is_a_mean_at_a_large_one(digits):
    mean = fit(recipe(epochs=1, batch_size=30, optimizer="SGD(0.3)"), digits)
    summed = fit(recipe(epochs=1, batch_size=30, optimizer="SGD(0.01)", reduction="sum"), digits)
    given = [m.predict_proba(digits[2].images) for m in (mean, summed)]
    np.testing.assert_allclose(*given, atol=1e-4)


def test_augmentation_and_a_weight_average_reach_the_network(digits):
    plain = fit(recipe(epochs=2), digits).predict_proba(digits[2].images)
    for fields in ({"ema": 0.9}, {"augment": "Augmentation(shift=1, rotate=10)"}):
        changed = fit(recipe(epochs=2, **fields), digits).predict_proba(digits[2].images)
        assert np.abs(changed - plain).max() > 1e-3


@pytest.mark.parametrize("kind", ["layers", "optimizers", "schedules", "losses"])
def test_all_that_a_recipe_can_say_the_engine_can_build_with_the_same_arguments(kind):
    described = getattr(spec, kind.upper())
    registry = getattr(nn, kind).REGISTRY
    for name, description in described.items():
        known = set(inspect.signature(registry[name]).parameters)
        assert {f.name for f in dataclasses.fields(description)} <= known, name


@pytest.mark.parametrize(
    "fields",
    [
        {"layers": ["Dense(5)"]},
        {"layers": ["Flatten()", "Flatten()", "Activation('softmax')", "Dense(3)"], "optimizer": "SGD(1e30)"},
    ],
)
def test_what_cannot_be_trained_is_one_line(fields, digits):
    made = recipe(**fields)
    with pytest.raises(HandlensError) as caught:
        fit(made, digits)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "last", ["Dense(10, activation='softmax')", "Activation('softmax')", "Dense(10)", "Dense(7, 'softmax')"]
)
def test_an_output_layer_of_ones_own_is_refused(last):
    """As one writes it for Keras; with the engine's own behind it the network would learn badly."""
    made = recipe(layers=["Flatten()", "Dense(16, 'relu')", last])
    with pytest.raises(SpecError, match=r"layers\[2\].*added by itself.*Remove the last layer"):
        engine("scratch").check(made, (8, 8, 1), 10)
    for fine in ("Dense(10, 'relu')", "Dense(9)"):
        engine("scratch").check(recipe(layers=["Flatten()", last, fine]), (8, 8, 1), 10)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        engine("scratch").load(tmp_path)


def test_a_training_that_diverges_in_its_last_step_says_so(digits):
    """Its own losses are finite; those of the validation images are not."""
    made = recipe(epochs=1, batch_size=900, optimizer="SGD(1e30)")
    with pytest.raises(HandlensError, match=r"the loss is not finite in epoch 1 at learning rate 1e\+30"):
        engine("scratch").fit(made, digits[0], digits[1], 0)
