"""NPZ: the names and types that users have, and archives that promise what they do not hold."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from handlens.data.formats import Options, read

IMAGES = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4)
LABELS = np.array([2, 0, 2])


def npz(*, packed: bool = False, **members) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(stream, **members)
    return stream.getvalue()


def header(shape, dtype: str = "|u1", data: bytes = b"") -> bytes:
    """The bytes of an array whose header says what it likes."""
    stream = io.BytesIO()
    about = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, about)
    return stream.getvalue() + data


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return stream.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    images=arrays(
        st.sampled_from([np.uint8, np.int64, ">u2", np.float32]),
        st.tuples(*[st.integers(1, 5)] * 3, st.sampled_from([1, 3])),
        elements=st.integers(0, 255),
    ),
    names=st.sampled_from([("images", "labels"), ("x", "y"), ("X", "Y"), ("x_train", "y_train")]),
    packed=st.booleans(),
    fortran=st.booleans(),
    data=st.data(),
)
def test_round_trip(put, images, names, packed, fortran, data):
    label = st.text("ab ", min_size=1) if data.draw(st.booleans()) else st.integers(0, 2**40)
    labels = data.draw(st.lists(label, min_size=len(images), max_size=len(images)))
    given = np.asfortranarray(images) if fortran else images
    source = read(put("x.npz", npz(packed=packed, **{names[0]: given, names[1]: np.array(labels)})))
    part = source.parts["train" if "train" in names[0] else "all"]
    shares = images.dtype.kind == "f" and images.max() <= 1
    np.testing.assert_array_equal(part.images, images * 255 if shares else images)
    assert part.labels.tolist() == labels
    assert source.format == "npz"


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(put, survives, data):
    whole = bytearray(npz(packed=data.draw(st.booleans()), x=IMAGES, y=LABELS))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    survives(put("x.npz", bytes(whole[: data.draw(st.integers(0, len(whole)))])))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_headers_are_read_or_refused(put, survives, data):
    member = bytearray(header((3, 4, 4), data=IMAGES.tobytes()))
    for _ in range(data.draw(st.integers(1, 3))):
        member[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
    survives(put("x.npz", archive(x=bytes(member), y=header((3,), "<i8", LABELS.tobytes()))))


def test_four_arrays_make_two_parts(put):
    members = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:1], "y_test": LABELS[:1]}
    parts = read(put("mnist.npz", npz(**members))).parts
    assert list(parts) == ["train", "test"]
    assert parts["test"].images.shape == (1, 4, 4, 1)


def test_pair_of_archives(put, fresh):
    folder = fresh()
    put("a_test.npz", npz(x=IMAGES[:1], y=LABELS[:1]), folder)
    put("a_train.npz", npz(x=IMAGES, y=LABELS), folder)
    assert {part: len(value.labels) for part, value in read(folder).parts.items()} == {"train": 3, "test": 1}


def test_one_hot_and_column_labels(put):
    assert read(put("x.npz", npz(x=IMAGES, y=np.eye(3)[LABELS]))).parts["all"].labels.tolist() == [2, 0, 2]
    assert read(put("x.npz", npz(x=IMAGES, y=LABELS[:, None]))).parts["all"].labels.tolist() == [2, 0, 2]


def test_floats_from_0_to_1_are_scaled(put):
    source = read(put("x.npz", npz(x=np.linspace(0, 1, 32, dtype=np.float32).reshape(2, 4, 4), y=[0, 1])))
    pixels = source.parts["all"].images.ravel()
    np.testing.assert_array_equal(pixels, np.rint(np.linspace(0, 255, 32)))
    assert source.notes == ("pixels from 0 to 1 were scaled to 0-255 and rounded",)


def test_fractions_are_rounded_with_a_note(put):
    source = read(put("x.npz", npz(x=IMAGES + 0.3, y=LABELS)))
    np.testing.assert_array_equal(source.parts["all"].images[..., 0], IMAGES)
    assert source.notes == ("fractions of pixels were rounded",)


def test_channels_first_and_rows_of_pixels(put):
    planes = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 4), np.uint8)
    source = read(put("x.npz", npz(x=planes, y=[0, 1])))
    np.testing.assert_array_equal(source.parts["all"].images, planes.transpose(0, 2, 3, 1))
    assert source.notes == ("channels came first and were moved last",)
    rows = put("x.npz", npz(x=IMAGES.reshape(3, 16), y=LABELS))
    np.testing.assert_array_equal(read(rows).parts["all"].images[..., 0], IMAGES)
    assert read(rows, Options(shape=(2, 8))).parts["all"].images.shape == (3, 2, 8, 1)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (
            {"x": IMAGES, "y": np.array([{}, 1, 2], object)},
            ["array 'y': holds Python objects", "pickle", "Save plain"],
        ),
        ({"x": IMAGES.astype(int) - 1, "y": LABELS}, ["pixels run from -1 to 46", "0 to 255"]),
        (
            {"x": IMAGES.astype(int) + 250, "y": LABELS},
            ["pixels run from 250 to 297", "scale them".capitalize()],
        ),
        ({"x": np.full((3, 4, 4), np.nan), "y": LABELS}, ["pixels run from nan to nan", "0 to 1"]),
        ({"x": np.where(IMAGES == 7, np.nan, IMAGES), "y": LABELS}, ["pixels run from nan to nan"]),
        ({"x": IMAGES.astype(complex), "y": LABELS}, ["array 'x': holds complex128"]),
        (
            {"x": IMAGES, "y": LABELS[:2]},
            ["array 'y': 3 images but labels of shape [2]", "one label an image"],
        ),
        (
            {"x": IMAGES, "y": [0, -1, 2]},
            ["array 'y': the label of image 1 is -1", "from 0", "Number the classes"],
        ),
        ({"x": IMAGES, "y": [0, 1.5, 2]}, ["array 'y': the label of image 1 is 1.5", "whole number"]),
        ({"x": IMAGES, "y": np.ones((3, 3))}, ["array 'y': labels of two dimensions are not one-hot"]),
        ({"x": IMAGES[0], "y": LABELS}, ["but labels of shape [3]"]),
        (
            {"x": IMAGES[..., None, None], "y": LABELS},
            ["images are an array [3, 4, 4, 1, 1]", "[n, height, width]"],
        ),
        ({"x": np.zeros((3, 5, 5, 4), np.uint8), "y": LABELS}, ["images are an array [3, 5, 5, 4]"]),
        ({"x": IMAGES[:0], "y": LABELS[:0]}, ["array 'x': holds no images"]),
        ({"x": IMAGES.reshape(3, 16)[:, :15], "y": LABELS}, ["15 pixels an image are no square", "--shape"]),
        (
            {"data": IMAGES, "target": LABELS},
            ["holds the arrays data, target", "x_train", "images and labels"],
        ),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:, 1:], "y_test": LABELS},
            ["images differ in shape: train 4 x 4 x 1, test 3 x 4 x 1"],
        ),
    ],
)
def test_message_names_file_and_array(put, refusal, members, words):
    refusal(put("digits.npz", npz(**members)), "digits.npz", *words)


def test_pickle_is_never_opened(put, refusal):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("pickle was opened",))

    refusal(put("x.npz", npz(x=np.array([Trap()], object), y=LABELS)), "which only pickle can read")


def test_header_promises_more_than_the_archive_holds(put, refusal):
    lie = archive(x=header((2**40, 28, 28), data=bytes(99)), y=header((1,), "<i8", bytes(8)))
    refusal(
        put("x.npz", lie),
        "x.npz, array 'x': its header promises [1099511627776, 28, 28]",
        "holds 99",
        "again",
    )


def test_zip_bomb(put, refusal, monkeypatch):
    monkeypatch.setattr("handlens.data.formats.contract.MAX_BYTES", 1 << 20)
    bomb = archive(x=header((2, 1024, 1024), data=bytes(1 << 21)), y=header((1,), "<i8", bytes(8)))
    assert len(bomb) < 5000
    refusal(put("x.npz", bomb), "array 'x': holds 0.0 GiB of pixels", "at most")


def test_size_in_the_directory_that_no_compression_reaches(put, refusal):
    whole = bytearray(npz(x=IMAGES, y=LABELS))
    at = whole.index(b"PK\x01\x02") + 24
    whole[at : at + 4] = (1 << 30).to_bytes(4, "little")
    refusal(
        put("x.npz", bytes(whole)), "array 'x': promises 1,073,741,824 bytes, more than the file can hold"
    )


def test_wrong_checksum(put, refusal):
    whole = bytearray(npz(x=IMAGES, y=LABELS))
    whole[whole.index(IMAGES.tobytes()) + 5] ^= 1
    refusal(put("x.npz", bytes(whole)), "x.npz: the archive is damaged", "CRC", "again")


def test_two_archives_that_hold_both_parts(put, fresh, refusal):
    folder = fresh()
    both = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS}
    put("train.npz", npz(**both), folder)
    put("test.npz", npz(**both), folder)
    refusal(folder, "holds train and test images", "Name the file itself")
