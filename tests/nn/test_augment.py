"""Augmentation: what it does to images, and that it depends on the seed alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from handlens.errors import SpecError
from handlens.nn import Augmentation, Network, layers
from handlens.nn.augment import cropped, sample
from handlens.nn.optimizers import SGD
from handlens.nn.training import fit

GEOMETRY = {"crop": 3, "shift": 3.0, "rotate": 20.0, "zoom": 0.2, "shear": 15.0, "elastic": 1.0}


def pictures(n: int = 4, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, size=(n, 9, 8, channels), dtype=np.uint8)


def where(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n, height, width, _ = images.shape
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    shape = (n, height, width)
    return np.broadcast_to(rows, shape).astype(np.float32), np.broadcast_to(columns, shape).astype(np.float32)


def test_nothing_asked_for_changes_nothing() -> None:
    images = pictures(channels=3)
    changed = Augmentation().images(images, np.random.default_rng(0))
    assert changed.dtype == np.float32
    assert np.array_equal(changed, images)
    assert Augmentation().mix(5, np.random.default_rng(0)) is None


def test_reading_at_the_pixels_gives_the_image() -> None:
    images = pictures(channels=3).astype(np.float32)
    assert np.array_equal(sample(images, *where(images)), images)


def test_reading_one_pixel_further_shifts_and_fills_with_zeros() -> None:
    images = pictures().astype(np.float32)
    rows, columns = where(images)
    moved = sample(images, rows + 1, columns)
    assert np.array_equal(moved[:, :-1], images[:, 1:])
    assert (moved[:, -1] == 0).all()
    moved = sample(images, rows, columns - 2)
    assert np.array_equal(moved[:, :, 2:], images[:, :, :-2])
    assert (moved[:, :, :2] == 0).all()
    assert (sample(images, rows - 100, columns + 1e6) == 0).all()


def test_cropping_is_reading_whole_pixels_further() -> None:
    images = pictures(5, channels=3).astype(np.float32)
    down, right = np.array([0, 2, -3, 1, -1]), np.array([-2, 0, 3, 8, -1])
    rows, columns = where(images)
    further = (rows + down[:, None, None], columns + right[:, None, None])
    assert np.array_equal(cropped(images, down, right), sample(images, *further))
    still = np.zeros(5, np.int64)
    assert np.array_equal(cropped(images, still, still), images)


def test_a_crop_moves_by_every_number_of_whole_pixels_alike_and_blurs_nothing() -> None:
    dot = np.zeros((4000, 9, 9, 1), np.uint8)
    dot[:, 4, 4] = 200
    images = Augmentation(crop=2).images(dot, np.random.default_rng(0))
    assert set(np.unique(images)) == {0.0, 200.0}
    n, rows, columns, _ = np.nonzero(images)
    assert np.array_equal(n, np.arange(4000))
    for places in (rows, columns):
        assert set(places) == {2, 3, 4, 5, 6}
        assert np.allclose(np.bincount(places)[2:], 800, atol=4.5 * np.sqrt(800 * 0.8))
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 4.5 / np.sqrt(4000)


def test_a_crop_and_other_moves_come_together() -> None:
    images = pictures(40)
    only = Augmentation(crop=2).images(images, np.random.default_rng(0))
    both = Augmentation(crop=2, rotate=1e-4).images(images, np.random.default_rng(0))
    assert np.allclose(both[:, 3:6, 3:5], only[:, 3:6, 3:5], atol=0.1)
    assert not np.array_equal(both, only)


def test_reading_between_pixels_takes_their_weighted_mean() -> None:
    images = pictures().astype(np.float32)
    rows, columns = where(images)
    moved = sample(images, rows + 0.25, columns + 0.5)[:, :-1, :-1]
    a, b, c, d = images[:, :-1, :-1], images[:, :-1, 1:], images[:, 1:, :-1], images[:, 1:, 1:]
    assert np.allclose(moved, 0.375 * (a + b) + 0.125 * (c + d), atol=1e-3)


class Greatest(np.random.Generator):
    """Draws the upper end of every range."""

    def uniform(self, low, high, size):
        return np.full(size, high)


class Least(np.random.Generator):
    """Draws the lower end of every range."""

    def uniform(self, low, high, size):
        return np.full(size, low)


def test_a_quarter_turn_is_numpys() -> None:
    square = np.random.default_rng(0).integers(256, size=(2, 7, 7, 1)).astype(np.float32)
    turned = Augmentation(rotate=90).images(square, Greatest(np.random.PCG64(0)))
    assert np.allclose(turned, np.rot90(square, -1, axes=(1, 2)), atol=1e-2)


def test_zoom_enlarges_by_its_factor_and_shear_leans() -> None:
    bar = np.zeros((1, 41, 41, 1), np.uint8)
    bar[:, 16:25, 19:22] = 100  # 9 high, 3 wide, in the middle
    wide = Augmentation(zoom=1.0).images(bar, Greatest(np.random.PCG64(0)))[0, :, :, 0] > 50
    narrow = Augmentation(zoom=1.0).images(bar, Least(np.random.PCG64(0)))[0, :, :, 0] > 50
    assert {wide.any(axis=1).sum(), narrow.any(axis=1).sum()} == {17, 5}
    leaning = Augmentation(shear=45).images(bar, Greatest(np.random.PCG64(0)))[0, :, :, 0]
    middles = [int(np.average(np.arange(41), weights=row)) for row in leaning[16:25]]
    assert middles == [24, 23, 22, 21, 20, 19, 18, 17, 16]


def test_flipping_mirrors_the_asked_share_of_images() -> None:
    images = pictures(400, channels=3)
    changed = Augmentation(flip=0.3).images(images, np.random.default_rng(0))
    mirrored = (changed == images[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (changed == images).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert mirrored.mean() == pytest.approx(0.3, abs=0.07)
    assert (Augmentation(flip=1.0).images(images, np.random.default_rng(0)) == images[:, :, ::-1]).all()


@pytest.mark.parametrize("name", [*GEOMETRY, "erase", "noise"])
def test_each_step_changes_images_by_the_seed(name: str) -> None:
    amount = {**GEOMETRY, "erase": 1.0, "noise": 9.0}[name]
    augmentation = Augmentation(**{name: amount})
    images = pictures(channels=3)
    before = images.copy()
    first, again, other = (augmentation.images(images, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert all(not np.array_equal(first[i], images[i]) for i in range(4))
    assert np.array_equal(images, before)


@pytest.mark.parametrize("name", GEOMETRY)
def test_the_middle_of_a_wide_flat_image_stays(name: str) -> None:
    flat = np.full((50, 41, 41, 1), 7, np.uint8)
    changed = Augmentation(**{name: GEOMETRY[name]}).images(flat, np.random.default_rng(0))
    assert np.allclose(changed[:, 15:26, 15:26], 7, atol=1e-4)


def test_elastic_displacement_has_the_deviation_asked_for() -> None:
    field = Augmentation(elastic=2.0)._smooth_noise((400, 28, 28), np.random.default_rng(0))
    assert field.std() == pytest.approx(2.0, rel=0.05)
    neighbours = np.corrcoef(field[:, 13, 13], field[:, 13, 14])[0, 1]
    assert neighbours > 0.95


def test_erasing_sets_one_rectangle_to_zero_in_the_asked_share_of_images() -> None:
    images = pictures(400)
    gone = Augmentation(erase=0.5).images(images, np.random.default_rng(0))[..., 0] == 0
    assert gone.any(axis=(1, 2)).mean() == pytest.approx(0.5, abs=0.1)
    for image in gone[gone.any(axis=(1, 2))]:
        tall, wide = image.any(axis=1).sum(), image.any(axis=0).sum()
        assert image.sum() == tall * wide
        assert tall <= 4
        assert wide <= 4


def test_noise_has_the_deviation_asked_for() -> None:
    images = pictures(200)
    assert (Augmentation(noise=5).images(images, np.random.default_rng(0)) - images).std() == pytest.approx(
        5, rel=0.03
    )


def test_mixing_keeps_the_larger_share() -> None:
    mixed = Augmentation(mixup=0.4).mix(1000, np.random.default_rng(0))
    assert mixed is not None
    share, partner = mixed
    assert share.min() >= 0.5
    assert share.max() <= 1
    assert np.array_equal(np.sort(partner), np.arange(1000))


@pytest.mark.parametrize("convolution", [True, False])
def test_training_with_everything_depends_on_the_seed_alone(convolution: bool) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(256, size=(150, 9, 8, 1), dtype=np.uint8), rng.integers(3, size=150)
    first = layers.Conv2D(2, 3) if convolution else layers.Flatten()
    everything = Augmentation(**GEOMETRY, flip=0.5, erase=0.5, noise=3, mixup=0.3)
    states = []
    for threads, augment in ((1, everything), (2, everything), (1, None)):
        network = Network(
            [first, layers.Flatten(), layers.Dense(3)], input_shape=(9, 8, 1), rng=np.random.default_rng(0)
        )
        fit(
            network, images, labels, scale=1 / 255, optimizer=SGD(0.1), epochs=2, batch_size=128,
            rng=np.random.default_rng(1), threads=threads, augment=augment,
        )  # fmt: skip
        states.append(network.state())
    assert np.array_equal(states[0], states[1])
    assert not np.array_equal(states[0], states[2])


def test_mixed_images_have_the_mixed_loss() -> None:
    """With one update of SGD 1, the weights move by the mixed gradient: compare with it written out."""
    images, labels = pictures(6), np.array([0, 1, 2, 0, 1, 2])
    network = Network([layers.Flatten(), layers.Dense(3)], input_shape=(9, 8, 1), rng=None, dtype="float64")
    (epoch,) = fit(
        network, images, labels, scale=1 / 255, optimizer=SGD(1.0), epochs=1, batch_size=6,
        rng=np.random.default_rng(1), augment=Augmentation(mixup=1.0),
    )  # fmt: skip
    seed = int(np.random.default_rng(1).integers(2**63))
    order = np.random.default_rng([seed, 1]).permutation(6)
    mixed = Augmentation(mixup=1.0).mix(6, np.random.default_rng([seed, 1, 0]))
    assert mixed is not None
    share, partner = mixed[0][:, None], mixed[1]
    x, onehot = images[order].reshape(6, -1) / 255, np.eye(3)[labels[order]]
    x, target = share * x + (1 - share) * x[partner], share * onehot + (1 - share) * onehot[partner]
    assert np.allclose(network.get_weights()[0], -x.T @ (1 / 3 - target) / 6, atol=1e-12)
    assert epoch.loss == pytest.approx(np.log(3))


def test_rows_of_features_cannot_be_augmented() -> None:
    network = Network([layers.Dense(2)], input_shape=(4,), rng=np.random.default_rng(0))
    with pytest.raises(SpecError, match="needs images"):
        fit(
            network, np.zeros((3, 4), np.uint8), np.zeros(3, np.int64), optimizer=SGD(), epochs=1,
            batch_size=3, rng=np.random.default_rng(0), augment=Augmentation(noise=1),
        )  # fmt: skip


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Augmentation)])
def test_bad_arguments_are_refused(name: str) -> None:
    for bad in (-1, "x", float("nan"), None):
        with pytest.raises(SpecError, match=f"Augmentation: {name}"):
            Augmentation(**{name: bad})
