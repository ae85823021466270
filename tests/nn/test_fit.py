"""Training: updates, epochs, determinism, and what is refused."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from handlens.errors import HandlensError, SpecError
from handlens.nn import Network, layers
from handlens.nn.losses import MeanSquaredError, SoftmaxCrossEntropy
from handlens.nn.optimizers import SGD, Adam
from handlens.nn.products import row_cuts
from handlens.nn.schedules import CosineDecay
from handlens.nn.training import Epoch, fit


def problem(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images of three classes: a bright bar on the left, in the middle or on the right, and noise."""
    rng = np.random.default_rng(seed)
    images, labels = rng.integers(60, size=(n, 8, 9, 1), dtype=np.uint8), rng.integers(3, size=n)
    for image, label in zip(images, labels, strict=True):
        image[:, 3 * label : 3 * label + 3] += 100
    return images, labels


def dense(dtype: str = "float32", l2: float = 0.0, l1: float = 0.0) -> Network:
    stack = [layers.Flatten(), layers.Dense(12, "relu", l2=l2, l1=l1), layers.Dense(3)]
    return Network(stack, input_shape=(8, 9, 1), rng=np.random.default_rng(0), dtype=dtype)


def convolution(dropout: float = 0.3) -> Network:
    stack = [
        layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dropout(dropout), layers.Dense(3),
    ]  # fmt: skip
    return Network(stack, input_shape=(8, 9, 1), rng=np.random.default_rng(0))


def train(network: Network, **changes: object) -> tuple[Epoch, ...]:
    images, labels = problem()
    arguments: dict[str, object] = {
        "scale": 1 / 255, "optimizer": SGD(0.1), "epochs": 3, "batch_size": 32,
        "rng": np.random.default_rng(1), "threads": 1, **changes,
    }  # fmt: skip
    images, labels = arguments.pop("images", images), arguments.pop("labels", labels)
    return fit(network, images, labels, **arguments)


@pytest.mark.parametrize("build", [dense, convolution])
def test_training_learns(build) -> None:
    history = train(build(), epochs=12, optimizer=Adam(0.01), validation=problem(100, seed=9))
    assert [e.epoch for e in history] == list(range(1, 13))
    assert history[-1].loss < 0.3 * history[0].loss
    assert history[-1].validation_confusion is not None
    assert np.trace(history[-1].validation_confusion) >= 98
    assert all(e.confusion.sum() == 300 and e.validation_confusion.sum() == 100 for e in history)
    assert np.array_equal(history[0].confusion.sum(axis=1), np.bincount(problem()[1], minlength=3))
    assert all(e.seconds > 0 for e in history)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.01, 0.02)])
def test_one_step_is_the_gradient_written_out(reduction: str, l1: float, l2: float) -> None:
    images, labels = problem(6)
    network = dense("float64", l2=l2, l1=l1)
    w1, b1, w2, b2 = network.get_weights()
    x = images.reshape(6, -1) / 255
    hidden = np.maximum(x @ w1 + b1, 0)
    z = hidden @ w2 + b2
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dz = p - np.eye(3)[labels]
    dh = dz @ w2.T * (hidden > 0)
    share = 1 / 6 if reduction == "mean" else 1
    wanted = [
        w1 - 0.1 * (share * (x.T @ dh) + 2 * l2 * w1 + l1 * np.sign(w1)), b1 - 0.1 * share * dh.sum(axis=0),
        w2 - 0.1 * share * (hidden.T @ dz), b2 - 0.1 * share * dz.sum(axis=0),
    ]  # fmt: skip
    (epoch,) = train(network, images=images, labels=labels, epochs=1, batch_size=6, reduction=reduction)
    for got, want in zip(network.get_weights(), wanted, strict=True):
        assert np.allclose(got, want, rtol=1e-10, atol=1e-12)
    assert epoch.loss == pytest.approx(-np.log(p[range(6), labels]).mean())
    assert np.array_equal(epoch.confusion, np.histogram2d(labels, z.argmax(axis=1), [[0, 1, 2, 3]] * 2)[0])


