"""What names of files and folders say: which part they hold, and the order of classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

PARTS = {
    "train": re.compile(r"(?<![a-z])train"),
    "test": re.compile(r"(?<![a-z])(test|t10k|eval)"),
    "validation": re.compile(r"(?<![a-z])(val|valid|validation|dev)(?![a-z])"),
}

T = TypeVar("T")


def part_of(name: str) -> str:
    """ "train", "test", "validation" or, where the name says nothing, "all".

    A word must begin with it: "sign_mnist_train.csv" is train, "terrain.csv" and "contest.csv" are all.
    """
    return next((part for part, pattern in PARTS.items() if pattern.search(name.lower())), "all")


def settle(parts: Mapping[str, T]) -> tuple[dict[str, T], tuple[str, ...]]:
    """The parts to read, and notes: validation images stand in for missing test images, else are left out;
    what is named neither is left out beside what is."""
    notes = []
    chosen = dict(parts)
    if "validation" in chosen:
        images = chosen.pop("validation")
        if "test" in chosen:
            notes.append("the validation part was left out: handlens splits its own from the training images")
        else:
            chosen["test" if "train" in chosen else "all"] = images
            notes.append("the validation part serves as test images: there is no test part")
    if len(chosen) > 1 and chosen.pop("all", None) is not None:
        notes.append("files named neither train nor test were left out")
    return chosen, tuple(notes)


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key that puts "2" before "10" and "a2" before "a10"."""
    words = re.split(r"([0-9]+)", name)
    return tuple((0, int(word), "") if word.isdecimal() else (1, 0, word.lower()) for word in words if word)


def natural(names: Iterable[str]) -> list[str]:
    """`names`, sorted as people count; equal but for case, they keep one order always."""
    return sorted(names, key=lambda name: (natural_key(name), name))
