"""Training images for several processes: one file, no copy where there is one already."""

import dataclasses

import numpy as np

from handlens.data import Dataset, ImageSet
from handlens.studies.training.shared import place_of, shared
from handlens.studies.training.trial import training


def test_images_are_written_once_or_not_at_all(tmp_path, digits):
    data = training(digits)
    with shared(data, tmp_path) as written:
        opened = written.open()
        assert written.images.path.is_relative_to(tmp_path)
        np.testing.assert_array_equal(opened.images.images, data.images.images)
        np.testing.assert_array_equal(opened.images.labels, data.images.labels)
        assert not opened.images.images.flags.writeable
        mapped = dataclasses.replace(data, images=opened.images)
        with shared(mapped, tmp_path) as again:
            assert again.images.path.samefile(written.images.path)
        part = dataclasses.replace(
            data,
            images=ImageSet(opened.images.images[100:300], opened.images.labels[100:300], digits.classes),
        )
        with shared(part, tmp_path) as again:
            np.testing.assert_array_equal(again.open().images.images, digits.train.images[100:300])
            np.testing.assert_array_equal(again.open().images.labels, digits.train.labels[100:300])
    assert not list(tmp_path.iterdir())


def test_what_is_mapped_is_known_by_its_file(tmp_path):
    values = np.arange(100_000, dtype=np.int32).reshape(100, -1)
    np.save(tmp_path / "a.npy", values)
    whole = np.load(tmp_path / "a.npy", mmap_mode="r")
    for array in (whole, np.asarray(whole), whole[7:], whole[50:60], np.asarray(whole)[20:].reshape(-1)):
        np.testing.assert_array_equal(place_of(array).open(), array)
    for array in (values, whole[::2], whole.T, np.load(tmp_path / "a.npy", mmap_mode="c"), whole.copy()):
        assert place_of(array) is None
    (tmp_path / "a.npy").unlink()
    assert place_of(whole) is None


def test_a_file_that_is_removed_meanwhile_is_still_shared(tmp_path, digits):
    np.save(tmp_path / "cached.npy", digits.train.images)
    mapped = ImageSet(
        np.load(tmp_path / "cached.npy", mmap_mode="r"), digits.train.labels, digits.train.classes
    )
    data = dataclasses.replace(training(digits), images=mapped)
    with shared(data, tmp_path / "runs") as there:
        (tmp_path / "cached.npy").unlink()
        np.testing.assert_array_equal(there.open().images.images, digits.train.images)


def test_a_large_set_is_shared_part_by_part(digits, store, monkeypatch):
    """What a large data set holds is `Picked`, no array."""
    monkeypatch.setattr("handlens.data.images.COPIED", 1000)
    train = digits.train.take(np.arange(0, 600, 2))
    assert not isinstance(train.images, np.ndarray)
    images = Dataset("half", train, digits.test)
    with shared(training(images), store.root) as there:
        np.testing.assert_array_equal(there.open().images.images, digits.train.images[::2])
