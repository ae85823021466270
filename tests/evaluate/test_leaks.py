"""Duplicates: planted copies are found, strangers are not; what the images show decides, not their order."""

import io
import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy import ndimage

import handlens
from handlens.errors import DataError
from handlens.evaluate.leaks import KINDS, MEANING, find_duplicates

SOAK = bool(os.environ.get("HANDLENS_SOAK"))


def affine(image, angle=0.0, scale=1.0, down=0.0, right=0.0):
    """The image turned and scaled about its middle, then moved; by scipy's own spline of order one."""
    turn = np.deg2rad(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    middle = (np.array(image.shape) - 1) / 2
    start = middle - matrix @ (middle + np.array([down, right]))
    return ndimage.affine_transform(image.astype(np.float32), matrix, offset=start, order=1)


def jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(grey_levels(image)).save(file, "JPEG", quality=int(quality))
    return np.asarray(Image.open(file))


def grey_levels(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def combined(image, rng):
    image = affine(image, rng.uniform(-8, 8), rng.uniform(0.93, 1.07), *rng.uniform(-2, 2, 2))
    image = image * rng.uniform(0.8, 1.2) + rng.uniform(-15, 15) + rng.normal(0, 5, image.shape)
    return jpeg(image, rng.integers(60, 90))


def moved(image, rng):
    down, right = rng.integers(-3, 4, 2)
    return ndimage.shift(image, (down or 1, right), order=0)


PLANTED = {
    "moved": moved,
    "turned": lambda image, rng: affine(image, rng.choice([-1, 1]) * rng.uniform(2, 12)),
    "resized": lambda image, rng: affine(
        image, 0, rng.choice([rng.uniform(0.9, 0.97), rng.uniform(1.03, 1.1)])
    ),
    "relit": lambda image, rng: image * rng.uniform(0.75, 1.25) + rng.uniform(-25, 25),
    "noise": lambda image, rng: image + rng.normal(0, rng.uniform(4, 10), image.shape),
    "jpeg": lambda image, rng: jpeg(image, rng.integers(40, 90)),
    "blur": lambda image, rng: ndimage.gaussian_filter(image.astype(float), rng.uniform(0.4, 0.9)),
    "combined": combined,
}


def plant(images, each, seed=0):
    """Copies of random `images` [n, h, w], `each` of every kind, and the originals' numbers, by kind."""
    rng = np.random.default_rng(seed)
    copies, originals = {}, {}
    for kind, change in PLANTED.items():
        originals[kind] = rng.choice(len(images), each, replace=False)
        copies[kind] = np.stack([grey_levels(change(images[k], rng)) for k in originals[kind]])
    return copies, originals


def recalls(result, copies, originals, start):
    """Share of each kind's copies that share a family with their original; copies begin at image `start`."""
    found = {}
    for kind in copies:
        mine = np.arange(start, start + len(copies[kind]))
        found[kind] = float(np.mean(result.families[mine] == result.families[originals[kind]]))
        start += len(copies[kind])
    return found


@pytest.fixture(scope="module")
def digits():
    return handlens.load("mnist-5k").train.images[:1000]


@pytest.fixture(scope="module")
def planted(digits):
    copies, originals = plant(digits[..., 0], 20)
    test = np.concatenate(list(copies.values()))[..., None]
    return find_duplicates([digits, test]), copies, originals


def test_planted_copies_of_eight_kinds_are_found(planted, digits):
    result, copies, originals = planted
    found = recalls(result, copies, originals, len(digits))
    assert np.mean(list(found.values())) >= 0.95, found
    assert min(found.values()) >= 0.85, found  # of 20 each


def test_a_leak_is_a_test_image_with_a_family_in_training(planted, digits):
    result, _, _ = planted
    leaked = result.leaked(part=1, into=0)
    assert not leaked[: len(digits)].any()
    assert leaked.sum() >= 0.95 * 160
    pairs = result.pairs[result.between(0, 1)]
    assert (pairs[:, 0] < len(digits)).all()
    assert (pairs[:, 1] >= len(digits)).all()


def test_strangers_are_no_duplicates(planted, digits):
    result, _, originals = planted
    never = np.setdiff1d(np.arange(len(digits)), np.concatenate(list(originals.values())))
    assert result.has_duplicate[never].mean() <= 0.01


def test_kinds_and_alignments_say_what_was_done(digits):
    original = digits[:300]
    turned = grey_levels(affine(original[7, :, :, 0], 9))[..., None]
    moved = np.roll(original[8], (2, -1), (0, 1))
    larger = grey_levels(affine(original[9, :, :, 0], 0, 1.08))[..., None]
    result = find_duplicates(np.concatenate([original, [turned, moved, larger, original[3]]]))
    of = {tuple(map(int, pair)): k for k, pair in enumerate(result.pairs)}
    assert result.kinds[of[3, 303]] == "exact"
    assert result.kinds[of[7, 300]] == "turned"
    assert result.alignments[of[7, 300], 2] == pytest.approx(-9, abs=0.5)  # it was turned clockwise
    assert result.kinds[of[8, 301]] == "moved"
    assert result.alignments[of[8, 301], :2] == pytest.approx([2, -1], abs=0.1)
    assert result.kinds[of[9, 302]] == "resized"
    assert result.alignments[of[9, 302], 3] == pytest.approx(1.08, abs=0.01)
    assert set(MEANING) == set(KINDS)
    assert sum(result.counts.values()) == len(result)


@pytest.mark.parametrize("shape", [(8, 8, 1), (16, 16, 3), (33, 40, 1), (64, 64, 3)])
def test_other_shapes_and_colours(shape):
    rng = np.random.default_rng(1)
    coarse = rng.uniform(0, 255, (150, 5, 5, shape[2]))
    zoom = (1, shape[0] / 5, shape[1] / 5, 1)
    images = grey_levels(ndimage.zoom(coarse, zoom, order=1))
    noisy = grey_levels(images[:20] + rng.normal(0, 3, images[:20].shape))
    brighter = grey_levels(images[20:40] * 0.85 + 12.0)
    result = find_duplicates([images, np.concatenate([noisy, brighter, images[40:50]])])
    assert result.leaked(1, 0)[150:].mean() >= 0.95
    assert not result.has_duplicate[50:150].any()


def test_the_same_grey_in_another_colour_is_another_picture():
    rng = np.random.default_rng(2)
    shapes = ndimage.gaussian_filter(rng.uniform(0, 255, (60, 20, 20)), (0, 2, 2)) - 127
    grey = 100 + shapes * 3
    red, green = np.zeros((2, 60, 20, 20, 3))
    red[..., 0], green[..., 1] = grey / 0.299 * 0.4, grey / 0.587 * 0.4
    result = find_duplicates([grey_levels(red), grey_levels(green)])
    assert len(result) == 0


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_tiny_sets(n, digits):
    result = find_duplicates(digits[:n])
    assert len(result) == 0
    assert result.families.tolist() == list(range(n))
    assert result.has_duplicate.tolist() == [False] * n
    assert not result.leaked(0, 0).any() if n == 0 else True


def test_many_copies_of_one_image_are_a_chain_not_a_square(digits):
    images = np.concatenate([np.repeat(digits[:1], 10_000, axis=0), np.zeros((500, 28, 28, 1), np.uint8)])
    result = find_duplicates(images)
    assert len(result) == 9_999 + 499
    assert result.sizes.tolist() == [10_000, 500]
    assert result.counts == {"exact": 10_498}


def test_blank_pictures_of_different_brightness_are_different():
    blanks = np.repeat(np.arange(0, 250, 50, dtype=np.uint8), 3).reshape(-1, 1, 1, 1) * np.ones(
        (1, 9, 9, 1), np.uint8
    )
    result = find_duplicates(blanks)
    assert result.families.tolist() == np.repeat(np.arange(5), 3).tolist()


def test_families_of_augmented_copies_hang_together(digits):
    rng = np.random.default_rng(3)
    family = [grey_levels(affine(digits[5, :, :, 0], *a))[..., None] for a in rng.uniform(-5, 5, (12, 1))]
    result = find_duplicates(np.concatenate([digits[:300], family]))
    assert len(set(result.families[[5, *range(300, 312)]])) == 1
    assert result.sizes.max() == 13


def test_labels_that_contradict_each_other_are_pointed_at(digits):
    result = find_duplicates([digits[:5], digits[:5]], labels=[[0, 1, 2, 3, 4], [0, 1, 2, 9, 4]], near=False)
    assert result.contradictions.tolist() == [False, False, False, True, False]
    assert np.isnan(result.threshold)


@pytest.mark.parametrize(
    "arguments",
    [
        {"images": np.zeros((3, 4, 4, 1), np.float32)},
        {"images": np.zeros((3, 4), np.uint8)},
        {"images": [np.zeros((3, 4, 4, 1), np.uint8), np.zeros((3, 5, 4, 1), np.uint8)]},
        {"images": np.zeros((3, 4, 4, 1), np.uint8), "parts": [0, 1]},
        {"images": np.zeros((3, 4, 4, 1), np.uint8), "labels": [0.5, 1, 2]},
    ],
)
def test_what_does_not_fit_is_said(arguments):
    with pytest.raises(DataError):
        find_duplicates(**arguments)


few = arrays(
    np.uint8, st.tuples(st.integers(0, 12), st.just(3), st.just(3), st.just(1)), elements=st.integers(0, 2)
)


@given(few, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_exact_copies_are_found_in_any_order(images, random):
    order = list(range(len(images)))
    random.shuffle(order)
    result = find_duplicates(images[order], near=False)
    for i in range(len(images)):
        for j in range(len(images)):
            same = np.array_equal(images[order[i]], images[order[j]])
            assert (result.families[i] == result.families[j]) == same
    assert (result.pairs[:, 0] < result.pairs[:, 1]).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=2)
def test_permuting_the_images_permutes_the_result(seed):
    rng = np.random.default_rng(seed)
    images = grey_levels(ndimage.gaussian_filter(rng.uniform(0, 255, (40, 12, 12)), (0, 1, 1)) * 2 - 127)
    images = np.concatenate(
        [images, grey_levels(images[:10] * 0.9 + rng.normal(0, 2, (10, 12, 12))), images[:3]]
    )
    order = rng.permutation(len(images))
    plain, mixed = find_duplicates(images), find_duplicates(images[order])
    assert (
        (plain.families[order][:, None] == plain.families[order])
        == (mixed.families[:, None] == mixed.families)
    ).all()
    near = [k for k, kind in enumerate(plain.kinds) if kind != "exact"]
    assert near
    assert plain.threshold == mixed.threshold
    again = find_duplicates(images)
    assert np.array_equal(again.pairs, plain.pairs)
    assert again.kinds == plain.kinds
    assert len({tuple(pair) for pair in plain.pairs.tolist()}) == len(plain)
    assert (plain.pairs[:, 0] < plain.pairs[:, 1]).all()


@pytest.mark.skipif(not SOAK, reason="70,000 images: set HANDLENS_SOAK=1")
@pytest.mark.skipif(
    not Path(os.environ.get("HANDLENS_DATA", "none")).is_dir(), reason="HANDLENS_DATA is not set"
)
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_seventy_thousand(name):
    data = handlens.load(name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    clean = find_duplicates([data.train.images, data.test.images])
    print(f"{name}: {time.process_time() - start:.0f} CPU s, {clean.counts}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1.5 * 2**20
    assert clean.has_duplicate.mean() <= 0.01
    copies, originals = plant(data.train.images[..., 0], 500)
    planted = np.concatenate(list(copies.values()))[..., None]
    result = find_duplicates([data.train.images, data.test.images, planted])
    found = recalls(result, copies, originals, 70_000)
    print(name, found)
    assert min(found.values()) >= 0.95, found
