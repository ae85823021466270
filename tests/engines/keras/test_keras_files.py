"""Hostile and damaged `.keras` files: refused in one line, before Keras sees them."""

import io
import json
import struct
import zipfile
import zlib

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handlens.engines.keras.files import open_keras
from handlens.errors import HandlensError, StoreError

layers = keras.layers
# Keras's own, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


def sequential():
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


class Raw(bytes):
    """Bytes that a failing test does not print."""

    def __repr__(self):
        return f"<{len(self)} bytes>"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a good file."""
    path = tmp_path_factory.mktemp("good") / "good.keras"
    model = sequential()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(path)
    return Raw(path.read_bytes())


@pytest.fixture
def no_keras(monkeypatch):
    """Keras must not be asked anything."""

    def asked(*_, **__):
        raise AssertionError("Keras was asked")

    monkeypatch.setattr(keras.saving, "load_model", asked)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", asked)


def members(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts, **more):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", **more) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return raw.getvalue()


def changed(raw, change):
    """The file with another description."""
    parts = members(raw)
    config = json.loads(parts["config.json"])
    config = change(config) or config
    return packed(parts | {"config.json": json.dumps(config)})


def with_weights(raw, write):
    """The file with `write(h5py file)` instead of its weights."""
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        write(file)
    return packed(members(raw) | {"model.weights.h5": held.getvalue()})


def refused(tmp_path, raw, *, match=None):
    path = tmp_path / "x.keras"
    path.write_bytes(raw)
    with pytest.raises(StoreError, match=match) as caught:
        open_keras(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700 + len(str(path))
    return str(caught.value)


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
    np.testing.assert_array_equal(np.asarray(found(images, training=False)), np.asarray(model(images, training=False)))
    assert not found.compiled
    assert not keras.src.backend.common.global_state.get_global_attribute("uninitialized_variables")


def test_a_packed_file_is_read(tmp_path, good):
    path = tmp_path / "x.keras"
    path.write_bytes(packed(members(good), compression=zipfile.ZIP_DEFLATED))
    assert open_keras(path).count_params() == sequential().count_params()


# What is not: code and gadgets in the description.


def layer(class_name, module="keras.layers", registered_name=None, **config):
    """A description's change: the layer stands where the dropout stood."""

    def change(config_):
        config_["config"]["layers"][3] = {
            "module": module,
            "class_name": class_name,
            "config": config,
            "registered_name": registered_name,
        }

    return change


def first_activation(value):
    def change(config):
        config["config"]["layers"][1]["config"]["activation"] = value

    return change


def function(name, module="builtins", registered_name="function"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered_name}


