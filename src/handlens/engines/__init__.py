"""Engines: one contract, several ways to train. Each loads its libraries when it is first asked for."""

from __future__ import annotations

from handlens.engines.contract import Engine, Model, OnEpoch, ignore_epoch

__all__ = ["Engine", "Model", "OnEpoch", "engine", "ignore_epoch"]


def engine(name: str) -> Engine:
    """The engine called `scratch` or `classic`."""
    if name == "scratch":
        from handlens.engines.scratch import ScratchEngine

        return ScratchEngine()
    if name == "classic":
        from handlens.engines.classic import ClassicEngine

        return ClassicEngine()
    raise ValueError(f"no engine is called {name!r}")
