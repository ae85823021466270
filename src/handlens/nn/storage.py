"""Networks on disk: `network.json` says what it is, `weights.safetensors` holds its numbers.

Files may come from anywhere: the description is bounded and checked before anything is built, and the
weights' size against what the description needs before memory is taken for them.
"""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handlens.errors import HandlensError, StoreError
from handlens.nn.arrays import Array, Shape
from handlens.nn.layers import Layer, from_config
from handlens.nn.layers.base import leaves

if TYPE_CHECKING:
    from handlens.nn.network import Network

FORMAT = "handlens-network"
VERSION = 1
DESCRIPTION = "network.json"
WEIGHTS = "weights.safetensors"
MOST_TEXT = 1_000_000  # bytes of a description
MOST_HEADER = 1_000_000  # bytes of a safetensors header
KEYS = {"format", "version", "dtype", "input_shape", "layers"}


def save(network: Network, folder: Path) -> None:
    """Write both files."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(describe(network), indent=1)
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
    names = [slot.path for slot in network.slots]
    save_file(dict(zip(names, network.get_weights(), strict=True)), folder / WEIGHTS)


def describe(network: Network) -> dict[str, Any]:
    """What the network is made of, as JSON knows it."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "dtype": network.dtype.name,
        "input_shape": list(network.input_shape),
        "layers": [{"layer": type(layer).__name__, **layer.config()} for layer in network.layers],
    }


def load(kind: type[Network], folder: Path) -> Network:
    """The network in `folder`; raises StoreError where it cannot be trusted."""
    description = _read_description(folder / DESCRIPTION)
    where = folder / DESCRIPTION
    try:
        layers = tuple(from_config(layer) for layer in description["layers"])
        shape = tuple(description["input_shape"])
        arrays = _read_weights(folder / WEIGHTS, _count(layers, shape), description["dtype"])
        network = kind(layers, input_shape=shape, rng=None, dtype=description["dtype"])
    except StoreError:
        raise
    except (HandlensError, TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"the network's description is damaged ({error})", where=where) from error
    expected = {slot.path: slot.parameter.shape for slot in network.slots}
    found = {name: array.shape for name, array in arrays.items()}
    if found != expected:
        raise StoreError("the weights are those of another network", where=folder / WEIGHTS)
    network.set_weights([arrays[slot.path] for slot in network.slots])
    return network


def _count(layers: tuple[Layer, ...], shape: Shape) -> int:
    """How many numbers the layers' parameters hold for that input; takes no memory for them."""
    if not all(isinstance(size, int) for size in shape):
        raise ValueError("input_shape must hold whole numbers")
    total = 0
    for layer in copy.deepcopy(layers):
        shape = layer.place(shape)
        total += sum(math.prod(p.shape) for leaf in leaves(layer) for p in leaf.parameters())
    return total


def _read_description(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_TEXT:
            raise StoreError("the description is too long", where=path, expected=f"{MOST_TEXT} bytes at most")
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError("there is no network", where=path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"the description cannot be read ({error})", where=path) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT or set(description) != KEYS:
        raise StoreError("this is not a network of handlens", where=path)
    if description["version"] != VERSION:
        raise StoreError(
            f"the format has version {description['version']!r}",
            where=path,
            expected=f"version {VERSION}",
            remedy="use a newer handlens",
        )
    if description["dtype"] not in ("float32", "float64"):
        raise StoreError(f"dtype is {description['dtype']!r}", where=path, expected="float32 or float64")
    if not isinstance(description["layers"], list) or not isinstance(description["input_shape"], list):
        raise StoreError("layers and input_shape must be lists", where=path)
    return description


def _read_weights(path: Path, count: int, dtype: str) -> dict[str, Array]:
    """The arrays of a file that holds exactly `count` numbers of that type."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
        expected = 8 + header + count * np.dtype(dtype).itemsize
        if header > MOST_HEADER or path.stat().st_size != expected:
            raise StoreError("the size of the weights is not that of the network", where=path)
        arrays = load_file(path)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"the weights cannot be read ({error})", where=path) from error
    if any(array.dtype != dtype or not np.isfinite(array).all() for array in arrays.values()):
        raise StoreError(f"weights that are no finite {dtype} numbers", where=path)
    return arrays
