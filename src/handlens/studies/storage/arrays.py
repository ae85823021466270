"""The arrays of a run folder, to the disk and back, and the history for a spreadsheet."""

from __future__ import annotations

import csv
import functools
import io
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.errors import StoreError
from handlens.records import Epoch, Look
from handlens.studies.storage import manifest
from handlens.studies.storage.result import Predictions, Tested, correct

LIMIT = 4 * 2**30  # bytes of arrays in memory: more are not ours
SAID, RIGHT = "predictions.npz", "correct.npy"
KINDS = {"probabilities": ("f", 2), "labels": ("iu", 1), "indices": ("iu", 1)}
# What zipfile and NumPy raise on a file that somebody made on purpose.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def write(folder: Path, said: Mapping[str, NDArray[Any]]) -> None:
    """Predictions with `probabilities` and `labels` among them, and whether each was right.

    The second file answers what a table of thousands of runs asks, without all the probabilities.

    Raises:
        OSError: cannot be written.
    """
    np.savez_compressed(folder / SAID, allow_pickle=False, **said)
    np.save(folder / RIGHT, correct([said["probabilities"]], said["labels"])[0])


def predictions(folder: Path) -> Predictions:
    """What a run said about validation images.

    Raises:
        StoreError: missing or damaged.
    """
    return Predictions(**_said(folder, ("indices", "probabilities", "labels")))


def tested(folder: Path, look: Look) -> Tested:
    """What a run said about test images.

    Raises:
        StoreError: missing or damaged.
    """
    return Tested(look, **_said(folder, ("probabilities", "labels")))


def right(folder: Path, listed: manifest.Manifest | None = None) -> NDArray[np.bool_]:
    """Whether each image was taken for what it is: bool [n].

    Raises:
        StoreError: missing or damaged.
    """
    raw = manifest.content(folder, RIGHT, LIMIT, listed)
    n = len(raw) - len(_header(0))
    # Thousands of these are read for one table: NumPy's own reader takes ten times as long.
    if n < 0 or not raw.startswith(_header(n)):
        raise StoreError("is no array", where=folder / RIGHT, expected="bool [n]")
    return np.frombuffer(raw, np.uint8, n, offset=len(raw) - n).astype(np.bool_)


@functools.lru_cache(maxsize=64)
def _header(n: int) -> bytes:
    """How a file of `bool [n]` begins; as long for every n (NumPy's format pads it to 64 bytes)."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|b1", "fortran_order": False, "shape": (n,)})
    return file.getvalue()


def write_history(path: Path, history: tuple[Epoch, ...]) -> None:
    """A line an epoch.

    Raises:
        OSError: cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Epoch)])
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in history)


def _said(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    raw, path = io.BytesIO(manifest.content(folder, SAID, LIMIT)), folder / SAID
    try:
        with zipfile.ZipFile(raw) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > LIMIT:
            raise StoreError(f"holds {size:,} bytes", where=path, expected=f"at most {LIMIT:,}")
        raw.seek(0)
        with np.load(raw, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in names}
    except UNREADABLE:
        raise StoreError("holds no predictions", where=path) from None
    for name, array in found.items():
        kinds, axes = KINDS[name]
        if array.dtype.kind not in kinds or array.ndim != axes or len(array) != len(found["labels"]):
            raise StoreError("holds arrays that do not fit together", where=path)
    return found
