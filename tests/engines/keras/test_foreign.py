"""What a user's Keras model takes and gives, found out; what cannot be used is refused."""

import keras
import numpy as np
import pytest
from keras import layers

from handlens import spec
from handlens.engines.keras.own.code import adapted, asked, before
from handlens.engines.keras.own.compiled import tuned
from handlens.engines.keras.own.foreign import built, copied
from handlens.errors import SpecError
from handlens.spec import KerasRecipe

SHAPE, CLASSES = (8, 8, 1), 10


class Subclassed(keras.Model):
    """A network without a shape of its own."""

    def __init__(self, classes=CLASSES, flat=True):
        super().__init__()
        self.flatten = layers.Flatten() if flat else layers.Identity()
        self.hidden, self.out = layers.Dense(16, activation="relu"), layers.Dense(classes)

    def call(self, x):
        return self.out(self.hidden(self.flatten(x)))


def sequential(*ends, shape=SHAPE, flat=True):
    def build():
        start = [layers.Flatten()] if flat else []
        first = [] if shape is None else [keras.Input(shape)]
        return keras.Sequential([*first, *start, *(end() for end in ends)])

    return build


def functional():
    x = keras.Input(SHAPE)
    y = layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x))
    return keras.Model(x, y)


def found(function, shape=SHAPE, classes=CLASSES, seed=0):
    return built(adapted(function, "here"), shape, classes, seed)


def recipe(**fields):
    return KerasRecipe(name="own", model="m:f", source="-", **fields)


def logits(units=CLASSES, **more):
    return lambda: layers.Dense(units, **more)


def softmax():
    return layers.Dense(CLASSES, activation="softmax")


@pytest.mark.parametrize(
    ("build", "form", "probabilities"),
    [
        (sequential(logits()), (8, 8, 1), False),
        (sequential(softmax), (8, 8, 1), True),
        (sequential(logits(), layers.Softmax), (8, 8, 1), True),
        (sequential(logits(), shape=None), (8, 8, 1), False),
        (sequential(logits(), shape=(8, 8)), (8, 8), False),
        (sequential(softmax, shape=(64,), flat=False), (64,), True),
        (sequential(softmax, shape=None, flat=False), (64,), True),
        (sequential(logits(kernel_initializer="zeros")), (8, 8, 1), False),
        (sequential(logits(activation="log_softmax")), (8, 8, 1), False),
        (functional, (8, 8, 1), True),
        (Subclassed, (8, 8, 1), False),
        (lambda: Subclassed(flat=False), (64,), False),
    ],
)
def test_what_a_model_takes_and_gives(build, form, probabilities):
    model = found(build)
    assert (model.form, model.probabilities) == (form, probabilities)
    assert model(np.zeros((3, *SHAPE), np.float32)).shape == (3, CLASSES)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (sequential(logits(1)), "a single output"),
        (sequential(logits(7)), "it has 7 outputs; expected 10"),
        (sequential(logits(activation="sigmoid")), "as those of sigmoid units"),
        (sequential(logits(activation="relu")), "as those of relu units"),
        (sequential(logits(), shape=(28, 28, 1)), r"inputs \[n, 28, 28, 1\], and the images are \[8, 8, 1\]"),
        (sequential(logits(), shape=(784,), flat=False), r"inputs \[n, 784\]"),
        (sequential(lambda: layers.Conv2D(CLASSES, 3), flat=False), r"the output is \[16, 6, 6, 10\]"),
        (
            lambda: keras.Model(x := [keras.Input(SHAPE), keras.Input(SHAPE)], layers.Add()(x)),
            "several inputs",
        ),
        (lambda: 3, "the function gives int"),
        (lambda: 1 / 0, "building it failed: ZeroDivisionError"),
    ],
)
def test_what_does_not_fit_is_said(build, said):
    with pytest.raises(SpecError, match=said):
        found(build)


def test_a_single_unit_for_two_classes_says_what_to_write():
    with pytest.raises(SpecError, match=r"one is wanted for each of the 2 classes.*Dense\(2"):
        found(sequential(logits(1, activation="sigmoid")), classes=2)


def test_colour_images_are_no_grey_ones():
    with pytest.raises(SpecError, match=r"the images are \[8, 8, 3\]"):
        found(functional, shape=(8, 8, 3))


def test_a_function_that_gives_the_same_model_twice_is_refused():
    model = functional()
    with pytest.raises(SpecError, match="the same model each time, so that weights would leak"):
        found(lambda: model)


@pytest.mark.parametrize("shape", [SHAPE, None])
def test_a_function_that_uses_layers_again_is_refused(shape):
    shared = layers.Dense(CLASSES)
    with pytest.raises(SpecError, match="a model of the same layers"):
        found(sequential(lambda: shared, shape=shape))


