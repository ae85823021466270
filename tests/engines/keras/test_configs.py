"""Code and gadgets in the description of a `.keras` file: refused before Keras sees it."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from keras_zips import changed, forbid, good, quick, refused, tried

from handlens.engines.keras.exchange.files import open_keras

# Keras's own, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


@pytest.fixture
def no_keras(monkeypatch):
    forbid(monkeypatch)


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
    "an array whose kind is a list": (
        lambda c: c["config"].update(x={"class_name": "__numpy__", "config": {"value": [1], "dtype": [1]}}),
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
def test_code_in_a_description_is_refused_before_keras_sees_it(tmp_path, name):
    change, match = HOSTILE[name]
    said = refused(tmp_path, changed(good(), change), match=match)
    assert "expected" in said


def test_nested_objects_are_walked(tmp_path):
    bad = {"module": "os", "class_name": "x", "config": {}, "registered_name": None}
    for where in ("build_config", "inbound_nodes"):
        refused(
            tmp_path, changed(good(), lambda c, w=where: c["config"]["layers"][1].update({w: [[{"a": bad}]]}))
        )
    wrapped = layer("TimeDistributed", layer={"module": "keras.layers", "class_name": "Lambda", "config": {}})
    refused(tmp_path, changed(good(), wrapped), match="Lambda")


def test_what_training_needs_is_left_out(tmp_path):
    hostile = changed(good(), lambda c: c | {"compile_config": {"optimizer": function("system", "os")}})
    (tmp_path / "x.keras").write_bytes(hostile)
    assert not open_keras(tmp_path / "x.keras").compiled


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@quick
@given(path=st.lists(st.integers(0, 20), min_size=1, max_size=8), value=JSON)
@example(path=[1, 3, 5], value=10**400)
def test_any_value_anywhere_in_a_description(tmp_path, path, value):
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

    tried(tmp_path, changed(good(), change))