def test_validation_loss_is_that_of_the_weights_after_the_epoch() -> None:
    network, (images, labels) = dense("float64"), problem(50, seed=4)
    (epoch,) = train(network, epochs=1, validation=(images, labels))
    p = network.predict_proba(images, scale=1 / 255)
    assert epoch.validation_loss == pytest.approx(-np.log(p[range(50), labels]).mean(), rel=1e-9)


@pytest.mark.parametrize("build", [dense, convolution])
def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads(build) -> None:
    states, losses = [], []
    for threads in (1, 2, 3):
        network = build()
        history = train(network, threads=threads, batch_size=150, optimizer=Adam(0.01))
        states.append(network.state())
        losses.append([e.loss for e in history])
    assert np.array_equal(states[0], states[1])
    assert np.array_equal(states[0], states[2])
    assert losses[0] == losses[1] == losses[2]


def test_wide_dense_layers_give_the_same_bits_with_any_number_of_threads() -> None:
    """Wide enough that their matrix products are cut; with an odd last batch and one of a single image."""
    states = []
    images, labels = problem(257)
    for threads in (1, 2, 3):
        stack = [layers.Flatten(), layers.Dense(700, "relu"), layers.Dense(333, "relu"), layers.Dense(3)]
        network = Network(stack, input_shape=(8, 9, 1), rng=np.random.default_rng(0))
        train(network, images=images, labels=labels, batch_size=128, threads=threads, epochs=1)
        states.append(network.state())
    assert len(row_cuts(700, 333, 128)) > 1
    assert np.array_equal(states[0], states[1])
    assert np.array_equal(states[0], states[2])


def test_a_process_pool_gives_the_same_bits() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(trained_state).result()
    assert np.array_equal(elsewhere, trained_state())


def trained_state() -> np.ndarray:
    network = convolution()
    train(network, threads=2)
    return network.state()


def test_another_seed_gives_other_weights() -> None:
    first, second = convolution(), convolution()
    train(first)
    train(second, rng=np.random.default_rng(2))
    assert not np.array_equal(first.state(), second.state())


def test_large_batches_are_cut_into_at_most_eight_pieces() -> None:
    images, labels = problem(1100)
    whole, cut = convolution(0), convolution(0)
    train(cut, images=images, labels=labels, batch_size=1100, epochs=2)
    for _ in range(2):  # the same two steps, from all images at once
        gradient = np.zeros_like(whole.parameters)
        for start in range(0, 1100, 100):
            piece = convolution(0)
            piece.restore(whole.state())
            part = slice(start, start + 100)
            train(piece, images=images[part], labels=labels[part], batch_size=100, epochs=1, reduction="sum",
                  optimizer=SGD(1.0))  # fmt: skip
            gradient += whole.parameters - piece.parameters
        whole.parameters -= 0.1 * gradient / 1100
    assert np.allclose(whole.parameters, cut.parameters, atol=2e-5)


def test_a_smaller_last_batch_counts_by_its_own_size() -> None:
    images, labels = problem(5)
    network, by_hand = dense("float64"), dense("float64")
    train(network, images=images, labels=labels, epochs=1, batch_size=3)
    order = np.random.default_rng([int(np.random.default_rng(1).integers(2**63)), 1]).permutation(5)
    for part in (order[:3], order[3:]):
        train(by_hand, images=images[part], labels=labels[part], epochs=1, batch_size=3)
    assert np.allclose(network.parameters, by_hand.parameters, rtol=1e-9)


def test_clipping_shortens_the_gradient() -> None:
    network = dense("float64")
    before = network.state()
    train(network, epochs=1, batch_size=300, optimizer=SGD(1.0), clip_norm=0.01)
    assert np.linalg.norm(network.state() - before) == pytest.approx(0.01)
    free, loose = dense("float64"), dense("float64")
    train(free)
    train(loose, clip_norm=1e6)
    assert np.array_equal(free.state(), loose.state())