def test_the_seed_decides_the_first_weights_and_compiling_again_does_not():
    ours, again, other = (found(functional, seed=seed).model for seed in (3, 3, 4))
    before_compiling = ours.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before_compiling, again.get_weights(), strict=True))
    assert not np.array_equal(before_compiling[0], other.get_weights()[0])
    x, y = np.ones((4, *SHAPE), np.float32), np.arange(4)
    ours.compile("sgd", "sparse_categorical_crossentropy")
    ours.fit(x, y, verbose=0)
    trained = ours.get_weights()
    assert not np.array_equal(before_compiling[0], trained[0])
    ours.compile("sgd", "sparse_categorical_crossentropy")
    assert np.array_equal(ours.get_weights()[0], trained[0])


def test_a_function_is_given_what_it_asks_for():
    assert adapted(lambda: "nothing", "here")(SHAPE, CLASSES) == "nothing"
    assert adapted(lambda classes: classes, "here")(SHAPE, CLASSES) == CLASSES
    assert adapted(lambda classes, input_shape, width=3, **more: (classes, input_shape, width, more), "here")(
        SHAPE, CLASSES
    ) == (CLASSES, SHAPE, 3, {})


def test_a_function_that_asks_for_something_else_is_refused():
    with pytest.raises(SpecError, match="the function wants width, depth"):
        adapted(lambda classes, width, depth, colour=1, **more: None, "here")


def test_a_copy_has_weights_of_its_own_or_equal_ones():
    model = functional()
    model.compile("sgd", "mse")
    fresh, equal = (copied(model, keep_weights=keep)(SHAPE, CLASSES) for keep in (False, True))
    assert not np.array_equal(fresh.get_weights()[0], model.get_weights()[0])
    assert np.array_equal(equal.get_weights()[0], model.get_weights()[0])
    assert equal.loss == "mse"
    assert equal.optimizer is not model.optimizer


def test_a_copy_of_what_has_no_configuration_is_refused():
    class Odd(Subclassed):
        def __init__(self, thing):
            super().__init__()

    with pytest.raises(SpecError, match="Pass the function that builds it"):
        copied(Odd(object()), keep_weights=False)(SHAPE, CLASSES)


# What it is trained with


def compiled(loss, end=softmax, optimizer="adam", **more):
    def build():
        model = sequential(end)()
        model.compile(optimizer, loss, **more)
        return model

    return found(build)


def of(model, outputs, labels, **fields):
    """Each image's loss of outputs [n, k]."""
    how = tuned(recipe(**fields), model, 10, 5)
    values = how.losses(np.asarray(outputs, np.float32), np.asarray(labels, np.int32))
    return keras.ops.convert_to_numpy(values)


LABELS = np.array([0, 3, 9])
LOGITS = np.random.default_rng(0).normal(size=(3, CLASSES)).astype(np.float32)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
SURPRISE = -np.log(PROBABILITIES[np.arange(3), LABELS])


def of_columns(y_true, y_pred):
    return -keras.ops.sum(y_true * keras.ops.log(y_pred), axis=-1)


def of_numbers(y_true, y_pred):
    return -keras.ops.log(
        keras.ops.take_along_axis(y_pred, keras.ops.cast(y_true, "int32")[:, None], 1)[:, 0]
    )


def of_the_batch(y_true, y_pred):
    return keras.ops.mean(of_columns(y_true, y_pred))


class Written(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return of_columns(y_true, y_pred)


@pytest.mark.parametrize(
    ("loss", "end"),
    [
        (None, softmax),
        (None, logits()),
        ("sparse_categorical_crossentropy", softmax),
        ("categorical_crossentropy", softmax),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), logits()),
        (keras.losses.CategoricalCrossentropy(from_logits=True), logits()),
        (of_columns, softmax),
        (of_numbers, softmax),
        (Written(), softmax),
        ("kl_divergence", softmax),
    ],
)
def test_every_way_to_say_cross_entropy_gives_the_same_losses(loss, end):
    model = compiled(loss, end)
    outputs = PROBABILITIES if end is softmax else LOGITS
    assert np.allclose(of(model, outputs, LABELS), SURPRISE, atol=1e-5)


def test_a_loss_of_the_whole_batch_is_every_images_share():
    assert np.allclose(of(compiled(of_the_batch), PROBABILITIES, LABELS), SURPRISE.mean(), atol=1e-6)


def test_other_losses_and_how_they_are_reduced():
    wrong = np.square(PROBABILITIES - np.eye(CLASSES)[LABELS]).mean(axis=1)
    assert np.allclose(of(compiled("mse"), PROBABILITIES, LABELS), wrong, atol=1e-6)
    for reduction, mean in (("sum", False), ("sum_over_batch_size", True)):
        model = compiled(keras.losses.MeanSquaredError(reduction=reduction))
        assert tuned(recipe(), model, 1, 1).mean is mean


