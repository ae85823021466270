"""Engines: one contract, several ways to train. Each loads its libraries when it is first asked for."""

from __future__ import annotations

from handlens.engines.contract import Engine, Model, OnEpoch, Phases, ignore_epoch

__all__ = ["Engine", "Model", "OnEpoch", "Phases", "engine", "ignore_epoch"]


def engine(name: str, device: str | None = None) -> Engine:
    """The engine called `scratch`, `keras` or `classic`; Keras's computes on the `device`.

    Raises:
        HandlensError: the engine's libraries are not installed.
    """
    if name == "scratch":
        from handlens.engines.scratch import ScratchEngine

        return ScratchEngine()
    if name == "keras":
        from handlens.engines.keras.engine import KerasEngine

        return KerasEngine(device)
    if name == "classic":
        from handlens.engines.classic import ClassicEngine

        return ClassicEngine()
    raise ValueError(f"no engine is called {name!r}")
