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
from handlens.records import Environment, Epoch, Look, Run, Split, Timings, Trial
from handlens.studies.storage.result import (
    Looks,
    Member,
    Predictions,
    StudyResult,
    Tested,
    chosen_of_each,
    result,
)

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
) -> tuple[Run, Predictions, Tested]:
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
    said = Predictions(parts.validation, on_validation, validation.labels)
    return run, said, tested(dataset, name, on_test)


def tested(dataset: Dataset, configuration: str, said: np.ndarray) -> Tested:
    scores = score(said, dataset.test.labels)
    look = Look(dataset.test.digest(), configuration, scores, "2026-01-02T03:04:05+00:00")
    return Tested(look, said, dataset.test.labels)


MODELS: dict[str, Callable[[int], object]] = {
    "guess": lambda seed: DummyClassifier(strategy="stratified", random_state=seed),
    "mlp": lambda seed: MLPClassifier((32,), learning_rate_init=0.01, random_state=seed),
    "logistic": lambda seed: LogisticRegression(C=0.01 * (1 + seed % 3), max_iter=300),
}


def train_study(dataset: Dataset) -> StudyResult:
    members = []
    for name, make in MODELS.items():
        runs, said, tests = zip(*(train_run(name, make, dataset, seed) for seed in SEEDS), strict=True)
        members.append(Member(name, runs, said, tests, name))
    command = "handlens run studies/digits.toml"
    return result("digits", "Which model for digits?", command, members, looks=Looks(9, 3))


SWEPT = {"mlp": 36, "logistic": 3, "guess": 1}


def sweep_study(study: StudyResult, dataset: Dataset, *, opened: str = "final") -> StudyResult:
    """Forty configurations: each member's predictions, drawn a bit further to chance from one to the next."""
    rng = np.random.default_rng(0)

    def blurred(said: np.ndarray, share: float) -> np.ndarray:
        chance = rng.dirichlet(np.ones(said.shape[1]), len(said))
        return ((1 - share) * said + share * chance).astype(np.float32)

    def configuration(member: Member, i: int, name: str) -> Member:
        said = tuple(replace(p, probabilities=blurred(p.probabilities, 0.02 * i)) for p in member.predictions)
        runs = tuple(
            replace(run, name=name, validation=score(p.probabilities, p.labels), history=run.history[: i + 3])
            for run, p in zip(member.runs, said, strict=True)
        )
        tests = tuple(tested(dataset, name, blurred(t.probabilities, 0.02 * i)) for t in member.tests)
        return Member(name, runs, said, tests, member.name)

    members = []
    for member in study.members:
        for i in range(SWEPT[member.name]):
            values = f" layers.0.units={50 * (i // 6 + 1)} learning_rate={10 ** -(i % 6 + 1):g}"
            members.append(configuration(member, i, member.name + (values if SWEPT[member.name] > 1 else "")))
    keep = {"final": set(chosen_of_each(members)), "all": set(members), "none": set()}[opened]
    members = [member if member in keep else replace(member, tests=()) for member in members]
    looks = Looks(3 * len(keep), len(keep)) if keep else None
    return result("sweep", "How wide, how much decay?", "handlens run sweep.toml", members, looks=looks)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return digits_dataset()


@pytest.fixture(scope="session")
def study(dataset: Dataset) -> StudyResult:
    return train_study(dataset)


@pytest.fixture(scope="session")
def swept() -> Callable[..., StudyResult]:
    """Makes a sweep of a study; see `sweep_study`."""
    return sweep_study


@pytest.fixture(scope="session")
def sweep(study: StudyResult, dataset: Dataset) -> StudyResult:
    """Forty configurations of three recipes; the test images were opened for the chosen ones."""
    return sweep_study(study, dataset)


@pytest.fixture(scope="session")
def unopened(study: StudyResult) -> StudyResult:
    """The study before its test images were opened."""
    members = [replace(member, tests=()) for member in study.members]
    return result(study.name, study.title, study.command, members)


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
        return Member(member.name + evil, runs, member.predictions, member.tests)

    return result("evil", evil, f"handlens run '{evil}'", [renamed(member) for member in study.members])


@pytest.fixture(scope="session")
def taught(dataset: Dataset, study: StudyResult) -> dict[str, tuple[Run, Model]]:
    """Networks from scratch with their records, by the names of `networks.LAYERS`."""
    return train_networks(dataset, study.members[0].runs[0])
