"""IDX: what is written is read, and whatever is wrong with a file is said in one line."""

import gzip
import resource
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from handlens.data.formats import list_files, read
from handlens.errors import DataError

IMAGES = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4)
LABELS = np.array([4, 0, 1, 7, 0])


@pytest.fixture
def pair(put, fresh, idx):
    """A function that writes images and labels side by side, from bytes, and gives the images' path."""

    def write(images=None, labels=None, suffix="") -> object:
        folder = fresh()
        put("train-labels-idx1-ubyte", idx(LABELS) if labels is None else labels, folder)
        return put(f"train-images-idx3-ubyte{suffix}", idx(IMAGES) if images is None else images, folder)

    return write


@settings(max_examples=40, deadline=None)
@given(
    images=arrays(np.uint8, st.tuples(*[st.integers(1, 6)] * 3)),
    packed=st.booleans(),
    label=st.integers(0, 255),
)
def test_round_trip(put, fresh, idx, images, packed, label):
    folder = fresh()
    end = ".gz" if packed else ""
    put(f"t10k-labels-idx1-ubyte{end}", idx([label] * len(images), packed=packed), folder)
    path = put(f"t10k-images-idx3-ubyte{end}", idx(images, packed=packed), folder)
    source = read(path)
    assert source.format == "idx"
    part = source.parts["test"]
    np.testing.assert_array_equal(part.images[..., 0], images)
    assert part.labels.tolist() == [label] * len(images)
    assert part.labels.dtype == np.int64
    assert source.files == list_files(path)
    assert [file.name for file in source.files] == [path.name, f"t10k-labels-idx1-ubyte{end}"]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(put, fresh, idx, survives, data):
    whole = bytearray(idx(IMAGES, packed=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    folder = fresh()
    put("train-labels-idx1-ubyte", idx(LABELS), folder)
    survives(put("train-images-idx3-ubyte", bytes(whole[:cut]), folder))


def test_quartet_in_a_folder_plain_beside_gzip(put, fresh, idx):
    folder = fresh()
    for part, n in (("train", 5), ("t10k", 2)):
        put(f"{part}-images.idx3-ubyte", idx(IMAGES[:n]), folder)
        put(f"{part}-labels.idx1-ubyte.gz", idx(LABELS[:n], packed=True), folder)
    put("train-images.idx3-ubyte.gz", idx(IMAGES, packed=True), folder)
    source = read(folder)
    assert list(source.parts) == ["train", "test"]
    assert source.parts["test"].labels.tolist() == LABELS[:2].tolist()
    assert len(source.files) == 4


def test_colour_with_channels_last(put, fresh, idx):
    folder = fresh()
    put("labels-idx1", idx([1, 2]), folder)
    images = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3)
    np.testing.assert_array_equal(read(put("images-idx4", idx(images), folder)).parts["all"].images, images)


def test_truncated(pair, idx, refusal):
    line = refusal(pair(idx(IMAGES)[:-1]), "train-images-idx3-ubyte: is truncated", "5 x 3 x 4", "again")
    assert "60 bytes" in line
    assert "59" in line


def test_truncated_inside_gzip(pair, idx, refusal):
    short = gzip.compress(idx(IMAGES)[:-7])
    refusal(pair(short, suffix=".gz"), "ubyte.gz: ends after 53 of 60 values", "5 x 3 x 4", "again")


def test_gzip_data_cut_off(pair, idx, refusal):
    noise = np.random.default_rng(0).integers(0, 256, (5, 30, 40))
    packed = idx(noise, packed=True)
    refusal(pair(packed[: len(packed) // 2], suffix=".gz"), "ubyte.gz: the gzip data are damaged", "again")


def test_over_long(pair, idx, refusal):
    refusal(pair(idx(IMAGES) + b"x"), "train-images-idx3-ubyte: goes on after its last value", "again")


def test_gzip_inflates_past_its_header(pair, idx, refusal):
    bomb = gzip.compress(idx(IMAGES) + bytes(1 << 26))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal(pair(bomb, suffix=".gz"), "goes on after its last value", "5 x 3 x 4")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 14  # kilobytes


@pytest.mark.parametrize("packed", [False, True])
def test_header_promises_2_to_the_40_images(pair, idx, refusal, packed):
    lie = idx(IMAGES, (2**20, 2**20, 2**20), packed=packed)
    refusal(pair(lie), "1,048,576 x 1,048,576 x 1,048,576", "cannot hold more than", "again")


def test_more_than_memory_allows(pair, refusal, monkeypatch):
    monkeypatch.setattr("handlens.data.formats.contract.MAX_BYTES", 59)
    refusal(pair(), "train-images-idx3-ubyte: holds", "GiB of pixels", "expected at most", "smaller")


def test_wrong_magic(put, refusal):
    path = put("train-images-idx3-ubyte", b"\x00\x00\x00\x08" + bytes(100))
    refusal(path, "train-images-idx3-ubyte: is of no known format: it begins with 00 00 00 08", "00 00 08 03")


def test_labels_with_wrong_magic(pair, refusal):
    refusal(
        pair(labels=b"\x01" * 20), "train-labels-idx1-ubyte: holds no IDX data", "01 01 01 01", "00 00 08 01"
    )


def test_floats(pair, idx, refusal):
    refusal(pair(idx(IMAGES, kind=13)), "holds float32 values", "unsigned bytes")


def test_counts_differ(pair, idx, refusal):
    refusal(pair(labels=idx(LABELS[:4])), "5 images but 4 labels in train-labels-idx1-ubyte", "same set")


def test_no_images(pair, idx, refusal):
    refusal(pair(idx(IMAGES[:0])), "train-images-idx3-ubyte: holds no images", "0 x 3 x 4")


def test_labels_alone_point_to_their_images(put, idx, refusal):
    path = put("t10k-labels-idx1-ubyte", idx(LABELS))
    refusal(path, "t10k-labels-idx1-ubyte: holds labels, not images", "t10k-images-idx3-ubyte, instead")


def test_images_without_labels(put, idx, refusal):
    path = put("t10k-images-idx3-ubyte", idx(IMAGES))
    refusal(path, "has no labels file beside it", "t10k-labels-idx1-ubyte", "same folder")


def test_several_sets_in_one_folder(put, fresh, idx, refusal):
    folder = fresh()
    for name in ("letters", "digits"):
        put(f"emnist-{name}-train-images-idx3-ubyte", idx(IMAGES), folder)
        put(f"emnist-{name}-train-labels-idx1-ubyte", idx(LABELS), folder)
    refusal(folder, "2 files could be the train images", "Name the file itself")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process its peak of memory")
def test_memory_of_loading_mnist(real_data):
    program = (
        "import re, sys; from pathlib import Path; from handlens.data.formats import read\n"
        "source = read(Path(sys.argv[1])); assert len(source.parts['train'].images) == 60000\n"
        "print(re.search(r'VmHWM:\\s+([0-9]+) kB', Path('/proc/self/status').read_text())[1])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(real_data / "mnist")], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) < 250 * 1024


@pytest.mark.parametrize("damaged", ["images", "labels"])
def test_a_folder_with_a_wrong_magic_names_the_file_that_has_it(pair, idx, damaged):
    good = {"images": idx(IMAGES), "labels": idx(LABELS)}
    wrong = {"images": b"\x12\x34\x56\x78", "labels": b"\x00\x00\x08\x02"}[damaged]
    path = pair(**(good | {damaged: wrong + good[damaged][4:]}))
    with pytest.raises(DataError) as caught:
        read(path.parent)
    assert f"train-{damaged}-idx" in str(caught.value).split(": ")[0]
    assert "it begins with" in str(caught.value)
