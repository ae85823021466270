"""Training a Keras model of the user's own: as one program an epoch, or by Keras's own `fit`."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits

from handlens import spec
from handlens.data import ImageSet
from handlens.engines import engine
from handlens.engines import keras as bring
from handlens.engines.keras.own import plain
from handlens.engines.keras.own.code import asked
from handlens.errors import HandlensError, SpecError, StoreError
from handlens.spec import KerasRecipe


@pytest.fixture(scope="module")
def digits():
    """scikit-learn's digits: 150 to train, 60 to validate; batches of 64 leave a smaller one."""
    pixels, labels = load_digits(return_X_y=True)
    images = np.clip(pixels * 16, 0, 255).astype(np.uint8).reshape(-1, 8, 8)
    return images[:150], labels[:150], (images[150:210], labels[150:210])


def fit(model, digits, **more):
    images, labels, validation = digits
    return bring.fit(model, images, labels, validation=validation, **{"epochs": 2, "batch_size": 64} | more)


def dense(*more, end=None, **compiled):
    def build():
        x = keras.Input((8, 8, 1))
        y = layers.Flatten()(x)
        for layer in (*more, lambda: layers.Dense(16, activation="relu")):
            y = layer()(y)
        model = keras.Model(x, layers.Dense(10, activation=end)(y))
        if compiled:
            model.compile(**compiled)
        return model

    return build


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.flatten, self.drop = layers.Flatten(), layers.Dropout(0.3)
        self.hidden, self.out = layers.Dense(16, activation="relu"), layers.Dense(10)

    def call(self, x, training=False):
        return self.out(self.drop(self.hidden(self.flatten(x)), training=training))


class Untraceable(Subclassed):
    """Looks at its values, which a program does not have while it is made."""

    def call(self, x, training=False):
        return super().call(x, training=training) if np.asarray(x).max() < 99 else x


class OwnStep(Subclassed):
    def train_step(self, *arguments, **more):
        return super().train_step(*arguments, **more)


def by_keras(model, digits, seed, epochs=2):
    """Plain Keras on the same batches: what every way of training has to come to."""
    images, labels, validation = digits
    from handlens import nn
    from handlens.seeds import generator

    draws = nn.training.seed_of(generator(seed, "training"))
    x = (images / np.float32(255)).astype(np.float32)[..., None]
    for epoch in range(1, epochs + 1):
        order = np.random.default_rng([draws, epoch]).permutation(len(x))
        model.fit(x[order], labels[order], batch_size=64, shuffle=False, verbose=0)
    return model.predict((validation[0] / np.float32(255)).astype(np.float32)[..., None], verbose=0)


