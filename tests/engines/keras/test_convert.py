"""Keras models to networks from scratch and back: every layer kind, and what is refused."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlens import nn
from handlens.data.prepare import Preparation
from handlens.engines.keras.devices import find
from handlens.engines.keras.exchange import agree, convert
from handlens.engines.keras.exchange.convert import from_file, to_file, to_folder
from handlens.engines.keras.model import KerasModel, Predictor, served
from handlens.engines.scratch import ScratchEngine, ScratchModel
from handlens.errors import HandlensError, SpecError, StoreError
from handlens.nn import layers as ours

L = keras.layers
# Keras's own, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
SHAPE = (8, 9, 2)
UNIT = Preparation("unit", np.zeros((), np.float32), np.asarray(1 / 255, np.float32))


def saved(tmp_path, *stack, shape=SHAPE, name="x.keras"):
    """A file of a Sequential of layers, every weight random; and the model."""
    model = keras.Sequential([keras.Input(shape), *stack])
    return keep(tmp_path, model, name), model


def keep(tmp_path, model, name="x.keras"):
    rng = np.random.default_rng(3)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape) - 0.3 * (w.ndim > 1) for w in model.get_weights()])
    model.save(tmp_path / name)
    return tmp_path / name


def network(tmp_path, *stack, **more):
    file, model = saved(tmp_path, *stack, **more)
    made = from_file(file, tmp_path / "made")
    return ScratchEngine().load(tmp_path / "made"), model, made


def images(shape=SHAPE, n=5):
    return np.random.default_rng(7).integers(0, 256, (n, *shape), np.uint8)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def said(model, x):
    return np.asarray(model(np.asarray(x, np.float32), training=False))


# One layer kind after the other, from Keras.

KINDS = {
    "Dense": lambda: [L.Flatten(), L.Dense(7, activation="gelu"), L.Dense(5, use_bias=False)],
    "Conv2D": lambda: [L.Conv2D(3, (3, 2), strides=2, padding="same", activation="relu")],
    "DepthwiseConv2D": lambda: [L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="tanh")],
    "MaxPooling2D": lambda: [L.MaxPooling2D(3, strides=2, padding="same")],
    "AveragePooling2D": lambda: [L.AveragePooling2D((2, 3), padding="same")],
    "ZeroPadding2D": lambda: [L.ZeroPadding2D((1, 2)), L.Conv2D(2, 3)],
    "Dropout": lambda: [L.Dropout(0.3)],
    "BatchNormalization": lambda: [
        L.BatchNormalization(epsilon=0.01, scale=False),
        L.BatchNormalization(axis=3),
    ],
    "LayerNormalization": lambda: [L.LayerNormalization(), L.LayerNormalization(center=False, axis=3)],
    "Activation": lambda: [L.Activation("silu"), L.Activation(keras.activations.sigmoid)],
    "ReLU": lambda: [L.Conv2D(3, 2), L.ReLU(), L.Conv2D(3, 2), L.ReLU(negative_slope=0.2)],
    "LeakyReLU": lambda: [L.Conv2D(3, 2), L.LeakyReLU(negative_slope=0.2)],
    "ELU": lambda: [L.Conv2D(3, 2), L.ELU(alpha=0.7)],
    "Softmax": lambda: [L.Softmax(), L.Conv2D(4, 1, activation="softmax")],
    "GlobalAveragePooling2D": lambda: [L.GlobalAveragePooling2D(), L.Dense(4)],
    "Reshape": lambda: [L.Reshape((-1,)), L.Dense(4)],
    "silent": lambda: [L.RandomFlip(), L.GaussianNoise(0.5), L.SpatialDropout2D(0.5), L.Identity()],
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_layer_kind(tmp_path, kind):
    stack = [*KINDS[kind](), L.Flatten(), L.Dense(3, activation="softmax")]
    made, model, _ = network(tmp_path, *stack)
    x = images()
    np.testing.assert_allclose(made.predict_proba(x), said(model, x / 255), atol=1e-5)


def test_every_layer_of_ours_is_tried():
    seen = {type(layer).__name__ for kind in KINDS.values() for layer in kind()}
    assert set(ours.REGISTRY) - {"Residual", "Flatten"} <= seen


# How a model ends.


@pytest.mark.parametrize(
    ("end", "probabilities"),
    [
        (lambda: [L.Dense(3, activation="softmax")], True),
        (lambda: [L.Dense(3), L.Softmax()], True),
        (lambda: [L.Dense(3), L.Activation("softmax")], True),
        (lambda: [L.Dense(3)], False),
    ],
)
def test_networks_end_in_logits(tmp_path, end, probabilities):
    made, model, conversion = network(tmp_path, L.Flatten(), L.Dense(4, activation="relu"), *end())
    assert [type(layer) for layer in made.network.layers] == [ours.Flatten, ours.Dense, ours.Dense]
    assert made.network.layers[-1].activation is None
    expected = said(model, images() / 255)
    expected = expected if probabilities else softmax(expected)
    np.testing.assert_allclose(made.predict_proba(images()), expected, atol=1e-5)
    assert any("logits" in note for note in conversion.notes) != probabilities


# How it begins.


def test_inputs_without_channels_and_flat_ones(tmp_path):
    x = images((8, 9, 1))
    for i, (shape, stack) in enumerate(
        [((8, 9), [L.Flatten()]), ((8, 9), [L.Reshape((8, 9, 1)), L.Conv2D(2, 3), L.Flatten()]),
         ((8, 9, 1), [L.Reshape((8, 9)), L.Reshape((8, 9, 1)), L.Conv2D(2, 3), L.Flatten()]),
         ((72,), [L.Reshape((8, 9, 1)), L.Conv2D(2, 3), L.Flatten()])]
    ):  # fmt: skip
        file, model = saved(tmp_path, *stack, L.Dense(3, activation="softmax"), shape=shape)
        from_file(file, tmp_path / f"made{i}")
        made = ScratchEngine().load(tmp_path / f"made{i}")
        assert made.network.input_shape == (8, 9, 1)
        np.testing.assert_allclose(made.predict_proba(x), said(model, x.reshape(-1, *shape) / 255), atol=1e-5)


@pytest.mark.parametrize(
    ("rescaling", "prepare", "kind"),
    [
        ({"scale": 1 / 255}, None, "unit"),
        ({"scale": 1 / 127.5, "offset": -1}, None, "standardize"),
        ({"scale": 2.0, "offset": -1}, "unit", "standardize"),
        ({"scale": [0.1, 0.2], "offset": [1.0, -1.0]}, None, "standardize-pixels"),
    ],
)
def test_a_first_rescaling_becomes_the_preparation(tmp_path, rescaling, prepare, kind):
    stack = [
        L.Rescaling(**rescaling),
        L.Conv2D(2, 3, activation="tanh"),
        L.Flatten(),
        L.Dense(3, activation="softmax"),
    ]
    file, model = saved(tmp_path, *stack)
    assert from_file(file, tmp_path / "made", prepare).prepare == kind
    given = images() / (255 if prepare else 1)
    made = ScratchEngine().load(tmp_path / "made")
    np.testing.assert_allclose(made.predict_proba(images()), said(model, given), atol=1e-4)


def test_pixels_as_they_are(tmp_path):
    file, model = saved(tmp_path, L.BatchNormalization(), L.Flatten(), L.Dense(3, activation="softmax"))
    assert from_file(file, tmp_path / "made", "none").prepare == "standardize"
    made = ScratchEngine().load(tmp_path / "made")
    np.testing.assert_allclose(made.predict_proba(images()), said(model, images()), atol=1e-4)


# Functional models.


def test_chains_blocks_and_models_within(tmp_path):
    inputs = keras.Input(SHAPE)
    inner = keras.Sequential([keras.Input(SHAPE), L.Conv2D(4, 3, padding="same"), L.BatchNormalization()])
    x = inner(inputs)
    y = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = L.Add()([L.Conv2D(4, 3, padding="same")(y), x])
    y = L.Activation("relu")(y)
    z = L.Add()([L.Conv2D(4, 1)(y), L.BatchNormalization()(y)])
    model = keras.Model(inputs, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(z)))
    from_file(keep(tmp_path, model), tmp_path / "made")
    made = ScratchEngine().load(tmp_path / "made")
    kinds = [type(layer).__name__ for layer in made.network.layers]
    assert kinds == [
        "Conv2D",
        "BatchNormalization",
        "Residual",
        "Residual",
        "GlobalAveragePooling2D",
        "Dense",
    ]
    first, second = made.network.layers[2:4]
    assert (len(first.layers), len(first.shortcut), first.activation) == (2, 0, "relu")
    assert (len(second.layers), len(second.shortcut), second.activation) == (1, 1, None)
    np.testing.assert_allclose(made.predict_proba(images()), said(model, images() / 255), atol=1e-5)


def two_inputs():
    one, other = keras.Input(SHAPE), keras.Input(SHAPE)
    return keras.Model([one, other], L.Dense(2)(L.Flatten()(L.Add()([one, other]))))


def concatenated():
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, L.Dense(2)(L.Flatten()(L.Concatenate()([L.Conv2D(2, 1)(inputs), inputs]))))


def doubled():
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, L.Dense(2)(L.Flatten()(L.Add()([inputs, inputs]))))


def stack(*of, end=2, shape=SHAPE):
    return lambda: keras.Sequential([keras.Input(shape), *(make() for make in of), L.Flatten(), L.Dense(end)])


REFUSED = {
    "two inputs": (two_inputs, "several inputs"),
    "concatenate": (concatenated, "a Concatenate layer of 2 inputs"),
    "itself": (doubled, "itself"),
    "kind": (stack(lambda: L.SeparableConv2D(2, 2)), "'separable_conv2d.*SeparableConv2D"),
    "dilation": (stack(lambda: L.Conv2D(2, 2, dilation_rate=2)), "dilation_rate = .2, 2."),
    "groups": (stack(lambda: L.Conv2D(2, 2, groups=2)), "groups = 2"),
    "axis": (stack(lambda: L.BatchNormalization(axis=1)), "axis = 1"),
    "axes": (stack(lambda: L.LayerNormalization(axis=(1, 2))), "axis"),
    "padding": (stack(lambda: L.ZeroPadding2D(((1, 0), (0, 0)))), "ZeroPadding2D layer with padding"),
    "activation": (stack(lambda: L.Conv2D(2, 2, activation="relu6")), "activation = relu6"),
    "an activation's object": (
        stack(lambda: L.Conv2D(2, 2, activation=L.LeakyReLU())), "activation = LeakyReLU"),
    "relu": (stack(lambda: L.ReLU(max_value=6)), "max_value = 6"),
    "late rescaling": (stack(lambda: L.Conv2D(2, 2), lambda: L.Rescaling(2.0)), "Rescaling"),
    "reshape": (stack(lambda: L.Conv2D(2, 2), lambda: L.Reshape((4, 28))), "Reshape"),
    "any size": (lambda: keras.Sequential(
        [keras.Input((None, None, 1)), L.Conv2D(2, 2), L.GlobalAveragePooling2D(), L.Dense(2)]), "input is"),
    "one number": (stack(end=1), "one number"),
    "dense on pixels": (stack(lambda: L.Dense(3)), "Flatten"),
    "keepdims": (stack(lambda: L.GlobalAveragePooling2D(keepdims=True)), "keepdims"),
    "words": (stack(lambda: L.LSTM(3), shape=(5, 4)), "LSTM"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_ours_have_not_is_refused_by_name(tmp_path, name):
    build, match = REFUSED[name]
    file = keep(tmp_path, build())
    with pytest.raises(SpecError, match=match) as caught:
        from_file(file, tmp_path / "made")
    assert str(caught.value).startswith(f"{file}: cannot become a network from scratch: ")
    assert [p.name for p in tmp_path.iterdir()] == ["x.keras"]


def test_what_only_training_knows_is_named(tmp_path):
    constrained = L.Dense(
        3, kernel_constraint="non_neg", kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2)
    )
    made, _, conversion = network(tmp_path, L.GaussianNoise(0.1), L.Flatten(), constrained)
    assert (made.network.layers[-1].l1, made.network.layers[-1].l2) == (0.1, 0.2)
    assert "GaussianNoise" in conversion.notes[0]
    assert "kernel_constraint of dense" in conversion.notes[1]


def test_half_precision_is_compared_in_float32(tmp_path):
    file, _ = saved(
        tmp_path, L.Flatten(), L.Dense(9, dtype="mixed_bfloat16"), L.Dense(3, dtype="mixed_bfloat16")
    )
    conversion = from_file(file, tmp_path / "made")
    assert conversion.difference <= 1e-4
    assert "precision" in conversion.notes[-1]


# There and back.


def scratch_layers():
    image = st.sampled_from(
        [
            lambda: ours.Conv2D(2, 3, padding="same", activation="relu", l2=0.1),
            lambda: ours.Conv2D(3, 2, strides=(1, 2), padding="same", use_bias=False),
            lambda: ours.DepthwiseConv2D(2, depth_multiplier=2, padding="same", activation="elu"),
            lambda: ours.MaxPooling2D(2, padding="same"),
            lambda: ours.AveragePooling2D(2, 1, padding="same"),
            lambda: ours.ZeroPadding2D((1, 0)),
            lambda: ours.Dropout(0.2),
            lambda: ours.BatchNormalization(scale=False),
            lambda: ours.LayerNormalization(),
            lambda: ours.Activation("silu"),
            lambda: ours.LeakyReLU(0.1),
            lambda: ours.Softmax(),
            lambda: ours.Residual((ours.Conv2D(4, 1),), (ours.Conv2D(4, 3, padding="same"),), "relu"),
            lambda: ours.Residual((ours.ReLU(), ours.BatchNormalization())),
        ]
    )
    return st.lists(image, max_size=4)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=scratch_layers(), seed=st.integers(0, 1000), pooled=st.booleans())
def test_there_and_back(tmp_path_factory, drawn, seed, pooled):
    folder = tmp_path_factory.mktemp("back")
    rng = np.random.default_rng(seed)
    end = ours.GlobalAveragePooling2D() if pooled else ours.Flatten()
    net = nn.Network([*(make() for make in drawn), end, ours.Dense(3)], input_shape=(6, 5, 2), rng=rng)
    net.parameters += rng.normal(0, 0.1, net.parameters.shape).astype(np.float32)
    net.statistics += rng.uniform(0, 0.5, net.statistics.shape).astype(np.float32)
    offset, scale = np.asarray(30.5, np.float32), np.asarray(0.02, np.float32)
    model = ScratchModel(net, Preparation("standardize", offset, scale), ())
    x = images((6, 5, 2), 8)

    assert to_file(model, folder / "x.keras").difference <= 1e-4
    shown = said(keras.saving.load_model(folder / "x.keras"), x)  # as anybody would
    np.testing.assert_allclose(shown, model.predict_proba(x), atol=1e-4)
    from_file(folder / "x.keras", folder / "made")
    made = ScratchEngine().load(folder / "made")
    assert [type(a) for a in made.network.layers] == [type(a) for a in net.layers]
    np.testing.assert_array_equal(made.network.state(), net.state())
    np.testing.assert_allclose(made.preparation.offset, offset, rtol=1e-6)
    np.testing.assert_allclose(made.predict_proba(x), model.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize("block", [False, True])
def test_a_model_of_the_keras_engine(tmp_path, block):
    inside = [ours.Residual((ours.Conv2D(2, 3, padding="same"),))] if block else [ours.Conv2D(2, 3)]
    net = nn.Network(
        [*inside, ours.Flatten(), ours.Dense(3)], input_shape=SHAPE, rng=np.random.default_rng(0)
    )
    rng = np.random.default_rng(1)
    each = (rng.uniform(0, 200, SHAPE).astype(np.float32), rng.uniform(0.01, 0.02, SHAPE).astype(np.float32))
    model = KerasModel(Predictor(served(net), find()), Preparation("standardize-pixels", *each))
    to_folder(model, tmp_path / "made")
    made = ScratchEngine().load(tmp_path / "made")
    np.testing.assert_array_equal(made.network.state(), net.state())
    np.testing.assert_array_equal(made.preparation.scale, each[1])
    assert to_file(model, tmp_path / "x.keras").prepare == "standardize-pixels"
    np.testing.assert_allclose(
        said(keras.saving.load_model(tmp_path / "x.keras"), images()), made.predict_proba(images()), atol=1e-4
    )


def test_a_file_for_prepared_images(tmp_path):
    net = nn.Network([ours.Flatten(), ours.Dense(3)], input_shape=SHAPE, rng=np.random.default_rng(0))
    model = ScratchModel(net, UNIT, ())
    assert to_file(model, tmp_path / "x.keras", prepare=False).prepare == "none"
    shown = said(keras.saving.load_model(tmp_path / "x.keras"), images() / np.float32(255))
    np.testing.assert_allclose(shown, model.predict_proba(images()), atol=1e-5)


def test_a_run_in_short_numbers_becomes_a_file(tmp_path):
    """A program and the file's layers round bfloat16 at other places, by more than a fault shows itself."""
    made = nn.Network(
        [ours.Flatten(), ours.Dense(64, "relu"), ours.Dense(9)],
        input_shape=SHAPE,
        rng=np.random.default_rng(0),
    )
    made.set_weights([3 * w for w in made.get_weights()])
    model = KerasModel(Predictor(served(made, "mixed_bfloat16"), find("cpu")), UNIT)
    for prepare in (True, False):
        found = to_file(model, tmp_path / f"{prepare}.keras", prepare=prepare)
        assert found.difference <= 1e-4
        assert found.notes == ("the Keras model computes in another precision than float32",)


