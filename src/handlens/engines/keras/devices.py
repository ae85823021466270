"""The device that JAX computes on, and its name in the records."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from handlens.engines.keras.libraries import jax
from handlens.errors import SpecError, did_you_mean

SHARE = 0.8  # of the free memory that a stack of trainings may take


@dataclass(frozen=True)
class Device:
    """One of JAX's devices."""

    device: Any

    @property
    def is_cpu(self) -> bool:
        return bool(self.device.platform == "cpu")

    @property
    def name(self) -> str:
        """For the records: `NVIDIA H200`, `CPU, 2 cores`."""
        if not self.is_cpu:
            return str(self.device.device_kind)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return f"CPU, {cores} core{'s' if cores > 1 else ''}"

    def chosen(self) -> AbstractContextManager[Any]:
        """Within it, arrays are made and programs run there."""
        return jax.default_device(self.device)  # type: ignore[no-any-return]

    def free_bytes(self) -> int:
        """Memory that is free now."""
        found = self.device.memory_stats() or {}
        if "bytes_limit" in found:
            return int(found["bytes_limit"] - found.get("bytes_in_use", 0))
        if "SC_AVPHYS_PAGES" in getattr(os, "sysconf_names", {}):
            return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return 2 * 2**30


def find(name: str | None = None) -> Device:
    """The device called `cpu`, `gpu`, `tpu` or `gpu:1`; JAX's first choice unless given.

    Raises:
        SpecError: no such device is here.
    """
    if name is None:
        return Device(jax.devices()[0])
    kind, _, number = name.partition(":")
    try:
        return Device(jax.devices(kind)[int(number or 0)])
    except (RuntimeError, ValueError, IndexError):
        there = [f"{d.platform}:{d.id}" for d in jax.devices()] + ["cpu"]
        raise SpecError(
            f"JAX finds no device {name!r} here",
            where="--device",
            remedy=did_you_mean(name, dict.fromkeys(there)),
        ) from None
