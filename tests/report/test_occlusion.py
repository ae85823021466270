from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlens.report.insides import lit, overlay, signed, strongest
from handlens.report.occlusion import occlusion


def watcher(top: int, left: int, side: int, weight: float = 1.0):
    """A model that looks at one square alone: class 1 is as likely as the square is bright."""

    def predict_proba(images: np.ndarray) -> np.ndarray:
        seen = images[:, top : top + side, left : left + side].mean(axis=(1, 2, 3)) / 255
        share = 0.5 + weight * (seen - 0.5)
        return np.stack([1 - share, share], axis=1)

    return predict_proba


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 24), st.integers(0, 36), st.sampled_from([1, 3]))
def test_a_planted_feature_is_found(top: int, left: int, channels: int) -> None:
    image = np.full((28, 40, channels), 255, np.uint8)
    found = occlusion(watcher(top, left, 4), image, 1, grey=0)
    row, column = found.worst
    assert row <= top
    assert top + 4 <= row + found.patch[0]
    assert column <= left
    assert left + 4 <= column + found.patch[1]
    assert found.drops.max() == pytest.approx(1.0)  # from 1 to 0
    inside = found.map[top : top + 4, left : left + 4]
    away = np.ones((28, 40), bool)
    away[max(0, top - 6) : top + 10, max(0, left - 9) : left + 13] = False
    assert inside.min() > 0.3
    assert (found.map[away] == 0).all()
    colours = overlay(image, found)[top : top + 4, left : left + 4].astype(int)
    assert (colours[..., 0] > colours[..., 2]).all()  # orange


def test_the_map_is_a_mean_over_the_patches() -> None:
    """Where every patch takes the same, so does every pixel, however often it was covered."""

    def predict_proba(images: np.ndarray) -> np.ndarray:
        share = np.where((images == 0).any(axis=(1, 2, 3)), 0.25, 0.75)
        return np.stack([1 - share, share], axis=1)

    found = occlusion(predict_proba, np.full((20, 13, 1), 255, np.uint8), 1, grey=0)
    np.testing.assert_allclose(found.map, 0.5)


def test_what_speaks_against_the_class_is_blue() -> None:
    image = np.full((12, 8, 1), 255, np.uint8)
    found = occlusion(watcher(4, 2, 2, weight=-1.0), image, 1, grey=0)
    assert found.drops.min() == pytest.approx(-1.0)
    colour = overlay(image, found)[4, 2].astype(int)
    assert colour[2] > colour[0]


def test_a_cover_of_the_same_grey_hides_nothing() -> None:
    image = np.full((9, 9, 1), 77, np.uint8)
    found = occlusion(watcher(2, 2, 3), image, 0, grey=77)
    assert (found.drops == 0).all()
    assert np.ptp(overlay(image, found)) == 0


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 70), st.integers(1, 70))
def test_every_pixel_is_covered_and_the_image_stays(height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height, width, 1), dtype=np.uint8)
    before, calls = image.copy(), []

    def predict_proba(images: np.ndarray) -> np.ndarray:
        calls.append(len(images))
        return np.full((len(images), 2), 0.5)

    found = occlusion(predict_proba, image, 1, grey=9)
    assert np.isfinite(found.map).all()
    assert found.map.shape == (height, width)
    assert found.places.min() == 0
    assert tuple(found.places[-1, -1] + found.patch) == (height, width)
    assert calls[1] == found.drops.size <= 900
    np.testing.assert_array_equal(image, before)


def test_numbers_as_colours() -> None:
    values = np.array([-2.0, 0.0, 1.0, 2.0]).reshape(4, 1, 1, 1)
    orange, white, pale, blue = signed(values)[:, 0, 0].astype(int)
    assert tuple(white) == (255, 255, 255)
    assert orange[0] > orange[2]
    assert blue[2] > blue[0]
    np.testing.assert_allclose(pale, (255 + blue) / 2, atol=1)
    assert lit(np.maximum(values, 0)).ravel().tolist() == [0, 0, 128, 255]
    assert signed(np.zeros((1, 2, 2, 3))).tolist() == np.full((1, 2, 2, 3), 255).tolist()


def test_the_strongest_are_shown_in_their_order() -> None:
    answers = np.zeros(100)
    answers[[90, 3, 50]] = [5, -7, 1]
    assert {3, 50, 90} <= set(strongest(answers))
    assert strongest(answers) == sorted(strongest(answers))
    assert len(strongest(answers)) == 24
