"""Where a module of the user's own lies, found without importing anything."""

from __future__ import annotations

import hashlib
import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path

from handlens.errors import SpecError

LARGEST = 1 << 24  # bytes of a source file


def source_of(module: str) -> str:
    """sha256 (hex) of the module's source file.

    Raises:
        SpecError: there is none.
    """
    path = _found(module)
    try:
        if path.stat().st_size > LARGEST:
            raise SpecError("the file is too large to be a Python module", where=path)
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SpecError(error.strerror or str(error), where=path, expected="a Python file") from None


def _found(module: str) -> Path:
    places: Sequence[str] | None = [str(Path.cwd()), *sys.path]
    name, spec = "", None
    importlib.machinery.PathFinder.invalidate_caches()  # the file may be a second old
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        # Path by path, as importlib.util.find_spec would import the packages on the way.
        spec = None if places is None else importlib.machinery.PathFinder.find_spec(name, places)
        if spec is None:
            break
        places = spec.submodule_search_locations
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise SpecError(
            f"no Python file of a module {module!r} is found",
            where=Path.cwd(),
            remedy="go to the folder where it lies, or install it",
        )
    return Path(spec.origin)
