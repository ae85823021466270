"""`.keras` files: what is let in; damaged zips, and zips that are no `.keras` file."""

import io
import struct
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_zips import changed, forbid, good, members, packed, quick, refused, sequential, tried

from handlens.engines.keras.exchange.files import open_keras
from handlens.errors import StoreError

layers = keras.layers
# Keras's own, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


@pytest.fixture
def no_keras(monkeypatch):
    forbid(monkeypatch)


# What is let in.


def built_by_hand():
    inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(1, 3, padding="same")(inputs / 255)
    x = keras.ops.relu(layers.Add()([x, inputs]) * 2 - 1)
    x = layers.TimeDistributed(layers.Dense(4, activation=keras.activations.mish))(x[:, :, 1:])
    inner = keras.Sequential([keras.Input((6, 5, 4)), layers.SeparableConv2D(2, 2), layers.Flatten()])
    return keras.Model(inputs, layers.Dense(3, kernel_constraint="non_neg")(inner(x)))


def recurrent():
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal"),
            layers.Reshape((6, 6)),
            layers.Bidirectional(layers.LSTM(3)),
            layers.PReLU(),
            layers.Dense(2),
        ]
    )


def without_input():
    model = keras.Sequential([layers.Flatten(), layers.Dense(3)])
    model(np.zeros((1, 6, 6, 1), np.float32))
    return model


def halves():
    return keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(3, dtype="bfloat16")])


@pytest.mark.parametrize("build", [sequential, built_by_hand, recurrent, without_input, halves])
def test_a_good_file_gives_its_model(tmp_path, build):
    model = build()
    model.save(tmp_path / "a model.keras")
    found = open_keras(tmp_path / "a model.keras")
    images = np.random.default_rng(0).random((4, 6, 6, 1), np.float32)
    np.testing.assert_array_equal(
        np.asarray(found(images, training=False)), np.asarray(model(images, training=False))
    )
    assert not found.compiled
    assert not keras.src.backend.common.global_state.get_global_attribute("uninitialized_variables")


def test_a_packed_file_is_read(tmp_path):
    path = tmp_path / "x.keras"
    path.write_bytes(packed(members(good()), compression=zipfile.ZIP_DEFLATED))
    assert open_keras(path).count_params() == sequential().count_params()


# Bombs.


def test_layers_larger_than_the_file_are_refused_without_memory(tmp_path):
    wide = changed(good(), lambda c: c["config"]["layers"][5]["config"].update({"units": 10**11}))
    refused(tmp_path, wide, match="numbers, its weights")
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.UpSampling2D(name="u"), layers.GlobalMaxPooling2D()]
    )
    model.save(tmp_path / "tall.keras")

    def stretch(config):
        config["config"]["layers"][1]["config"]["size"] = [10**6, 10**6]

    refused(tmp_path, changed((tmp_path / "tall.keras").read_bytes(), stretch), match="'u' gives")


def test_numbers_alone_are_not_computed(tmp_path):
    inputs = keras.Input((2,))
    keras.Model(inputs, layers.Add()([inputs, inputs])).save(tmp_path / "x.keras")
    column = [[0]] * 1000

    def change(config):
        config["config"]["layers"][1]["inbound_nodes"] = [{"args": [[column, [column]]], "kwargs": {}}]

    refused(tmp_path, changed((tmp_path / "x.keras").read_bytes(), change), match="no layer before it")


@pytest.mark.usefixtures("no_keras")
def test_bombs_are_refused(tmp_path):
    parts = members(good())
    zeros = bytes(50 * 2**20)
    refused(
        tmp_path, packed(parts | {"model.weights.h5": zeros}, compression=zipfile.ZIP_DEFLATED), match="grow"
    )
    refused(tmp_path, packed(parts | {"config.json": zeros}), match="at most 16,777,216")
    liar = bytearray(good())  # says that its weights are small: what is read ends there
    at = liar.rindex(b"PK\1\2")
    liar[at + 24 : at + 28] = struct.pack("<I", 64)
    refused(tmp_path, bytes(liar), match="damaged|cannot be read")
    liar[at + 24 : at + 28] = struct.pack("<I", 2**31 - 1)
    refused(tmp_path, bytes(liar), match="grow")


@pytest.mark.usefixtures("no_keras")
def test_only_what_keras_writes_is_in_the_zip(tmp_path):
    parts = members(good())
    refused(tmp_path, packed(parts | {"assets/vocabulary.txt": b""}), match="'assets/vocabulary.txt'")
    refused(tmp_path, packed(parts | {"../../x": b""}), match=r"'\.\./\.\./x'")
    refused(tmp_path, packed({"config.json": parts["config.json"]}), match=r"lacks model\.weights\.h5")
    refused(tmp_path, packed({}), match="no .keras file")
    refused(tmp_path, packed(parts, compression=zipfile.ZIP_BZIP2), match="packed or locked")
    raw = io.BytesIO(good())
    with zipfile.ZipFile(raw, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    refused(tmp_path, raw.getvalue(), match="two files of one name")
    raw = io.BytesIO(good())
    with zipfile.ZipFile(raw, "a") as archive:
        archive.comment = b"hello"
    refused(tmp_path, raw.getvalue(), match="damaged")
    long = bytearray(good())
    long[-10:-6] = struct.pack("<I", 2**30)  # bytes that the list of members has
    refused(tmp_path, bytes(long), match="damaged")


@pytest.mark.usefixtures("no_keras")
def test_other_files_are_refused_with_a_remedy(tmp_path):
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        file.attrs["model_config"] = "{}"
    assert "save it again as .keras" in refused(tmp_path, held.getvalue(), match="older form")
    refused(tmp_path, b"", match="no .keras file")
    refused(tmp_path, b"hello" * 100, match="no .keras file")
    with pytest.raises(StoreError, match="no such file"):
        open_keras(tmp_path / "missing.keras")
    with pytest.raises(StoreError, match="is a folder"):
        open_keras(tmp_path)


# Damage anywhere.


@quick
@given(data=st.data())
def test_a_file_cut_short_is_refused(tmp_path, data):
    length = data.draw(st.integers(0, len(good()) - 1))
    assert not tried(tmp_path, good()[:length])


@quick
@given(data=st.data())
def test_flipped_bits_give_our_error_or_none(tmp_path, data):
    raw = bytearray(good())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    tried(tmp_path, bytes(raw))
