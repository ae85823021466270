"""A real study, small: scikit-learn's digits, three kinds of model, three seeds each, trained here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from networks import train_networks
from pages import HOSTILE
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from handlens.data.images import Dataset, ImageSet
from handlens.data.split import split
from handlens.engines import Model
from handlens.evaluate import score
from handlens.records import Environment, Epoch, Run, Split, Timings, Trial
from handlens.studies.result import Member, Predictions, StudyResult, result

SEEDS = (11, 12, 13)
EPOCHS = 6


def digits_dataset(classes: tuple[str, ...] = tuple("0123456789"), **words: object) -> Dataset:
    digits = load_digits()
    images = np.clip(digits.images * 16, 0, 255).astype(np.uint8)[..., None]
    labels = digits.target.astype(np.int64)
    named: dict[str, object] = {
        "title": "Optical digits",
        "licence": "CC BY 4.0",
        "notes": ("The last 500 images are the test part.",),
    }
    return Dataset(
        "digits",
        ImageSet(images[:-500], labels[:-500], classes),
        ImageSet(images[-500:], labels[-500:], classes),
        **(named | words),  # type: ignore[arg-type]
    )


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / 255


def epochs_of(model: MLPClassifier, train: ImageSet, validation: ImageSet) -> tuple[Epoch, ...]:
    """Train by real passes over the images, scoring after each."""
    x, epochs, start = flat(train.images), [], time.perf_counter()
    for number in range(1, EPOCHS + 1):
        model.partial_fit(x, train.labels, classes=np.arange(10))
        seen = score(model.predict_proba(x), train.labels)
        held = score(model.predict_proba(flat(validation.images)), validation.labels)
        seconds = time.perf_counter() - start
        epochs.append(
            Epoch(
                number, seen.log_loss, seen.accuracy, seen.macro_f1,
                held.log_loss, held.accuracy, held.macro_f1, seconds,
            )
        )  # fmt: skip
    return tuple(epochs)


def train_run(
    name: str, make: Callable[[int], object], dataset: Dataset, seed: int
) -> tuple[Run, Predictions]:
    parts = split(dataset.train.labels, 0.15, 0)
    train, validation = dataset.train.take(parts.train), dataset.train.take(parts.validation)
    model, history, start, cpu = make(seed), (), time.perf_counter(), time.process_time()
    if isinstance(model, MLPClassifier):
        history = epochs_of(model, train, validation)
    else:
        model.fit(flat(train.images), train.labels)  # type: ignore[attr-defined]
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    begin = time.perf_counter()
    on_test = model.predict_proba(flat(dataset.test.images)).astype(np.float32)  # type: ignore[attr-defined]
    micros = 1e6 * (time.perf_counter() - begin) / len(dataset.test)
    on_validation = model.predict_proba(flat(validation.images)).astype(np.float32)  # type: ignore[attr-defined]
    weights = sum(w.size for w in model.coefs_) if history else None  # type: ignore[attr-defined]
    run = Run(
        trial=Trial(dataset.digest, Split(0.15, 0), {"estimator": name}, seed, "classic 1"),
        name=name,
        model=f"{type(model).__name__}()",
        engine="scratch" if history else "classic",
        dataset=dataset.name,
        classes=dataset.classes,
        input={},
        history=history,
        train_images=len(train),
        validation=score(on_validation, validation.labels),
        test=score(on_test, dataset.test.labels),
        timings=Timings(wall, cpu, micros, "CPU, 2 cores"),
        environment=Environment(
            {"handlens": "0.1.0", "numpy": np.__version__},
            "Linux",
            "a processor",
            2,
            "handlens run digits.toml",
        ),
        parameters=weights,
        epochs=len(history) or None,
        optimizer="Adam(0.01)" if history else "",
        model_bytes=4 * weights if weights else 12_345,
        created="2026-01-02T03:04:05+00:00",
        notes=dataset.notes,
    )
    return run, Predictions(parts.validation, on_validation, validation.labels, on_test, dataset.test.labels)


MODELS: dict[str, Callable[[int], object]] = {
    "guess": lambda seed: DummyClassifier(strategy="stratified", random_state=seed),
    "mlp": lambda seed: MLPClassifier((32,), learning_rate_init=0.01, random_state=seed),
    "logistic": lambda seed: LogisticRegression(C=0.01 * (1 + seed % 3), max_iter=300),
}


def train_study(dataset: Dataset) -> StudyResult:
    members = []
    for name, make in MODELS.items():
        runs, predictions = zip(*(train_run(name, make, dataset, seed) for seed in SEEDS), strict=True)
        members.append(Member(name, runs, predictions))
    return result("digits", "Which model for digits?", "handlens run studies/digits.toml", members)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return digits_dataset()


@pytest.fixture(scope="session")
def study(dataset: Dataset) -> StudyResult:
    return train_study(dataset)


@pytest.fixture(scope="session")
def hostile_dataset(dataset: Dataset) -> Dataset:
    parts = (replace(part, classes=HOSTILE) for part in (dataset.train, dataset.test))
    evil = "</title><script>alert(2)</script>"
    return Dataset("digits", *parts, title=evil, source=evil, licence=evil, notes=(evil,))


@pytest.fixture(scope="session")
def hostile_study(study: StudyResult) -> StudyResult:
    evil = "<img src=x onerror=alert(3)>"

    def renamed(member: Member) -> Member:
        runs = tuple(replace(r, name=member.name + evil, classes=HOSTILE, notes=(evil,)) for r in member.runs)
        return Member(member.name + evil, runs, member.predictions)

    return result("evil", evil, f"handlens run '{evil}'", [renamed(member) for member in study.members])


@pytest.fixture(scope="session")
def taught(dataset: Dataset, study: StudyResult) -> dict[str, tuple[Run, Model]]:
    """Networks from scratch with their records, by the names of `networks.LAYERS`."""
    return train_networks(dataset, study.members[0].runs[0])
