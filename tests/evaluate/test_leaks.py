"""Near duplicates: planted copies are found, strangers are not, and what was done is said."""

import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest
from planted_copies import affine, grey_levels, plant, recalls
from scipy import ndimage

import handlens
from handlens.evaluate.leaks import KINDS, MEANING, find_duplicates

SOAK = bool(os.environ.get("HANDLENS_SOAK"))


@pytest.fixture(scope="module")
def digits():
    return handlens.load("mnist-5k").train.images[::4][:1000]


@pytest.fixture(scope="module")
def planted(digits):
    copies, originals = plant(digits[..., 0], 40)
    test = np.concatenate(list(copies.values()))[..., None]
    return find_duplicates([digits, test]), copies, originals


def test_planted_copies_of_eight_kinds_are_found(planted, digits):
    result, copies, originals = planted
    found = recalls(result, copies, originals, len(digits))
    assert min(found.values()) >= 0.95, found  # every kind, of 40 each


def test_a_leak_is_a_test_image_with_a_family_in_training(planted, digits):
    result, _, _ = planted
    leaked = result.leaked(part=1, into=0)
    assert not leaked[: len(digits)].any()
    assert leaked.sum() >= 0.95 * 320
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


def test_families_of_augmented_copies_hang_together(digits):
    rng = np.random.default_rng(3)
    family = [grey_levels(affine(digits[5, :, :, 0], *a))[..., None] for a in rng.uniform(-5, 5, (12, 1))]
    result = find_duplicates(np.concatenate([digits[:300], family]))
    assert len(set(result.families[[5, *range(300, 312)]])) == 1
    assert result.sizes.max() == 13


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
    seconds = time.process_time() - start
    print(f"{name}: {seconds:.0f} CPU s, {clean.counts}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1.5 * 2**20
    assert clean.has_duplicate.mean() <= 0.01
    copies, originals = plant(data.train.images[..., 0], 500, seed=3)
    planted = np.concatenate(list(copies.values()))[..., None]
    result = find_duplicates([data.train.images, data.test.images, planted])
    found = recalls(result, copies, originals, 70_000)
    print(name, found)
    assert min(found.values()) >= 0.95, found
