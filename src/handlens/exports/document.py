"""A network with all that belongs to it as one JSON document, and back.

    {
      "format": "handlens-model", "version": 1,
      "passport": {...},                 what travels with every export: `handlens.exports.passport.Passport`
      "network": {...},                  the layers, as network.json has them: `handlens.nn.storage.describe`
      "weights": [{"name", "shape", "type": "float32" | "float16", "data": base64, little-endian, row by row}]
    }

The weights stand in the order of the layers, a layer's own in Keras's order (kernel, bias; gamma, beta,
moving mean, moving variance). The network takes `(pixel - offset) * scale` of the passport's preparation
and gives logits.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.data.prepare import Preparation
from handlens.engines.scratch import ScratchModel
from handlens.errors import HandlensError, StoreError
from handlens.exports.passport import Passport
from handlens.nn.storage import DESCRIPTION, WEIGHTS, describe

FORMAT, VERSION = "handlens-model", 1
KEYS = {"format", "version", "passport", "network", "weights"}
LARGEST = 2**30  # bytes of a document
LARGEST_HALF = 65504.0  # a number of 16 bits
TYPES = {"float16": "<f2", "float32": "<f4"}


def document(network: nn.Network, passport: Passport, *, bits: int = 32) -> dict[str, Any]:
    """The JSON document of a network.

    Args:
        bits: 32, or 16 to halve the file: kernels are then rounded to 16-bit floats, eleven binary digits;
            biases and the numbers of normalizations, which are few, are not.
    """
    named = zip((slot.path for slot in network.slots), network.get_weights(), strict=True)
    return {
        "format": FORMAT,
        "version": VERSION,
        "passport": passport.plain(),
        "network": describe(network) | {"dtype": "float32"},
        "weights": [_stored(name, np.asarray(array, np.float32), bits) for name, array in named],
    }


def _stored(name: str, array: NDArray[np.float32], bits: int) -> dict[str, Any]:
    # A number beyond the range of 16 bits keeps its array at 32.
    short = bits == 16 and array.ndim > 1 and float(np.abs(array).max(initial=0)) <= LARGEST_HALF
    kind = "float16" if short else "float32"
    data = base64.b64encode(np.ascontiguousarray(array.astype(TYPES[kind])).tobytes()).decode("ascii")
    return {"name": name, "shape": list(array.shape), "type": kind, "data": data}


def read_json(path: Path) -> tuple[ScratchModel, dict[str, Any]]:
    """The model in a file that `handlens export --to json` wrote, and its passport as plain data.

    Raises:
        StoreError: no such file, too large, damaged or not ours; nothing in it is run.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise StoreError("the file is too large", where=path, expected=f"{LARGEST:,} bytes at most")
        plain = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(plain, dict) or plain.get("format") != FORMAT or set(plain) != KEYS:
            raise StoreError(
                "this is no exported model", where=path, expected="what handlens export --to json writes"
            )
        if plain["version"] != VERSION:
            raise StoreError(
                f"the format has version {plain['version']!r}", where=path, expected=f"{VERSION}"
            )
        network = _network(plain["network"], plain["weights"])
        preparation = Preparation.from_dict(plain["passport"]["preparation"])
    except StoreError as error:
        error.where = str(path)
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError, HandlensError) as error:
        raise StoreError(f"the model cannot be read ({error})", where=path) from error
    return ScratchModel(network, preparation, ()), plain["passport"]


def _network(description: Any, weights: Any) -> nn.Network:
    """By way of the network's own files, which are checked against each other before memory is taken."""
    from safetensors.numpy import save_file

    with tempfile.TemporaryDirectory(prefix="handlens-") as name:
        folder = Path(name)
        (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
        save_file({stored["name"]: _array(stored) for stored in weights}, folder / WEIGHTS)
        return nn.Network.load(folder)


def _array(stored: dict[str, Any]) -> NDArray[np.float32]:
    try:
        data = base64.b64decode(stored["data"], validate=True)
        numbers = np.frombuffer(data, TYPES[stored["type"]])
    except binascii.Error as error:
        raise StoreError(f"weights that are no base64 ({error})") from None
    shape = tuple(stored["shape"])
    if not all(isinstance(side, int) and side >= 0 for side in shape) or math.prod(shape) != numbers.size:
        raise StoreError("weights that do not have the shape that they are said to have")
    return numbers.reshape(shape).astype(np.float32)
