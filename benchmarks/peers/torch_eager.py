"""PyTorch, eager: tensors in memory, batches by index, as a fast hand-written loop does it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.work import BATCH, SMALL_BATCH, THREADS, floats, mnist

Step = Callable[[], Any]
torch.set_num_threads(THREADS)


def version() -> str:
    return f"PyTorch {torch.__version__}"


def network() -> nn.Sequential:
    """LeNet as in lab E."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def lenet() -> Step:
    model = network()
    return _epochs(model, torch.optim.Adam(model.parameters(), 1e-3), BATCH)


def dense_network() -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 300), nn.ReLU(), nn.Linear(300, 10)
    )


def small_batches() -> Step:
    model = dense_network()
    return _epochs(model, torch.optim.Adam(model.parameters(), 1e-3), SMALL_BATCH)


def dense() -> Step:
    model = dense_network()
    return _epochs(model, torch.optim.SGD(model.parameters(), 0.1), BATCH)


def fast() -> Step:
    """24@5x5, pool, 32@3x3, pool, 256; one epoch of one-cycle Adam 0.01 (0.7, 0.9), batch 256."""
    x, y, _, _ = tensors()
    seeds = itertools.count()

    def step() -> nn.Module:
        torch.manual_seed(next(seeds))
        model = nn.Sequential(
            nn.Conv2d(1, 24, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(24, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(800, 256), nn.ReLU(), nn.Linear(256, 10),
        )  # fmt: skip
        optimizer = torch.optim.Adam(model.parameters(), 0.01, betas=(0.7, 0.9))
        steps = -(-len(x) // 256)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, 0.01, total_steps=steps, cycle_momentum=False
        )
        epoch(model, optimizer, x, y, 256, schedule)
        return model

    return step


def predict() -> Step:
    model = network().eval()
    images = tensors()[2]

    def step() -> None:
        with torch.inference_mode():
            for start in range(0, len(images), 500):
                torch.softmax(model(images[start : start + 500]), 1)

    return step


def test_accuracy(model: nn.Module) -> dict[str, Any]:
    """Of the model that a step of `fast` trained."""
    _, _, images, labels = tensors()
    with torch.inference_mode():
        return {"test_accuracy": float((model(images).argmax(1) == labels).float().mean())}


def tensors() -> tuple[torch.Tensor, ...]:
    """Training images float32 [n, 1, 28, 28] and labels, test images and labels."""
    train, labels, test, test_labels = mnist()
    return (
        torch.from_numpy(floats(train)).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(labels.copy()),
        torch.from_numpy(floats(test)).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(test_labels.copy()),
    )


def epoch(
    model: nn.Module, optimizer: Any, x: torch.Tensor, y: torch.Tensor, batch: int, schedule: Any = None
) -> float:
    """One pass in random order; the last batch's loss."""
    loss_of = nn.CrossEntropyLoss()
    order = torch.randperm(len(x))
    for start in range(0, len(x), batch):
        index = order[start : start + batch]
        optimizer.zero_grad()
        loss = loss_of(model(x[index]), y[index])
        loss.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
    return float(loss)


def _epochs(model: nn.Module, optimizer: Any, batch: int) -> Step:
    x, y, _, _ = tensors()
    return lambda: epoch(model, optimizer, x, y, batch)


CHECKS = {"fast": test_accuracy}
WORKS = {"lenet": lenet, "dense": dense, "small-batches": small_batches, "fast": fast, "predict": predict}