@pytest.mark.parametrize("end", [softmax, logits()])
def test_a_recipes_loss_goes_before_the_models_own(end):
    model, outputs = compiled("mse", end), PROBABILITIES if end is softmax else LOGITS
    described = spec.SoftmaxCrossEntropy(label_smoothing=0.2, class_weights=tuple(range(1, 11)))
    log = np.log(PROBABILITIES)
    smoothed = -0.8 * log[np.arange(3), LABELS] - 0.2 * log.mean(axis=1)
    assert np.allclose(of(model, outputs, LABELS, loss=described), smoothed * (LABELS + 1), atol=1e-5)


def test_a_probability_of_nothing_costs_a_finite_loss():
    assert np.isfinite(of(found(sequential(softmax)), np.eye(CLASSES)[:3], [1, 2, 3])).all()


@pytest.mark.parametrize(
    ("loss", "end", "said"),
    [
        ("sparse_categorical_crossentropy", logits(), "gives logits, and its loss .* takes probabilities"),
        ("categorical_crossentropy", logits(), "expected from_logits=True"),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), softmax, "expected from_logits=False"),
        (lambda y_true, y_pred: y_pred, softmax, "gives no number for each image"),
        (lambda y_true, y_pred: 1 / 0, softmax, "gives no number for each image"),
        (lambda y_true, y_pred: keras.ops.mean(y_true), softmax, "check the shape of y_true"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(loss, end, said):
    with pytest.raises(SpecError, match=f"(?i){said}"):
        tuned(recipe(), compiled(loss, end), 1, 1)


def test_the_optimizer_is_the_recipes_or_a_new_one_like_the_models_own():
    model = compiled("mse", optimizer=keras.optimizers.SGD(0.3, momentum=0.5))
    own = tuned(recipe(schedule=spec.StepDecay(0.5, 1)), model, 10, 5)
    assert own.optimizer is not model.model.optimizer
    assert (type(own.optimizer), own.optimizer.momentum) == (keras.optimizers.SGD, 0.5)
    assert [own.rate(t) for t in (0, 4, 5)] == pytest.approx([0.3, 0.3, 0.15])
    assert "its own mse" in own.notes[0] or "mean_squared_error" in own.notes[0]
    said = tuned(recipe(optimizer=spec.Adam(0.01)), model, 10, 5)
    assert (type(said.optimizer), said.rate(0)) == (keras.optimizers.Adam, 0.01)
    assert tuned(recipe(), found(functional), 10, 5).rate(9) == 0.001


def test_a_schedule_of_the_models_own_is_left_to_keras_and_is_the_only_one():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model = compiled("mse", optimizer=keras.optimizers.SGD(schedule))
    assert tuned(recipe(), model, 10, 5).rate is None
    with pytest.raises(SpecError, match="a schedule of its own, and the recipe another"):
        tuned(recipe(schedule=spec.OneCycle()), model, 10, 5)


# Where its code is


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of the user's in the current folder; gives its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)

    name = f"users_{tmp_path.name}".replace("-", "_")

    def write(text):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def test_a_changed_file_is_another_recipe_and_another_function(module):
    name = module("def build(): return 1\n")
    first = KerasRecipe(name="own", model=f"{name}:build")
    assert asked(first.model, first.source)(SHAPE, CLASSES) == 1
    module("def build(): return 22\n")
    second = KerasRecipe(name="own", model=f"{name}:build")
    assert second.source != first.source
    with pytest.raises(SpecError, match="not the one that the recipe was made from"):
        asked(first.model, first.source)
    assert asked(second.model, second.source)(SHAPE, CLASSES) == 22


def test_nothing_is_imported_but_what_was_asked_for(module):
    name = module("raise SystemExit('imported')\n")
    source = KerasRecipe(name="own", model=f"{name}:build").source
    with pytest.raises(SpecError, match=f"If you trust that file, add --keras {name}:build"):
        before(f"{name}:build", source)


def test_code_that_changed_since_the_training_is_not_used(module):
    name = module("def build(): return 1\n")
    asked(f"{name}:build")
    with pytest.raises(SpecError, match="not the code any more"):
        before(f"{name}:build", "0" * 64)


@pytest.mark.parametrize(
    ("text", "function", "said"),
    [
        ("import nowhere_at_all\n", "build", "importing the module failed: ModuleNotFoundError"),
        ("def built(): pass\n", "build", "no function 'build'. Did you mean 'built'"),
        ("build = 3\n", "build", "int is no function"),
    ],
)
def test_what_is_wrong_with_a_module_is_said(module, text, function, said):
    with pytest.raises(SpecError, match=said):
        asked(f"{module(text)}:{function}")


def test_a_module_that_is_not_there_is_refused_before_keras_is_asked(module):
    module("")
    with pytest.raises(SpecError, match=r"no Python file of a module 'nowhere\.at_all'"):
        KerasRecipe(name="own", model="nowhere.at_all:build")
