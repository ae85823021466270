"""`.keras` files from outside: nothing reaches Keras before it is known to be layers and numbers alone.

A `.keras` file is a zip of `config.json` (what to build), `model.weights.h5` and `metadata.json`.
"""

from __future__ import annotations

import json
import math
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handlens.engines.keras.exchange import configs, stored
from handlens.engines.keras.libraries import keras
from handlens.errors import HandlensError, StoreError

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
LARGEST = 2 * 2**30  # bytes of a file
EXPANSION = 20  # times that a packed file may grow; Keras does not pack
SPARE = 2**16  # numbers that a model may have beyond its file's: the state of random generators
LARGEST_OUTPUT = 2**24  # numbers that a layer gives of one image
END = struct.Struct("<4s4H2LH")  # the end of a zip's list of members
MOST_LIST = 4096  # bytes of that list
BROKEN = (OSError, ValueError, KeyError, EOFError, RuntimeError, IndexError, OverflowError, MemoryError,
          NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile)  # fmt: skip


def open_keras(path: Path) -> Any:
    """The Keras model in a `.keras` file, not compiled.

    Raises:
        StoreError: no such file, damaged, or with anything but layers of Keras's own and their numbers; no
            code of the file has run.
    """
    try:
        config, weights = _members(path)
        description = configs.checked(config)
        _check_size(description, stored.count(weights))
        return _load(description, weights)
    except HandlensError as error:
        error.where = error.where or str(path)
        raise


def _members(path: Path) -> tuple[bytes, bytes]:
    """Description and weights."""
    if path.is_dir():
        raise StoreError(
            "is a folder", expected="a .keras file", remedy="save the model with model.save('x.keras')"
        )
    if not path.is_file():
        raise StoreError("there is no such file")
    size = path.stat().st_size
    if size > LARGEST:
        raise StoreError(f"the file has {size:,} bytes", expected=f"at most {LARGEST:,}")
    try:
        with path.open("rb") as file:
            _check_end(file, size)
            with zipfile.ZipFile(file) as archive:
                _check_members(archive.infolist(), size)
                return archive.read(CONFIG), archive.read(WEIGHTS)
    except BROKEN as error:
        raise StoreError(f"the file is damaged ({error})", expected="a .keras file") from None


def _check_end(file: Any, size: int) -> None:
    """Before a list of members is read, however long it says it is."""
    begin = file.read(len(stored.SIGNATURE))
    if begin == stored.SIGNATURE:
        raise StoreError(
            "is an HDF5 file, the older form of Keras's models, which may hold code",
            expected="a .keras file",
            remedy="load it where it was made, and save it again as .keras: model.save('x.keras')",
        )
    tail = END.size + 20  # where a zip of more than 4 GiB says so
    file.seek(max(size - tail, 0))
    end = file.read(tail)
    if begin[:4] != b"PK\3\4" or len(end) < tail:
        raise StoreError("is no .keras file", expected="a zip that Keras wrote")
    signature, _, _, _, _, listed, _, comment = END.unpack(end[20:])
    if signature != b"PK\5\6" or comment or end.startswith(b"PK\6\7") or listed > MOST_LIST:
        raise StoreError("is damaged, or no .keras file", expected="a zip that Keras wrote")
    file.seek(0)


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = [member.filename for member in members]
    known = {CONFIG, WEIGHTS, METADATA}
    if strange := sorted(set(names) - known):
        raise StoreError(
            f"it holds {strange[0][:60]!r}", expected=f"{', '.join(sorted(known))} and nothing else"
        )
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in names]:
        raise StoreError(f"it lacks {missing[0]}", expected="a .keras file")
    if len(names) != len(set(names)):
        raise StoreError("it holds two files of one name", expected="a zip that Keras wrote")
    for member in members:
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StoreError(f"its {member.filename} is packed or locked", expected="a zip that Keras wrote")
    limits = {CONFIG: configs.LARGEST, METADATA: 2**16, WEIGHTS: LARGEST}
    for member in members:
        if member.file_size > limits[member.filename]:
            raise StoreError(
                f"its {member.filename} has {member.file_size:,} bytes",
                expected=f"at most {limits[member.filename]:,}",
            )
    total = sum(member.file_size for member in members)
    if total > EXPANSION * size + 2**20:
        raise StoreError(f"it would grow from {size:,} to {total:,} bytes", expected="a zip that Keras wrote")


def _check_size(description: dict[str, Any], numbers: int) -> None:
    """The layers may not have more numbers than the file, nor give outputs beyond bounds.

    Within the scope a model is built without memory for its weights.
    """
    state = keras.src.backend.common.global_state
    pending = list(state.get_global_attribute("uninitialized_variables") or ())
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = _built(lambda: keras.saving.deserialize_keras_object(_copy(description), safe_mode=True))
    finally:
        state.set_global_attribute("uninitialized_variables", pending)
    if not model.built:
        raise StoreError(
            "it does not say what its input is like", expected="a model with an Input, or one that ran"
        )
    wanted = sum(math.prod(v.shape) for v in model.variables)
    if wanted > numbers + SPARE:
        raise StoreError(f"its layers have {wanted:,} numbers, its weights {numbers:,}")
    for layer in _operations(model):
        for tensor in (t for node in layer._inbound_nodes for t in node.output_tensors):
            if math.prod(n or 1 for n in tensor.shape[1:]) > LARGEST_OUTPUT:
                raise StoreError(
                    f"its layer {layer.name!r} gives {list(tensor.shape[1:])} numbers an image",
                    expected=f"at most {LARGEST_OUTPUT:,}",
                )


def _operations(model: Any) -> Iterator[Any]:
    """Layers, those of models inside, and what is no layer: `x / 255`."""
    for operation in getattr(model, "operations", model.layers):
        yield operation
        if isinstance(operation, keras.Model):
            yield from _operations(operation)


def _load(description: dict[str, Any], weights: bytes) -> Any:
    """By Keras, from a copy that holds what was checked."""
    with tempfile.TemporaryDirectory(prefix="handlens-") as folder:
        copy = Path(folder) / "model.keras"
        with zipfile.ZipFile(copy, "w") as archive:
            archive.writestr(METADATA, "{}")
            archive.writestr(CONFIG, json.dumps(description))
            archive.writestr(WEIGHTS, weights)
        return _built(lambda: keras.saving.load_model(copy, compile=False, safe_mode=True))


def _built(build: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # What Keras warns of is that weights are missing.
        warnings.filterwarnings("error", message=".*freshly-initialized")
        try:
            return build()
        except Exception as error:  # whatever Keras raises on a description that makes no sense
            said = " ".join(str(error).split())
            raise StoreError(f"Keras cannot build it ({type(error).__name__}: {said[:200]})") from None


def _copy(description: dict[str, Any]) -> Any:
    """Keras takes a description apart while it reads it."""
    return json.loads(json.dumps(description))
