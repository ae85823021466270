"""Augmentation inside a program: as in the engine from scratch, drawn by the key, sized by traced numbers."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest

from handlens import nn
from handlens.engines import engine
from handlens.engines.keras.augment import FIELDS, augmentation, sample
from handlens.engines.keras.libraries import jax
from handlens.spec import Augmentation, from_dict

MOVES = {"crop": 3, "shift": 3.0, "rotate": 20.0, "zoom": 0.2, "shear": 15.0, "elastic": 1.0}
AMOUNTS = MOVES | {"flip": 0.5, "erase": 0.7, "noise": 9.0, "mixup": 0.4}
SIDE, N = 25, 1500
LIKELY = 1e-3  # equal distributions fall below once in a thousand; the seeds are fixed


def numbers(described: Augmentation) -> np.ndarray:
    return np.array(dataclasses.astuple(described), np.float32)


@functools.cache
def compiled(described: Augmentation) -> Any:
    return jax.jit(augmentation(described))


def changed(described: Augmentation, images: np.ndarray, seed: int = 0) -> tuple[np.ndarray, Any, Any]:
    made = compiled(described)(images, numbers(described), jax.random.key(seed))
    return tuple(None if part is None else np.asarray(part) for part in made)


def by_nn(described: Augmentation, images: np.ndarray, seed: int = 1) -> np.ndarray:
    return _nn(described).images(images, np.random.default_rng(seed))


def _nn(described: Augmentation) -> nn.Augmentation:
    return nn.Augmentation(*dataclasses.astuple(described))


def pictures(n: int = 6, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, size=(n, 9, 8, channels)).astype(np.float32)


def places(n: int) -> np.ndarray:
    """Images whose two channels hold each pixel's row and column: read anywhere, they say where."""
    rows, columns = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    return np.repeat(np.stack([rows, columns], axis=-1)[None], n, axis=0).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3])
def test_reads_between_pixels_as_the_engine_from_scratch_does(channels: int) -> None:
    rng, images = np.random.default_rng(1), pictures(channels=channels)
    rows, columns = rng.uniform(-3, 11, (2, *images.shape[:3])).astype(np.float32)
    rows[:, 0], columns[0] = np.round(rows[:, 0]), np.round(columns[0])  # some on pixels
    rows[1], columns[2] = 1e6, -1e6
    found = np.asarray(sample(images, rows, columns))
    assert found.shape == images.shape
    assert found.dtype == np.float32
    assert np.allclose(found, nn.augment.sample(images, rows, columns), atol=1e-3)


@pytest.mark.parametrize("names", [*([name] for name in MOVES), list(MOVES)], ids="+".join)
def test_pixels_come_from_where_the_engine_from_scratch_takes_them(names: list[str]) -> None:
    described = Augmentation(**{name: MOVES[name] for name in names})
    ours, theirs = changed(described, places(N))[0], by_nn(described, places(N))
    for row, column in ((12, 12), (15, 10), (9, 14)):  # the sources lie inside the image
        for axis in (0, 1):
            a, b = ours[:, row, column, axis], theirs[:, row, column, axis]
            if b.std() < 1e-4:
                assert np.allclose(a, b[0], atol=1e-4)
            else:
                assert ks_2samp(a, b).pvalue > LIKELY, (row, column, axis)
                assert a.std() == pytest.approx(b.std(), rel=0.1)


def matrices(made: np.ndarray) -> np.ndarray:
    """The linear map [n, 2, 2] from pixels to their sources, both seen from the centre."""
    return np.stack([made[:, 15, 12] - made[:, 12, 12], made[:, 12, 15] - made[:, 12, 12]], axis=-1) / 3


def test_turning_keeps_lengths_and_angles() -> None:
    turned = matrices(changed(Augmentation(rotate=40.0), places(100))[0])
    assert np.allclose(turned @ turned.transpose(0, 2, 1), np.eye(2), atol=1e-4)
    assert np.allclose(np.linalg.det(turned), 1, atol=1e-4)


def test_turn_zoom_and_shear_come_together_as_in_the_engine_from_scratch() -> None:
    described = Augmentation(**{name: MOVES[name] for name in ("rotate", "zoom", "shear", "shift")})
    ours, theirs = matrices(changed(described, places(N))[0]), matrices(by_nn(described, places(N)))
    for of in (np.linalg.det, lambda m: m[:, 0] @ [1, 1], lambda m: m[:, 1] @ [1, 1]):
        assert ks_2samp(of(ours), of(theirs)).pvalue > LIKELY
    for axis in (1, 2):  # the lengths of columns, then of rows: shear comes before the turn
        a, b = (np.linalg.norm(m, axis=axis) for m in (ours, theirs))
        assert all(ks_2samp(a[:, i], b[:, i]).pvalue > LIKELY for i in (0, 1))


def test_shifts_are_uniform_both_ways_and_independent() -> None:
    moved = changed(Augmentation(shift=3.0), places(N))[0][:, 12, 12] - 12
    for axis in (0, 1):
        assert kstest(moved[:, axis], "uniform", (-3, 6)).pvalue > LIKELY
    assert abs(np.corrcoef(moved.T)[0, 1]) < 4 / np.sqrt(N)


@pytest.mark.parametrize("reach", [0.5, 4.0])
def test_neighbours_move_together_as_far_as_is_said(reach: float) -> None:
    described = Augmentation(elastic=0.8, elastic_reach=reach)
    ours, theirs = (
        made[:, :, :, 0] for made in (changed(described, places(N))[0], by_nn(described, places(N)))
    )
    for away in (1, 3, 6):
        a, b = (np.corrcoef(made[:, 9, 9], made[:, 9, 9 + away])[0, 1] for made in (ours, theirs))
        assert a == pytest.approx(b, abs=0.1)


