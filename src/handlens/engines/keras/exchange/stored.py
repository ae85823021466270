"""The weights in a `.keras` file: an HDF5 file that may hold plain arrays of numbers and nothing else.

HDF5 knows links to other files, data in other files, views of other data, filters loaded as plug-ins, and
arrays that are large in words only (CVE-2026-0897). Keras writes none of these, so all are refused.
"""

from __future__ import annotations

import io
import math
from typing import Any

from handlens.errors import StoreError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
ATTRIBUTES = {"name", "dtype"}
MOST = 100_000  # groups and arrays
UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)


def count(raw: bytes) -> int:
    """How many numbers the file holds.

    Raises:
        StoreError: no HDF5, or with anything but plain arrays; says what.
    """
    import h5py

    if not raw.startswith(SIGNATURE):
        raise StoreError("its weights are no HDF5 file", expected="what Keras writes")
    try:
        with h5py.File(io.BytesIO(raw), "r") as file:
            return _count(file, len(raw))
    except UNREADABLE as error:
        raise StoreError(f"its weights cannot be read ({error})", expected="what Keras writes") from None


def _count(file: Any, size: int) -> int:
    import h5py

    numbers = taken = 0
    pending, seen = [file], {_address(file)}
    while pending:
        group = pending.pop()
        _check_attributes(group)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _refused(f"a link to elsewhere ({group.name}/{name})")
            inner = group[name]
            if _address(inner) in seen or len(seen) >= MOST:
                raise _refused("one thing under two names, or too many things")
            seen.add(_address(inner))
            if isinstance(inner, h5py.Group):
                pending.append(inner)
                continue
            taken += _check_array(inner)
            numbers += math.prod(inner.shape)
            if taken > size:
                raise _refused("more numbers than bytes")
    return numbers


def _check_array(array: Any) -> int:
    """Bytes that a plain array of numbers takes."""
    import h5py

    if not isinstance(array, h5py.Dataset) or array.shape is None:
        raise _refused(f"what is no array ({array.name})")
    _check_attributes(array)
    made = array.id.get_create_plist()
    plain = made.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) and not made.get_nfilters()
    if not plain or array.external or array.is_virtual:
        raise _refused(f"an array that is packed or lies elsewhere ({array.name})")
    # bfloat16 is written as two bytes without a meaning.
    if array.dtype.kind not in "fiub" and array.dtype.str != "|V2":
        raise _refused(f"what are no numbers ({array.name})")
    size: int = math.prod(array.shape) * array.dtype.itemsize
    if size != array.id.get_storage_size():
        raise _refused(f"an array that is not there ({array.name})")
    return size


def _check_attributes(thing: Any) -> None:
    for name in thing.attrs:
        if name not in ATTRIBUTES or thing.attrs.get_id(name).shape != ():
            raise _refused(f"an attribute that Keras does not write ({name[:60]!r})")


def _address(thing: Any) -> int:
    import h5py

    return int(h5py.h5o.get_info(thing.id).addr)


def _refused(what: str) -> StoreError:
    return StoreError(f"its weights hold {what}", expected="plain arrays of numbers")
