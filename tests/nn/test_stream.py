"""Large image sets: blocks in a drawn order, mixed; the result depends on the arguments alone."""

import mmap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlens.nn import Network, inference, layers, stream
from handlens.nn.optimizers import Adam
from handlens.nn.training import fit

SHAPE = (6, 6, 1)


class Some:
    """Every image but some of an array, as another room may hand them over: no array, but read like one."""

    def __init__(self, images, indices):
        self.images, self.indices = images, indices
        self.shape, self.dtype, self.ndim = (len(indices), *images.shape[1:]), images.dtype, images.ndim
        self.reach = images.nbytes // len(indices)

    def __len__(self):
        return len(self.indices)

    def take(self, indices, axis=0, out=None, mode="raise"):
        return np.take(self.images, self.indices[indices], axis=axis, out=out, mode=mode)

    def span(self, start, stop):
        chosen = self.indices[start:stop]
        return (self.images, chosen.min(), chosen.max() + 1) if len(chosen) else (self.images, 0, 0)


@pytest.fixture
def _small(monkeypatch):
    """Sets of more than 3,000 bytes are large; blocks of 5 images, four of them mixed."""
    monkeypatch.setattr(stream, "LARGE", 3000)
    monkeypatch.setattr(stream, "BLOCK", 5 * 36 + 9)
    monkeypatch.setattr(stream, "MIXED", 4)


def problem(n=300):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(90, size=(n, *SHAPE), dtype=np.uint8), rng.integers(3, size=n)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label : 2 * label + 2] += 100
    return images, labels


def order(images, seed=0):
    return stream.Stream(images).order(np.random.default_rng(seed))


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(1, 400), st.integers(1, 12), st.integers(1, 9), st.integers(0, 99))
def test_every_image_comes_once_and_mixtures_are_whole_blocks(n, block, mixed, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "LARGE", 0)
        patch.setattr(stream, "BLOCK", block * 4)
        patch.setattr(stream, "MIXED", mixed)
        found = order(np.empty((n, 2, 2, 1), np.uint8), seed)
    np.testing.assert_array_equal(np.sort(found), np.arange(n))
    if n % block == 0:
        for start in range(0, n, mixed * block):
            mixture = found[start : start + mixed * block] // block
            assert set(np.bincount(mixture)) <= {0, block}


@pytest.mark.usefixtures("_small")
def test_orders_differ_between_seeds_and_mix_several_blocks():
    images, _ = problem()
    first, same, other = order(images, 1), order(images, 1), order(images, 2)
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert len(set(first[:20] // 5)) == 4
    assert len(set(first[:5] // 5)) > 1, "neighbours in the order are not neighbours in the file"
    assert set(first[:20]) != set(other[:20])


def test_the_order_of_small_sets_is_any_order():
    images, _ = problem()
    np.testing.assert_array_equal(order(images, 5), np.random.default_rng(5).permutation(300))


@pytest.mark.usefixtures("_small")
def test_only_the_size_decides():
    """83 images are 2,988 bytes, 84 are 3,024."""
    images, _ = problem()
    for n, large in ((83, False), (84, True)):
        whole = np.random.default_rng(5).permutation(n)
        assert np.array_equal(order(images[:n].copy(), 5), whole) != large
        some = Some(images, np.arange(n))
        np.testing.assert_array_equal(order(some, 5), order(images[:n].copy(), 5))


def trained(images, labels, threads=1, cut=True):
    first = [layers.Conv2D(3, 3, activation="relu")] if cut else []
    stack = [*first, layers.Flatten(), layers.Dropout(0.2), layers.Dense(3)]
    network = Network(stack, input_shape=SHAPE, rng=np.random.default_rng(0))
    history = fit(
        network, images, labels, scale=1 / 255, optimizer=Adam(0.02), epochs=3, batch_size=130,
        threads=threads, rng=np.random.default_rng(1), validation=(images, labels),
    )  # fmt: skip
    return network, history


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("cut", [True, False])
def test_threads_and_where_the_images_lie_change_no_bit(cut, tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "SPAN", 2000)
    images, labels = problem()
    np.save(tmp_path / "images.npy", np.repeat(images, 2, axis=0))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    np.save(tmp_path / "alone.npy", images)
    alone = np.load(tmp_path / "alone.npy", mmap_mode="r")
    network, history = trained(images, labels, cut=cut)
    assert history[-1].loss < 0.8 * history[0].loss
    for given_images in (images, alone, Some(mapped, np.arange(0, 600, 2))):
        for threads in (1, 2, 3):
            other, again = trained(given_images, labels, threads, cut)
            np.testing.assert_array_equal(other.state(), network.state())
            assert [e.loss for e in again] == [e.loss for e in history]
            assert [e.validation_loss for e in again] == [e.validation_loss for e in history]


@pytest.mark.usefixtures("_small")
def test_rows_stream_as_images_do():
    images, labels = problem()
    states = []
    for given_images in (images, images.reshape(300, 36), Some(images, np.arange(300))):
        stack = [layers.Dense(4, "relu"), layers.Dense(3)]
        network = Network(stack, input_shape=(36,), rng=np.random.default_rng(0))
        fit(network, given_images, labels, optimizer=Adam(), epochs=2, batch_size=32,
            rng=np.random.default_rng(1), scale=1 / 255)  # fmt: skip
        states.append(network.state())
    np.testing.assert_array_equal(states[0], states[1])
    np.testing.assert_array_equal(states[0], states[2])


def test_a_mapped_file_is_never_in_memory_as_a_whole(tmp_path, monkeypatch):
    status = Path("/proc/self/status")
    if not status.exists() or not hasattr(mmap, "MADV_DONTNEED"):
        pytest.skip("needs Linux, to see resident memory")

    def resident_mb():
        return next(int(x.split()[1]) for x in status.read_text().splitlines() if "VmRSS" in x) / 1024

    monkeypatch.setattr(stream, "LARGE", 2**20)
    monkeypatch.setattr(stream, "MIXED", 4)
    monkeypatch.setattr(inference, "SPAN", 4 * 2**20)
    labels = np.arange(24576) % 3
    pixels = np.repeat(labels.astype(np.uint8), 64 * 64).reshape(-1, 64, 64, 1)  # 96 MB
    np.save(tmp_path / "images.npy", pixels)
    del pixels
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    stack = [layers.Flatten(), layers.Dense(3)]
    network = Network(stack, input_shape=(64, 64, 1), rng=np.random.default_rng(0))
    seen = []
    real_take = inference.Feed.take

    def take(self, indices):
        taken = real_take(self, indices)
        seen.append(resident_mb())
        return taken

    monkeypatch.setattr(inference.Feed, "take", take)
    before = resident_mb()
    arguments = {"optimizer": Adam(), "epochs": 1, "batch_size": 512, "threads": 1, "scale": 1 / 255}
    fit(network, images, labels, rng=np.random.default_rng(0), **arguments)
    network.predict_proba(images)
    assert len(seen) == 96
    assert max(seen) - before < 64
    monkeypatch.setattr("handlens.nn.inference.release", lambda _images: None)
    network.predict_proba(images)
    assert max(seen) - before > 90, "this test needs pages that stay unless they are given back"
