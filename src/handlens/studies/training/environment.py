"""Where a run was made: versions, processor, device."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from handlens.records import Environment

PACKAGES = ("handlens", "numpy", "scipy", "scikit-learn")


def environment(command: str) -> Environment:
    """This process's machine and versions; `command` is what the user called."""
    versions = {"python": platform.python_version()}
    versions |= {package: metadata.version(package) for package in PACKAGES}
    return Environment(versions, platform.platform(), _processor(), cores(), command)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device(threads: int | None = None) -> str:
    """What the engines of the CPU train on: so many of its cores, all unless given."""
    count = threads or cores()
    return f"CPU, {count} core{'s' if count > 1 else ''}"


def _processor() -> str:
    """The processor's name; Python knows only its family on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
