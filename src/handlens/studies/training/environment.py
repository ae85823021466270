"""Where a run was made: versions, processor, device."""

from __future__ import annotations

import functools
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

from handlens.records import Environment

PACKAGES = ("handlens", "numpy", "scipy", "scikit-learn")
HEAVY = ("keras", "jax", "jaxlib")  # of a process that trains with them


def environment(command: str) -> Environment:
    """This process's machine and versions; `command` is what the user called."""
    versions = {"python": platform.python_version()}
    loaded = [package for package in HEAVY if package in sys.modules]
    versions |= {package: _version(package) for package in (*PACKAGES, *loaded)}
    return Environment(versions, platform.platform(), _processor(), cores(), command)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device(threads: int | None = None) -> str:
    """What the engines of the CPU train on: so many of its cores, all unless given."""
    count = threads or cores()
    return f"CPU, {count} core{'s' if count > 1 else ''}"


@functools.cache
def _version(package: str) -> str:
    return metadata.version(package)


@functools.cache
def _processor() -> str:
    """The processor's name; Python knows only its family on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