def test_flipping_mirrors_the_asked_share_of_images() -> None:
    images = pictures(N)
    made = changed(Augmentation(flip=0.3), images)[0]
    mirrored = (made == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (mirrored ^ (made == images).all(axis=(1, 2, 3))).all()
    assert mirrored.mean() == pytest.approx(0.3, abs=0.04)
    assert (changed(Augmentation(flip=1.0), images)[0] == images[:, :, ::-1]).all()


def rectangles(made: np.ndarray) -> np.ndarray:
    """Height, width, top and left of each erased rectangle [m, 4]."""
    found = []
    for gone in (made[..., 0] == 0)[(made[..., 0] == 0).any(axis=(1, 2))]:
        rows, columns = np.flatnonzero(gone.any(axis=1)), np.flatnonzero(gone.any(axis=0))
        assert gone.sum() == len(rows) * len(columns)
        found.append((len(rows), len(columns), rows[0], columns[0]))
    return np.array(found)


def test_erased_rectangles_are_those_of_the_engine_from_scratch() -> None:
    described, images = Augmentation(erase=0.7), pictures(N)
    made = changed(described, images)[0]
    ours, theirs = rectangles(made), rectangles(by_nn(described, images))
    assert len(ours) / N == pytest.approx(0.7, abs=0.04)
    assert (ours.max(axis=0) == theirs.max(axis=0)).all()
    assert (ours.min(axis=0) == theirs.min(axis=0)).all()
    for column in range(4):
        assert ks_2samp(ours[:, column], theirs[:, column]).pvalue > LIKELY
    assert abs(np.corrcoef(ours[:, 0], ours[:, 1])[0, 1]) < 4 / np.sqrt(len(ours))
    kept = made != 0
    assert (made[kept] == images[kept]).all()


def test_noise_is_normal_with_the_deviation_asked_for() -> None:
    images = pictures(200)
    noise = changed(Augmentation(noise=5.0), images)[0] - images
    assert kstest(noise.ravel()[:5000] / 5, "norm").pvalue > LIKELY
    assert noise.std() == pytest.approx(5, rel=0.02)


@pytest.mark.parametrize("mixup", [0.1, 2.0])
def test_images_keep_the_larger_share_and_have_partners(mixup: float) -> None:
    described = Augmentation(mixup=mixup)
    images, kept, partner = changed(described, np.zeros((N, 1, 1, 1), np.float32))
    assert (images == 0).all()
    theirs = _nn(described).mix(N, np.random.default_rng(1))
    assert theirs is not None
    assert kept.min() >= 0.5
    assert kept.max() <= 1
    assert ks_2samp(kept.round(5), theirs[0].round(5)).pvalue > LIKELY  # in single precision some are just 1
    assert partner.dtype == np.int32
    assert (np.sort(partner) == np.arange(N)).all()
    assert (partner != np.arange(N)).mean() > 0.9


@pytest.mark.parametrize("name", AMOUNTS)
def test_each_change_alone_is_decided_by_the_key(name: str) -> None:
    described, images = Augmentation(**{name: AMOUNTS[name]}), pictures()
    first, again, other = (changed(described, images, seed) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a, b) if b is not None else a is None
    moved = first[1:] if name == "mixup" else first[:1]
    for a, b in zip(moved, other[1:] if name == "mixup" else other[:1], strict=True):
        assert not np.array_equal(a, b)
    assert first[0].shape == images.shape
    assert first[0].dtype == np.float32
    assert np.array_equal(first[0], images) == (name == "mixup")
    assert (first[1] is None) == (name != "mixup") == (first[2] is None)


def test_nothing_asked_for_changes_nothing_whatever_the_numbers_say() -> None:
    images = pictures()
    made = augmentation(Augmentation())(images, np.ones(len(FIELDS), np.float32), jax.random.key(0))
    assert made[0] is images
    assert made[1:] == (None, None)


def test_what_one_change_draws_does_not_depend_on_the_others() -> None:
    images = np.zeros((5, 6, 7, 1), np.float32)
    alone = changed(Augmentation(noise=3.0), images)[0]
    together = changed(Augmentation(noise=3.0, flip=0.5, shift=2.0, mixup=0.2), images)[0]
    assert np.array_equal(alone, together)


def test_trainings_with_other_sizes_share_a_program() -> None:
    described = Augmentation(**AMOUNTS)
    sizes = np.stack([numbers(described) * factor for factor in (1.0, 0.5, 1.4)])
    keys, images = jax.random.split(jax.random.key(3), 3), pictures()
    stacked = jax.jit(jax.vmap(augmentation(described), in_axes=(None, 0, 0)))(images, sizes, keys)
    for i in range(3):
        for whole, part in zip(stacked, compiled(described)(images, sizes[i], keys[i]), strict=True):
            assert np.allclose(whole[i], part, rtol=1e-5, atol=1e-3)
    assert not np.allclose(stacked[0][0], stacked[0][1])


@pytest.mark.parametrize(
    "text",
    ["Augmentation(shift=0.5)", "Augmentation(shift=0.5, rotate=5, elastic=0.2, noise=4, mixup=0.2)"],
)
def test_a_network_learns_from_changed_images(text: str, digits: Any) -> None:
    train, validation, _ = digits
    table = {
        "name": "a",
        "layers": ["Flatten()", "Dense(32, activation='relu')"],
        "epochs": 8,
        "batch_size": 32,
    }
    recipe = from_dict(table | {"engine": "keras", "optimizer": "Adam(0.01)", "augment": text})
    model = engine("keras").fit(recipe, train.take(range(300)), validation, 0)
    losses = [epoch.loss for epoch in model.history]
    assert losses[-1] < 0.7 * losses[0]
    assert model.history[-1].validation_accuracy > 0.7