def test_the_average_is_seen_and_the_weights_train_on() -> None:
    plain, averaged = dense("float64"), dense("float64")
    steps: list[np.ndarray] = []
    train(plain, epochs=4, batch_size=300, on_epoch=lambda _: steps.append(plain.state()))
    seen: list[np.ndarray] = []
    validation = problem(40, seed=3)
    history = train(averaged, epochs=4, batch_size=300, ema=0.6, validation=validation,
                    on_epoch=lambda _: seen.append(averaged.state()))  # fmt: skip
    wanted = steps[0]
    for epoch, weights in enumerate(steps):
        wanted = wanted if epoch == 0 else 0.6 * wanted + 0.4 * weights
        assert np.allclose(seen[epoch], wanted, rtol=1e-12)
    assert np.array_equal(averaged.state(), seen[-1])
    p = averaged.predict_proba(validation[0], scale=1 / 255)
    assert history[-1].validation_loss == pytest.approx(-np.log(p[range(40), validation[1]]).mean())


def test_the_schedule_sets_the_learning_rate() -> None:
    history = train(dense(), schedule=CosineDecay(), epochs=4, batch_size=300)
    assert [e.learning_rate for e in history] == pytest.approx([0.1, 0.0853553, 0.05, 0.0146447], rel=1e-5)


def test_on_epoch_may_stop_the_training() -> None:
    seen: list[Epoch] = []

    def stop_after_two(epoch: Epoch) -> bool:
        seen.append(epoch)
        return len(seen) == 2

    assert len(train(dense(), epochs=9, on_epoch=stop_after_two)) == 2
    assert [e.epoch for e in seen] == [1, 2]


def test_other_losses_train_too() -> None:
    assert train(dense(), loss=MeanSquaredError(), epochs=8)[-1].loss < 0.15
    history = train(dense(), loss=SoftmaxCrossEntropy(0.1, (1.0, 2.0, 1.0)), epochs=8)
    assert history[-1].loss < history[0].loss


def test_batch_normalization_moves_once_a_batch_with_whole_batch_statistics() -> None:
    stack = [layers.Flatten(), layers.BatchNormalization(momentum=0.9), layers.Dense(3)]
    network = Network(stack, input_shape=(8, 9, 1), rng=np.random.default_rng(0), dtype="float64")
    images, _ = problem()
    train(network, epochs=1, batch_size=300)
    x = images.reshape(300, -1) / 255
    assert np.allclose(network.statistics[:72], 0.1 * x.mean(axis=0))
    assert np.allclose(network.statistics[72:], 0.9 + 0.1 * x.var(axis=0))


def test_a_loss_that_explodes_is_named() -> None:
    with pytest.raises(HandlensError) as caught:
        train(dense(), optimizer=SGD(1e30), epochs=5)
    message = str(caught.value)
    assert "epoch 1" in message
    assert "1e+30" in message
    assert "\n" not in message


def test_images_that_are_not_numbers_are_named() -> None:
    images = problem()[0].astype(np.float32)
    images[7, 0, 0, 0] = np.nan
    with pytest.raises(HandlensError, match="the loss is not finite"):
        train(dense(), images=images)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": np.full(300, 3)}, "0 to 2"),
        ({"labels": np.full(300, -1)}, "-1"),
        ({"labels": np.zeros(299, np.int64)}, "299"),
        ({"labels": np.zeros(300)}, "integers"),
        ({"images": np.zeros((300, 9, 8, 1), np.uint8)}, "training"),
        ({"images": np.zeros((0, 8, 9, 1), np.uint8), "labels": np.zeros(0, np.int64)}, "no images"),
        ({"validation": (np.zeros((2, 8, 9, 1), np.uint8), np.array([0, 3]))}, "validation"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 32.0}, "batch_size"),
        ({"threads": 0}, "threads"),
        ({"clip_norm": 0.0}, "clip_norm"),
        ({"ema": 1.0}, "ema"),
        ({"reduction": "max"}, "reduction"),
        ({"loss": SoftmaxCrossEntropy(class_weights=(1.0,))}, "class_weights"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        train(dense(), **changes)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_training_leaves_the_images_alone_and_takes_mapped_ones(tmp_path) -> None:
    images, labels = problem()
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    first, second = dense(), dense()
    train(first, images=mapped, labels=labels)
    train(second)
    assert np.array_equal(first.state(), second.state())
