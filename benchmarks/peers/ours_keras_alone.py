"""handlens's Keras engine with one network, as often as there are networks in the stack."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.ours_keras import Step, recipe, trainer, version
from benchmarks.process import NETWORKS

__all__ = ["CHECKS", "WORKS", "version"]


def one_after_the_other() -> Step:
    alone = trainer([(recipe(1e-4), 0)])

    def step() -> None:
        for _ in range(NETWORKS["keras-fifteen"]):
            alone.epoch()

    return step


CHECKS: dict[str, Any] = {}
WORKS = {"keras-fifteen": one_after_the_other}
