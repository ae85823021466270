"""The weights in a `.keras` file: plain arrays or nothing."""

import io
import zipfile
import zlib

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_zips import forbid, good, members, packed, quick, refused, tried, with_weights

# Keras's own, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


@pytest.fixture
def no_keras(monkeypatch):
    forbid(monkeypatch)


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


def unwritten(file):
    file.create_dataset("a", (4,), "f4")


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


STORED = [external, soft, circle, twice, elsewhere, virtual, shape_bomb, hollow, unwritten, objects, compound,
          references, datatype, empty, attribute]  # fmt: skip


@pytest.mark.usefixtures("no_keras")
@pytest.mark.parametrize("write", STORED)
def test_weights_are_plain_arrays(tmp_path, write):
    refused(tmp_path, with_weights(good(), write), match="its weights hold")


def test_weights_of_another_model_are_refused(tmp_path):
    def scrambled(file):
        file["layers/dense/vars/0"] = np.zeros((4, 4), np.float32)
        file["layers/dense/vars/1"] = np.zeros(10_000, np.float32)

    refused(tmp_path, with_weights(good(), scrambled), match="Keras cannot build it")


@pytest.mark.usefixtures("no_keras")
def test_weights_that_are_no_hdf5(tmp_path):
    parts = members(good())
    refused(tmp_path, packed(parts | {"model.weights.h5": b"\x89HDF\r\n\x1a\n"}), match="cannot be read")
    refused(tmp_path, packed(parts | {"model.weights.h5": b"hello"}), match="no HDF5 file")


@settings(quick, max_examples=25)
@given(data=st.data())
def test_flipped_bits_in_the_weights(tmp_path, data):
    parts = members(good())
    weights = bytearray(parts["model.weights.h5"])
    weights[data.draw(st.integers(0, len(weights) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    raw = packed(parts | {"model.weights.h5": bytes(weights)})  # the zip's own sum is right
    assert zlib.crc32(bytes(weights)) == zipfile.ZipFile(io.BytesIO(raw)).getinfo("model.weights.h5").CRC
    tried(tmp_path, raw)
