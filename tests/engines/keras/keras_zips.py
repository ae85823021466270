"""`.keras` files, good and bad ones, for the tests of what opens them."""

import functools
import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import pytest
from hypothesis import HealthCheck, settings

from handlens.engines.keras.exchange.files import open_keras
from handlens.errors import HandlensError, StoreError

layers = keras.layers


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


@functools.cache
def good():
    """The bytes of a good file."""
    model = sequential()
    model.compile("adam", "sparse_categorical_crossentropy")
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "good.keras")
        return Raw((Path(folder) / "good.keras").read_bytes())


def forbid(monkeypatch):
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