# Nothing is left half-written.


@pytest.mark.parametrize("wrong", ["other", "nan"])
def test_models_that_differ_leave_nothing(tmp_path, monkeypatch, wrong):
    file, _ = saved(tmp_path, L.Flatten(), L.Dense(3))
    shown = agree.outputs

    def differs(model, x):
        return shown(model, x) * np.nan if wrong == "nan" else shown(model, x) * 1.001

    monkeypatch.setattr(convert, "outputs", differs)
    with pytest.raises(HandlensError, match="differ by"):
        from_file(file, tmp_path / "made")
    net = nn.Network([ours.Flatten(), ours.Dense(3)], input_shape=SHAPE, rng=np.random.default_rng(0))
    with pytest.raises(HandlensError, match="differ by"):
        to_file(ScratchModel(net, UNIT, ()), tmp_path / "y.keras")
    assert [p.name for p in tmp_path.iterdir()] == ["x.keras"]


def test_targets(tmp_path):
    file, _ = saved(tmp_path, L.Flatten(), L.Dense(3))
    net = nn.Network([ours.Flatten(), ours.Dense(3)], input_shape=SHAPE, rng=np.random.default_rng(0))
    model = ScratchModel(net, UNIT, ())
    (tmp_path / "there").mkdir()
    for target, match in [
        ("there", "exists already"),
        ("x.keras/b", "cannot be written"),
        ("y.keras", "a folder's name"),
    ]:
        with pytest.raises(StoreError, match=match):
            from_file(file, tmp_path / target)
    for target, match in [
        ("x.keras", "exists already"),
        ("x.keras/b.keras", "cannot be written"),
        ("y", "ends in .keras"),
    ]:
        with pytest.raises(StoreError, match=match):
            to_file(model, tmp_path / target)
    with pytest.raises(SpecError, match="already"):
        to_folder(model, tmp_path / "made")
    with pytest.raises(SpecError, match="author's code"):
        to_file(object(), tmp_path / "y.keras")
    to_file(model, tmp_path / "new" / "y.keras")
    assert {p.name for p in tmp_path.iterdir()} == {"x.keras", "there", "new"}
