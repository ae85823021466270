"""One seed, many independent generators, each known by its name.

Two parts of a program that draw from generators with different names never disturb each other, and the same
seed and name always give the same stream, on every machine and in every process.
"""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of `seed` for a purpose, e.g. `generator(0, "split")` or `generator(0, "epoch", 3)`.

    The names become the spawn key of a `numpy.random.SeedSequence` (O'Neill 2015, *Developing a seed_seq
    Alternative*), so that streams of different names are independent.
    """
    key = tuple(name if isinstance(name, int) else zlib.crc32(name.encode()) for name in names)
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))


def integer(seed: int, *names: str | int) -> int:
    """A seed in `0..2**31 - 1` for libraries that want a plain integer (scikit-learn's `random_state`)."""
    return int(generator(seed, *names).integers(2**31))
