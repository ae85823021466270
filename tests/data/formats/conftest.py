"""What tests of formats share: files from bytes, and refusals read as a user reads them."""

import gzip
import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from handlens.data.formats import Options, read
from handlens.errors import DataError


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Callable[[], Path]:
    """A function that makes a new, empty folder (for the examples of a property test, too)."""
    base, numbers = tmp_path_factory.mktemp("formats"), itertools.count()

    def make() -> Path:
        folder = base / str(next(numbers))
        folder.mkdir()
        return folder

    return make


@pytest.fixture(scope="session")
def put(fresh) -> Callable[..., Path]:
    """`put("name", b"content")`: a file of that name, alone in a new folder or in `folder`."""

    def write(name: str, content: bytes | str, folder: Path | None = None) -> Path:
        path = (folder or fresh()) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str]:
    """`refusal(path, "words", ...)`: the one line with which `path` is refused; it must hold the words."""

    def message(path: Path, *words: str, options: Options | None = None) -> str:
        with pytest.raises(DataError) as caught:
            read(path, options or Options())
        line = str(caught.value)
        assert "\n" not in line
        for word in words:
            assert word in line, f"{word!r} is not in: {line}"
        return line

    return message


@pytest.fixture(scope="session")
def idx() -> Callable[..., bytes]:
    """`idx(array)`: the bytes of an IDX file; `shape` may lie about them, `packed` compresses."""

    def encode(array, shape=None, *, kind: int = 8, packed: bool = False) -> bytes:
        array = np.asarray(array, np.uint8)
        shape = array.shape if shape is None else shape
        data = bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()
        return gzip.compress(data, mtime=0) if packed else data

    return encode


@pytest.fixture(scope="session")
def survives() -> Callable[[Path], None]:
    """`survives(path)`: a damaged file is read or refused, and nothing else happens."""

    def check(path: Path) -> None:
        try:
            parts = read(path).parts
        except DataError:
            return
        for part in parts.values():
            assert part.images.dtype == np.uint8
            assert part.images.ndim == 4
            assert len(part.labels) == len(part.images) > 0

    return check