def everything():
    """BatchNormalization, Dropout, a penalty: all that a program has to carry along."""
    return dense(
        layers.BatchNormalization,
        lambda: layers.Dropout(0.2),
        lambda: layers.Dense(12, kernel_regularizer="l2", activity_regularizer=keras.regularizers.L2(1e-3)),
        end="softmax",
        optimizer=keras.optimizers.Adam(0.01, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
    )


def scheduled():
    rates = keras.optimizers.schedules.ExponentialDecay(0.3, 2, 0.5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return dense(optimizer=keras.optimizers.SGD(rates, momentum=0.9), loss=loss)


def averaging():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return dense(optimizer=keras.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.5), loss=loss)


# Keras's averages replace the weights after each call of fit.
@pytest.mark.parametrize(("build", "epochs"), [(everything(), 2), (scheduled(), 2), (averaging(), 1)])
def test_an_epoch_as_one_program_is_what_keras_fit_does(build, epochs, digits):
    keras.utils.set_random_seed(5)
    expected = by_keras(build(), digits, 5, epochs)
    if np.abs(expected.sum(axis=1) - 1).max() > 1e-3:
        expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    found = fit(build, digits, seed=5, epochs=epochs)
    assert not any("plain fit" in note for note in found.notes)
    assert np.abs(found.predict_proba(digits[2][0][..., None]) - expected).max() < 1e-5


def test_a_trained_model_is_learnt_written_and_read_again(digits, tmp_path):
    found = fit(dense(end="softmax"), digits, epochs=15, optimizer=spec.Adam(0.02), keep="best", patience=9)
    images, labels = digits[2]
    said = found.predict_proba(images[..., None])
    assert (said.argmax(axis=1) == labels).mean() > 0.7
    best = max(found.history, key=lambda epoch: epoch.validation_accuracy)
    assert best.validation_accuracy == (said.argmax(axis=1) == labels).mean()
    found.save(tmp_path)
    again = engine("keras").load(tmp_path)
    assert np.array_equal(again.predict_proba(images[..., None]), said)


def rows():
    x = keras.Input((64,))
    return keras.Model(x, layers.Dense(10)(x))


def row_sequence():
    return keras.Sequential([keras.Input((64,)), layers.Dense(10)])


@pytest.mark.parametrize("build", [rows, row_sequence])
def test_models_of_rows_and_logits_are_written_as_models_of_images_and_probabilities(build, digits, tmp_path):
    found = fit(build, digits, epochs=1)
    found.save(tmp_path)
    opened = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = (digits[2][0] / np.float32(255)).astype(np.float32)[..., None]
    assert np.allclose(opened.predict(x, verbose=0), found.predict_proba(digits[2][0][..., None]), atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_nothing_leaks(digits):
    build = dense(layers.BatchNormalization, lambda: layers.Dropout(0.5))
    first, again = fit(build, digits, seed=1, epochs=1), fit(build, digits, seed=1, epochs=1)
    assert first.history[0].loss == again.history[0].loss
    for a, b in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        assert np.array_equal(a, b)
    other = fit(build, digits, seed=2, epochs=1)
    assert not np.array_equal(first.model.get_weights()[-1], other.model.get_weights()[-1])


def test_a_model_that_is_passed_stays_as_it_is(digits):
    model = dense()()
    weights = model.get_weights()
    fresh, kept = (fit(model, digits, epochs=1, keep_weights=keep) for keep in (False, True))
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    assert kept.history[0].loss != fresh.history[0].loss
    far = [np.abs(found.model.get_weights()[0] - weights[0]).max() for found in (fresh, kept)]
    assert far[1] < 0.05 < far[0]  # three steps of Adam lie between, at most 0.001 each


def test_a_loss_that_is_no_number_any_more(digits):
    with pytest.raises(HandlensError, match=r"the loss is not finite in epoch 1 at learning rate 1e\+30"):
        fit(dense(), digits, optimizer=spec.SGD(1e30), loss=spec.MeanSquaredError())
    with pytest.raises(HandlensError, match="the loss is not finite in epoch 1"):
        fit(OwnStep, digits, optimizer=spec.SGD(1e30), loss=spec.MeanSquaredError())


# By Keras's own fit


def test_every_way_of_training_comes_to_the_same(digits):
    program, step, eager = (fit(model, digits, epochs=1) for model in (Subclassed, OwnStep, Untraceable))
    assert not any("plain fit" in note for note in program.notes)
    assert "trained by plain fit: the model has a train_step() of its own" in step.notes
    assert any("plain fit: the model cannot become a program (TracerArray" in note for note in eager.notes)
    expected = program.predict_proba(digits[2][0][..., None])
    assert np.allclose(expected.sum(axis=1), 1, atol=1e-5)
    for other in (step, eager):
        assert np.abs(other.predict_proba(digits[2][0][..., None]) - expected).max() < 1e-5
        assert other.history[0].validation_loss == pytest.approx(program.history[0].validation_loss, rel=1e-4)


def test_on_another_backend_it_is_plain_fit(digits, monkeypatch):
    build = dense(end="softmax")
    how = {"schedule": spec.StepDecay(0.5, 1), "optimizer": spec.SGD(0.1), "seed": 3}
    expected = fit(build, digits, **how)
    monkeypatch.setattr(plain, "ON_JAX", False)
    found = fit(build, digits, **how)
    assert any(note.startswith("trained by plain fit: Keras runs on") for note in found.notes)
    said = [model.predict_proba(digits[2][0][..., None]) for model in (found, expected)]
    assert np.abs(said[0] - said[1]).max() < 1e-5


def test_augmentation_is_only_for_programs(digits):
    changed = spec.Augmentation(shift=1)
    with pytest.raises(SpecError, match="Leave augment out"):
        fit(OwnStep, digits, augment=changed)
    assert fit(dense(), digits, augment=changed, epochs=1).history[0].loss > 0


# By code of the user's own

CODE = """
import keras
from keras import layers

class Own(keras.Model):
    def __init__(self, classes):
        super().__init__()
        self.flatten, self.out = layers.Flatten(), layers.Dense(classes)

    def call(self, x):
        return self.out(self.flatten(x))

def build(classes):
    return Own(classes)
"""


@pytest.fixture
def coded(tmp_path, monkeypatch):
    """The text of a function of the user's that builds a model of a class of its own."""
    monkeypatch.chdir(tmp_path)
    name = f"own_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(CODE)
    return f"{name}:build"


def trained(text, digits, folder):
    images, labels, validation = digits
    sets = [ImageSet(i[..., None], y, tuple("0123456789")) for i, y in ((images, labels), validation)]
    recipe = KerasRecipe(name="own", model=text, epochs=1)
    engine("keras").check(recipe, (8, 8, 1), 10)
    model = engine("keras").fit(recipe, *sets, 0)
    folder.mkdir()
    model.save(folder)
    return model


def test_a_model_of_own_code_is_read_again_by_that_code_alone(coded, digits, tmp_path):
    folder = tmp_path / "model"
    model = trained(coded, digits, folder)
    assert "only its own code can build the model again: Own is a class of your own" in model.notes
    images = digits[2][0][..., None]
    assert np.allclose(model.predict_proba(images).sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(engine("keras").load(folder).predict_proba(images), model.predict_proba(images))
    program = (
        f"import pathlib\nfrom handlens.engines.keras.saved import load\nload(pathlib.Path({str(folder)!r}))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "which is not imported on a run's say-so" in ended.stderr
    path = tmp_path / f"{coded.partition(':')[0]}.py"
    path.write_text(CODE + "\n# changed\n")
    asked(coded)
    with pytest.raises(SpecError, match="not the code any more that this model was trained with"):
        engine("keras").load(folder)


@pytest.mark.parametrize("harm", ["cut", "other", "header", "facts"])
def test_harmed_files_are_refused(coded, digits, tmp_path, harm):
    from safetensors.numpy import save_file

    folder = tmp_path / "model"
    trained(coded, digits, folder)
    weights, facts = folder / "weights.safetensors", folder / "model.json"
    if harm == "cut":
        weights.write_bytes(weights.read_bytes()[:-9])
    elif harm == "other":
        save_file({"0": np.zeros((3, 3), np.float32)}, weights)
    elif harm == "header":
        weights.write_bytes((2**62).to_bytes(8, "little") + weights.read_bytes()[8:])
    else:
        facts.write_text(json.dumps(json.loads(facts.read_text()) | {"shape": [8, 8]}))
    with pytest.raises(StoreError, match="the model cannot be read"):
        engine("keras").load(folder)


def test_a_model_from_nowhere_cannot_be_written(digits, tmp_path):
    class Local(Subclassed):
        pass

    found = fit(lambda: Local(), digits, epochs=1)
    with pytest.raises(StoreError, match="code that cannot be found again"):
        found.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_broken_off_training_goes_on_to_the_same_weights(coded, digits, tmp_path):
    images, labels, validation = digits
    sets = [ImageSet(i[..., None], y, tuple("0123456789")) for i, y in ((images, labels), validation)]
    recipe = KerasRecipe(name="own", model=coded, epochs=3)
    whole = engine("keras").fit(recipe, *sets, 0)
    told = []

    def stop(epoch):
        told.append(epoch)
        if len(told) == 2:
            raise KeyboardInterrupt

    ours = engine("keras")
    ours.checkpoint_seconds = 0.0
    with pytest.raises(KeyboardInterrupt):
        ours.fit(recipe, *sets, 0, stop, checkpoint=tmp_path / "kept")
    again = engine("keras").fit(recipe, *sets, 0, told.append, checkpoint=tmp_path / "kept")
    assert [epoch.epoch for epoch in told] == [1, 2, 3]
    same = (model.predict_proba(validation[0][..., None]) for model in (whole, again))
    assert np.array_equal(*same)