CODE = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
HOSTILE = {
    "lambda layer": (layer("Lambda", name="x", function=CODE), "Lambda"),
    "lambda as activation": (first_activation(CODE), "Lambda"),
    "lambda under another key": (layer("Dense", units=2, kernel_initializer=CODE), "Lambda"),
    "CVE-2025-1550: a function of any module": (
        first_activation(function("system", "os")), "'system' of 'os'"),
    "a function by its registered name": (
        first_activation(function("relu", "keras.ops", "os.system")), "'relu'"),
    "builtins": (first_activation(function("eval")), "'eval' of 'builtins'"),
    "CVE-2025-8747: get_file": (first_activation(function("get_file", "keras.utils")), "'get_file'"),
    "a loader as activation": (first_activation(function("load_model", "keras.saving")), "'load_model'"),
    "CVE-2025-9906: safe mode off": (
        first_activation(function("enable_unsafe_deserialization", "keras.config")), "unsafe"),
    "an operation that no activation is": (first_activation(function("tile", "keras.ops", None)), "'tile'"),
    "CVE-2025-12058: a vocabulary file": (
        layer("StringLookup", name="s", vocabulary="/etc/passwd"), "'StringLookup'"),
    "a vocabulary of an address": (
        layer("TextVectorization", vocabulary="http://[::1]/"), "'TextVectorization'"),
    "a saved model": (layer("TFSMLayer", filepath="/tmp/x"), "'TFSMLayer'"),
    "a pickle": (layer("TorchModuleWrapper", module={"class_name": "__bytes__"}), "'TorchModuleWrapper'"),
    "a layer of a package": (layer("Nice", "my_package.layers"), "not Keras's own"),
    "a registered class": (layer("Dense", registered_name="mine>Dense", units=2), "'Dense'"),
    "a class within": (layer("Dense", "keras.src.layers.core.lambda_layer"), "'Dense'"),
    "no module": (layer("Lambda", None), "Lambda"),
    "a bare class of the old form": (
        lambda c: c["config"]["layers"][3].pop("module") and None, "'Dropout' of None"),
    "a module that is no text": (layer("Dense", ["keras.layers"]), "'Dense'"),
    "a name that is no text": (layer({"a": 1}), "'a'"),
    "__typespec__": (layer("__typespec__", spec_name="x"), "__typespec__"),
    "bytes": (layer("__bytes__", value="x"), "__bytes__"),
    "objects in an array": (
        lambda c: c["config"]["layers"][5]["config"].update(
            {"units": {"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}}}),
        "__numpy__"),
    "another model class": (lambda c: c | {"module": "mine", "class_name": "Net"}, "'Net' of 'mine'"),
    "a function as a model": (lambda c: function("get_file", "keras.utils"), "get_file"),
    "a list": (lambda c: [c], "not Keras's own"),
    "a code key": (lambda c: c["config"]["layers"][5].update({"code": "x"}), "'Dense'"),
    "deep nesting": (lambda c: c | {"build_config": json.loads("[" * 300 + "]" * 300)}, "nested too deep"),
    "too many layers": (
        lambda c: c["config"]["layers"].extend(c["config"]["layers"][3:4] * 2500),
        "too many layers"),
}  # fmt: skip


@pytest.mark.usefixtures("no_keras")
@pytest.mark.parametrize("name", HOSTILE)
def test_code_in_a_description_is_refused_before_keras_sees_it(tmp_path, good, name):
    change, match = HOSTILE[name]
    said = refused(tmp_path, changed(good, change), match=match)
    assert "expected" in said


def test_nested_objects_are_walked(tmp_path, good):
    bad = {"module": "os", "class_name": "x", "config": {}, "registered_name": None}
    for where in ("build_config", "inbound_nodes"):
        refused(
            tmp_path, changed(good, lambda c, w=where: c["config"]["layers"][1].update({w: [[{"a": bad}]]}))
        )
    wrapped = layer("TimeDistributed", layer={"module": "keras.layers", "class_name": "Lambda", "config": {}})
    refused(tmp_path, changed(good, wrapped), match="Lambda")


def test_what_training_needs_is_left_out(tmp_path, good):
    hostile = changed(good, lambda c: c | {"compile_config": {"optimizer": function("system", "os")}})
    (tmp_path / "x.keras").write_bytes(hostile)
    assert not open_keras(tmp_path / "x.keras").compiled


# Bombs.


def test_layers_larger_than_the_file_are_refused_without_memory(tmp_path, good):
    wide = changed(good, lambda c: c["config"]["layers"][5]["config"].update({"units": 10**11}))
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
def test_bombs_are_refused(tmp_path, good):
    parts = members(good)
    zeros = bytes(50 * 2**20)
    refused(
        tmp_path, packed(parts | {"model.weights.h5": zeros}, compression=zipfile.ZIP_DEFLATED), match="grow"
    )
    refused(tmp_path, packed(parts | {"config.json": zeros}), match="at most 16,777,216")
    liar = bytearray(good)  # says that its weights are small: what is read ends there
    at = liar.rindex(b"PK\1\2")
    liar[at + 24 : at + 28] = struct.pack("<I", 64)
    refused(tmp_path, bytes(liar), match="damaged|cannot be read")
    liar[at + 24 : at + 28] = struct.pack("<I", 2**31 - 1)
    refused(tmp_path, bytes(liar), match="grow")


@pytest.mark.usefixtures("no_keras")
def test_only_what_keras_writes_is_in_the_zip(tmp_path, good):
    parts = members(good)
    refused(tmp_path, packed(parts | {"assets/vocabulary.txt": b""}), match="'assets/vocabulary.txt'")
    refused(tmp_path, packed(parts | {"../../x": b""}), match=r"'\.\./\.\./x'")
    refused(tmp_path, packed({"config.json": parts["config.json"]}), match=r"lacks model\.weights\.h5")
    refused(tmp_path, packed({}), match="no .keras file")
    refused(tmp_path, packed(parts, compression=zipfile.ZIP_BZIP2), match="packed or locked")
    raw = io.BytesIO(good)
    with zipfile.ZipFile(raw, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    refused(tmp_path, raw.getvalue(), match="two files of one name")
    raw = io.BytesIO(good)
    with zipfile.ZipFile(raw, "a") as archive:
        archive.comment = b"hello"
    refused(tmp_path, raw.getvalue(), match="damaged")
    long = bytearray(good)
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


# The weights.


def external(file):
    file["layers"] = h5py.ExternalLink("/etc/hostname", "/")


def soft(file):
    file["a"] = np.zeros(3)
    file["layers"] = h5py.SoftLink("/a")


def circle(file):
    file["layers"] = file["/"]


def twice(file):
    file["a"] = np.zeros(3)
    file["b"] = file["a"]


def elsewhere(file):
    file.create_dataset("a", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (4,))
    file.create_virtual_dataset("a", layout)


def shape_bomb(file):
    file.create_dataset("a", (2**20, 2**20), "f4", chunks=(1024, 1024), compression="gzip")


def hollow(file):
    file.create_dataset("a", (2**20, 2**20), "f4")


def objects(file):
    file.create_dataset("a", (1,), h5py.string_dtype())


def compound(file):
    file.create_dataset("a", data=np.zeros(2, [("x", "f4"), ("y", "f4")]))


def references(file):
    file.create_dataset("a", data=np.array([file.ref], h5py.ref_dtype), dtype=h5py.ref_dtype)


def datatype(file):
    file["a"] = np.dtype("f8")


def empty(file):
    file["a"] = h5py.Empty("f4")


def attribute(file):
    file.attrs["more"] = np.zeros(1000)


STORED = [external, soft, circle, twice, elsewhere, virtual, shape_bomb, hollow, objects, compound,
          references, datatype, empty, attribute]  # fmt: skip


@pytest.mark.usefixtures("no_keras")
@pytest.mark.parametrize("write", STORED)
def test_weights_are_plain_arrays(tmp_path, good, write):
    refused(tmp_path, with_weights(good, write), match="its weights hold")


def test_weights_of_another_model_are_refused(tmp_path, good):
    def scrambled(file):
        file["layers/dense/vars/0"] = np.zeros((4, 4), np.float32)
        file["layers/dense/vars/1"] = np.zeros(10_000, np.float32)

    refused(tmp_path, with_weights(good, scrambled), match="Keras cannot build it")


@pytest.mark.usefixtures("no_keras")
def test_weights_that_are_no_hdf5(tmp_path, good):
    parts = members(good)
    refused(tmp_path, packed(parts | {"model.weights.h5": b"\x89HDF\r\n\x1a\n"}), match="cannot be read")
    refused(tmp_path, packed(parts | {"model.weights.h5": b"hello"}), match="no HDF5 file")


# Damage anywhere.


def tried(folder, raw):
    """False where the file is refused in one line; any other error is raised."""
    path = folder / "x.keras"
    path.write_bytes(raw)
    try:
        open_keras(path)
    except HandlensError as error:
        return "\n" in str(error)
    return True


quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(data=st.data())
def test_a_file_cut_short_is_refused(tmp_path, good, data):
    length = data.draw(st.integers(0, len(good) - 1))
    assert not tried(tmp_path, good[:length])


@quick
@given(data=st.data())
def test_flipped_bits_give_our_error_or_none(tmp_path, good, data):
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    tried(tmp_path, bytes(raw))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@quick
@given(path=st.lists(st.integers(0, 20), min_size=1, max_size=8), value=JSON)
@example(path=[1, 3, 5], value=10**400)
def test_any_value_anywhere_in_a_description(tmp_path, good, path, value):
    def change(config):
        place = config
        for step in path:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = keys[step % len(keys)]
            if not isinstance(place[key], dict | list) or not place[key]:
                break
            parent, last, place = place, key, place[key]
        else:
            parent[last] = value
            return
        place[key] = value

    tried(tmp_path, changed(good, change))


@settings(quick, max_examples=25)
@given(data=st.data())
def test_flipped_bits_in_the_weights(tmp_path, good, data):
    parts = members(good)
    weights = bytearray(parts["model.weights.h5"])
    weights[data.draw(st.integers(0, len(weights) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    raw = packed(parts | {"model.weights.h5": bytes(weights)})  # the zip's own sum is right
    assert zlib.crc32(bytes(weights)) == zipfile.ZipFile(io.BytesIO(raw)).getinfo("model.weights.h5").CRC
    tried(tmp_path, raw)
