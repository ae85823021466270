import numpy as np
import pytest

from handlens.data import load, split
from handlens.data.arrange import asked, halved, pooled
from handlens.data.images import Dataset, ImageSet
from handlens.errors import DataError


def some(n, start=0):
    images = np.arange(start, start + n, dtype=np.uint8).reshape(n, 1, 1, 1)
    return ImageSet(images, np.arange(n, dtype=np.int64) % 2, ("a", "b"))


@pytest.fixture
def dataset():
    return Dataset("pair", some(80), some(20, 80))


def test_pooled_images_are_all_there_once_and_a_fifth_of_each_class_is_the_test(dataset):
    made = pooled(dataset)
    seen = np.concatenate([made.train.images, made.test.images]).ravel()
    assert sorted(seen) == list(range(100))
    assert made.test.counts().tolist() == [10, 10]
    assert np.isin(made.test.images, dataset.train.images).any()
    assert made.digest == pooled(dataset).digest != dataset.digest
    assert (made.name, len(made.notes)) == ("pair:pooled", 1)


def test_halved_puts_the_first_half_of_the_test_images_last(dataset):
    made = halved(dataset)
    assert made.test.images.ravel().tolist() == list(range(90, 100))
    held = split(made.train.labels, "last 10").validation
    assert made.train.images[held].ravel().tolist() == list(range(80, 90))


def test_one_test_image_cannot_be_halved():
    with pytest.raises(DataError, match="1 test image"):
        halved(Dataset("pair", some(80), some(1)))


@pytest.mark.parametrize(
    ("source", "found"),
    [("mnist:pooled", ("mnist", "pooled")), ("mnist", ("mnist", "")), ("C:/x", ("C:/x", ""))],
)
def test_what_is_asked_for(source, found):
    assert asked(source) == found


def test_an_arrangement_that_is_none():
    with pytest.raises(DataError, match="Did you mean 'pooled'"):
        load("digits:poled")


def test_an_arranged_data_set_is_kept_apart_from_the_plain_one():
    plain, made = load("digits"), load("digits:pooled")
    assert len(plain.train) + len(plain.test) == len(made.train) + len(made.test)
    assert plain.digest != made.digest == load("digits:pooled").digest


@pytest.mark.parametrize("wanted", ["last", "last -3", "first 3", "last 0"])
def test_no_such_last_images(wanted):
    with pytest.raises(DataError):
        split(np.array([0, 1] * 10), wanted)


def test_the_last_images_leave_every_class_a_training_image():
    with pytest.raises(DataError, match="expected 1 to 18"):
        split(np.array([0, 1] * 10), "last 19")
