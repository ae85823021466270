"""What names say: `x_test`, `X_te`, `testBilder`, `val_ds`. Only asked where nothing better is known."""

from __future__ import annotations

import re

from handlens.lint.values import TEST, TRAIN, VAL

_WORDS = {
    TRAIN: {"train", "tr", "trn", "training", "trainset", "trainloader", "lern", "trainings", "learn"},
    VAL: {"val", "valid", "validation", "dev", "valset", "valloader", "validierung", "validierungs", "va",
          "vl", "validate"},
    TEST: {"test", "te", "tst", "testing", "tests", "testset", "testloader", "holdout", "heldout", "prüf",
           "pruef", "hold", "unseen", "xt", "yt"},
}  # fmt: skip
_GLUED = {TRAIN: ("train", "lern"), VAL: ("valid", "val"), TEST: ("test", "prüf", "pruef")}
_SEEDS = {"seed", "seeds", "random", "rs", "rng", "state", "run", "runs", "rep", "reps", "repeat",
    "replicate", "trial", "repetition", "wiederholung", "lauf", "durchlauf", "saat", "samen", "keim",
    "s"}  # fmt: skip
_EPOCHS = {
    "epoch",
    "epochs",
    "ep",
    "epoche",
    "epochen",
    "step",
    "iteration",
    "it",
    "batch",
    "round",
    "e",
    "t",
}


def words(name: str) -> list[str]:
    """`xTest_2` as `["x", "test"]`."""
    parted = re.sub(r"([a-zäöü])([A-ZÄÖÜ])", r"\1_\2", name)
    return [word for word in re.split(r"[^a-zäöüß]+", parted.lower()) if word]


def part(name: str) -> str:
    """The part of the data that a name speaks of; empty if none or more than one."""
    said = words(name)
    found = {part for part, known in _WORDS.items() if any(word in known for word in said)}
    if not found:
        found = {
            part
            for part, heads in _GLUED.items()
            if any(
                (word.startswith(heads) or (len(word) < 9 and word.endswith(heads)))
                and not word.startswith(("value", "latest", "greatest"))
                for word in said
            )
        }
    return found.pop() if len(found) == 1 else ""


def looks_like_data(name: str) -> bool:
    """Is it the name of images or labels, and not of a score, a path, a number?"""
    said = words(name)
    return bool(said) and not any(
        word
        in (
            "acc",
            "accuracy",
            "loss",
            "score",
            "scores",
            "size",
            "n",
            "num",
            "len",
            "idx",
            "index",
            "path",
            "dir",
            "time",
            "err",
            "error",
            "f",
            "count",
            "steps",
            "fn",
            "step",
            "file",
            "transform",
            "model",
        )
        for word in said
    )


def speaks_of_test(text: str) -> bool:
    """Does a text call a score a test score, and nothing else?"""
    said = set(words(text))
    return bool(said & {"test", "testing", "unseen", "testgenauigkeit", "testset", "testdaten"}) and not (
        said & {"train", "training", "validation", "val", "trainings", "fit"}
    )


def is_seed(name: str) -> bool:
    return any(word in _SEEDS for word in words(name))


def is_epoch(name: str) -> bool:
    return any(word in _EPOCHS for word in words(name))


def dataset(text: str) -> str:
    """Which well-known set a file name or module speaks of; empty if none."""
    low = re.sub(r"[\s-]+", "_", text.lower())
    for mark, name in (
        ("sign_mnist", "sign-mnist"),
        ("signmnist", "sign-mnist"),
        ("sign_language_mnist", "sign-mnist"),
        ("slmnist", "sign-mnist"),
        ("fashion_mnist", "fashion"),
        ("fashionmnist", "fashion"),
        ("emnist_letters", "emnist-letters"),
        ("emnist/letters", "emnist-letters"),
        ("mnist_784", "mnist"),
        ("cifar100", "cifar100"),
        ("cifar10", "cifar10"),
        ("kmnist", "mnist"),
    ):
        if mark in low:
            return name
    return "mnist" if low in ("mnist", "mnist.npz") else ""


# The largest label as the file numbers it.
LARGEST = {"sign-mnist": 24, "mnist": 9, "fashion": 9, "cifar10": 9, "cifar100": 99, "emnist-letters": 26,
           "iris": 2, "wine": 2, "digits": 9}  # fmt: skip
