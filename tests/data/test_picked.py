"""Large sets: images picked without a copy, read part by part, and files that are mapped."""

import gzip
import mmap
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlens.data import ImageSet, fit_preparation, load, split
from handlens.data import cache as copies
from handlens.data import images as images_module
from handlens.data.features import features
from handlens.data.formats import Options, idx, read
from handlens.data.images import Dataset
from handlens.data.picked import Picked
from handlens.errors import DataError

N = 60
ARRAY = np.random.default_rng(0).integers(256, size=(N, 5, 4, 3), dtype=np.uint8)


@pytest.fixture
def _small(monkeypatch):
    """More than 600 bytes (ten images) are not copied."""
    monkeypatch.setattr(images_module, "COPIED", 600)


def image_set(array=ARRAY):
    return ImageSet(array, np.arange(len(array)) % 3, ("a", "b", "c"))


KEYS = [3, -1, np.int64(2), slice(2, 9), slice(None, None, -3), [5, 0, 5], np.array([1, -2]), [], Ellipsis,
        None, (slice(1, 4), 2), (3, 2), (np.array([4, 4]), slice(None), 1), (..., 0),
        (slice(0, 3), ..., 0)]  # fmt: skip


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(-N, N - 1), min_size=12, max_size=40), st.sampled_from(range(len(KEYS))))
def test_picked_images_read_like_the_array(indices, key):
    picked, plain = Picked(ARRAY, indices), ARRAY[indices]
    assert (picked.shape, picked.dtype, picked.ndim, picked.size, picked.nbytes, len(picked)) == (
        plain.shape, plain.dtype, plain.ndim, plain.size, plain.nbytes, len(plain))  # fmt: skip
    np.testing.assert_array_equal(np.asarray(picked), plain)
    np.testing.assert_array_equal(picked[KEYS[key]], plain[KEYS[key]])
    np.testing.assert_array_equal(np.take(picked, [3, 1], axis=0), plain[[3, 1]])
    np.testing.assert_array_equal(Picked(picked, [4, -1, 4])[:], plain[[4, -1, 4]])
    np.testing.assert_array_equal(picked[np.arange(len(plain)) % 2 == 0], plain[::2])
    assert (picked - np.uint8(1) == plain - np.uint8(1)).all()


def test_indices_that_are_not_there_are_refused():
    for indices in ([N], [-N - 1]):
        with pytest.raises(IndexError):
            Picked(ARRAY, indices)
    with pytest.raises(IndexError):
        np.take(Picked(ARRAY, [1, 2]), [2], axis=0, mode="clip")
    with pytest.raises(ValueError, match="first axis"):
        np.take(Picked(ARRAY, [1, 2]), [0], axis=1)
    with pytest.raises(ValueError, match="copy"):
        np.asarray(Picked(ARRAY, [1]), copy=False)


def test_small_sets_are_copied():
    assert isinstance(image_set().take(np.arange(30)).images, np.ndarray)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("count", [0, 10, 11, 40])
def test_large_sets_are_picked_from_and_few_images_copied(count):
    indices = np.arange(N)[::-1][:count]
    taken = image_set().take(indices)
    assert isinstance(taken.images, np.ndarray) == (count <= 10)
    np.testing.assert_array_equal(np.asarray(taken.images), ARRAY[indices])
    np.testing.assert_array_equal(taken.labels, image_set().labels[indices])
    assert taken.shape == (5, 4, 3)
    assert taken.digest() == ImageSet(ARRAY[indices], taken.labels, taken.classes).digest()


@pytest.mark.usefixtures("_small")
def test_picked_images_and_copies_are_described_alike(monkeypatch):
    monkeypatch.setattr("handlens.pages.PART", 100)
    parts = split(image_set().labels, 0.3)
    picked = image_set().take(parts.train).images
    copied = ARRAY[parts.train]
    assert isinstance(picked, Picked)
    for kind in ("unit", "standardize", "standardize-pixels"):
        prepared = [fit_preparation(kind, images) for images in (picked, copied)]
        assert prepared[0].to_dict() == prepared[1].to_dict()
        np.testing.assert_array_equal(prepared[0].apply(picked), prepared[0].apply(copied))
    for one, other in zip(*(vars(features(images)).values() for images in (picked, copied)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("_small", "cache")
def test_a_copy_of_picked_images_in_the_cache_is_the_same():
    whole = image_set()
    dataset = Dataset("d", whole.take(np.arange(40)), whole.take(np.arange(40, 60)))
    kept = copies.keep("r-s", dataset)
    assert isinstance(kept.train.images.base, np.memmap)
    np.testing.assert_array_equal(kept.train.images, ARRAY[:40])
    np.testing.assert_array_equal(kept.test.images, ARRAY[40:])
    assert kept.train.digest() == dataset.train.digest()


def write_idx(folder, array, labels, suffix=""):
    opened = gzip.open if suffix else open
    for name, kind, values in (("images-idx3", 3, array), ("labels-idx1", 1, labels)):
        with opened(folder / f"train-{name}-ubyte{suffix}", "wb") as file:
            file.write(bytes([0, 0, 8, kind]) + struct.pack(f">{kind}I", *values.shape) + values.tobytes())
    return folder / f"train-images-idx3-ubyte{suffix}"


def is_mapped(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_large_plain_idx_file_is_mapped(suffix, tmp_path, monkeypatch):
    array, labels = ARRAY[..., 0], (np.arange(N) % 3).astype(np.uint8)
    path = write_idx(tmp_path, array, labels, suffix)
    plain = read(path, Options()).parts["train"]
    monkeypatch.setattr(idx, "MAPPED", N * 20 - 1)
    mapped = read(path, Options()).parts["train"]
    assert not is_mapped(plain.images)
    assert is_mapped(mapped.images) == (not suffix)
    np.testing.assert_array_equal(mapped.images, plain.images)
    np.testing.assert_array_equal(mapped.labels, plain.labels)


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"0"])
def test_a_large_idx_file_of_another_size_is_refused(change, tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "MAPPED", 10)
    path = write_idx(tmp_path, ARRAY[..., 0], (np.arange(N) % 3).astype(np.uint8))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError):
        read(path, Options())


@pytest.mark.usefixtures("_small", "cache")
def test_a_mapped_file_without_test_images_loads_as_one_that_was_read(tmp_path, monkeypatch):
    write_idx(tmp_path, ARRAY[..., 0], (np.arange(N) % 3).astype(np.uint8))
    read_whole = load(tmp_path)
    copies.prune()
    monkeypatch.setattr(idx, "MAPPED", 10)
    assert load(tmp_path).digest == read_whole.digest
