"""The arrays inside a student's object: attributes, dictionaries, lists, closures."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handlens.nn.arrays import Array

DEEPEST = 8
MOST = 5_000  # things looked at: a student's object is small, and a cycle or a data set must not hold us up
_GRADIENT = re.compile(r"grad|delta|nabla|^d_?(?!ata|ense|im)[a-zA-Z]{0,8}\d*$")


@dataclass
class Slot:
    """A place that holds an array, a number or None: `holder[key]`, or an attribute or a cell."""

    path: tuple[str, ...]
    holder: Any
    key: Any

    def get(self) -> Any:
        if isinstance(self.holder, types.CellType):
            return self.holder.cell_contents
        if isinstance(self.holder, dict | list | tuple):
            return self.holder[self.key]
        return getattr(self.holder, self.key)

    def put(self, values: Array) -> None:
        """In place where the array can hold it, so that other names of it see it too; else a new array."""
        old = self.get()
        if isinstance(old, np.ndarray) and old.dtype == values.dtype and old.flags.writeable:
            old[...] = values.reshape(old.shape)
            return
        new = values.reshape(np.shape(old)).copy()
        if isinstance(self.holder, types.CellType):
            self.holder.cell_contents = new
        elif isinstance(self.holder, dict | list):
            self.holder[self.key] = new
        elif not isinstance(self.holder, tuple):
            setattr(self.holder, self.key, new)
        elif isinstance(old, np.ndarray):
            old[...] = new

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def is_gradient(self) -> bool:
        """Whether its name says that it is a derivative."""
        return any(_GRADIENT.search(part) for part in self.path)

    @property
    def subject(self) -> str:
        """What it is about, without the marks of a gradient: "layers.0.w" of layers[0].dW or .W_grad."""
        return ".".join(filter(None, map(_plain, self.path)))


def _plain(part: str) -> str:
    name = re.sub(
        r"^d[lj]_?d_?|gradients?|grads?|nabla|deltas?|params?|parameters|^self$|^(data|values?|val|array)$",
        "",
        part.lower(),
    )
    if part.lower() not in ("data", "dense"):
        name = re.sub(r"^d_?(?=(w|b|weight|bias|k|g)[a-z]*_?\d*$)", "", name)
    name = re.sub(r"weights?|kernels?|theta|^ws$", "w", name)
    name = re.sub(r"biases|bias|beta|^bs$", "b", name)
    return re.sub(r"_(?=_|$)|^_+", "", name).replace("_", "")


def slots(*roots: Any) -> list[Slot]:
    """Every array, number and None that can be reached from the roots, once."""
    found: list[Slot] = []
    seen: set[int] = set()
    for root in roots:
        for slot in _walk(root, (), seen, 0):
            found.append(slot)
            if len(found) >= MOST:
                return found
    return found


def _walk(thing: Any, path: tuple[str, ...], seen: set[int], depth: int) -> Iterator[Slot]:
    if depth > DEEPEST or id(thing) in seen:
        return
    seen.add(id(thing))
    for holder, key, name, value in _parts(thing):
        if isinstance(value, np.ndarray):
            if value.dtype.kind in "fiub" and id(value) not in seen:
                seen.add(id(value))
                yield Slot((*path, name), holder, key)
        elif value is None or isinstance(value, int | float | np.number):
            yield Slot((*path, name), holder, key)
        else:
            yield from _walk(value, (*path, name), seen, depth + 1)


def _parts(thing: Any) -> list[tuple[Any, Any, str, Any]]:
    """Holder, key, name and value of each thing directly inside."""
    if isinstance(thing, dict):
        return [(thing, k, str(k), v) for k, v in thing.items()]
    if isinstance(thing, list | tuple):
        return [(thing, i, str(i), v) for i, v in enumerate(thing)]
    if isinstance(thing, types.MethodType):
        return [(thing, "__self__", "", thing.__self__)] if not isinstance(thing.__self__, type) else []
    if isinstance(thing, types.FunctionType):
        cells = zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True)
        return [(cell, None, name, cell.cell_contents) for name, cell in cells if _filled(cell)]
    if isinstance(thing, type | types.ModuleType | str | bytes | types.BuiltinFunctionType):
        return []
    own = dict(getattr(thing, "__dict__", {}))
    for slot_name in getattr(type(thing), "__slots__", ()):
        if isinstance(slot_name, str) and hasattr(thing, slot_name):
            own[slot_name] = getattr(thing, slot_name)
    return [(thing, k, k, v) for k, v in own.items()]


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
