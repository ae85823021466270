"""Opening data files, plain or gzip, told apart by content."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from handlens.errors import DataError

HEAD = 4096
GZIP = b"\x1f\x8b"
MAX_RATIO = 1032
"""Deflate cannot pack more bytes into one (zlib's technical notes), so a file bounds its own content."""


def head_of(path: Path) -> bytes:
    """The first bytes of a file's content, at most `HEAD`, decompressed; empty where it cannot be."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head.startswith(GZIP):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        return b""


def most_bytes(path: Path) -> int:
    """The most bytes that a file's content can have: its size, or what deflate could pack into that."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        return size * MAX_RATIO if stream.read(2) == GZIP else size


@contextmanager
def content(path: Path) -> Iterator[IO[bytes]]:
    """A file's content as a binary stream, decompressed as it is read.

    Raises:
        DataError: the compressed data are damaged or end early, at opening or while they are read.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP
        raw.seek(0)
        if not packed:
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
                yield cast(IO[bytes], stream)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f"the gzip data are damaged or end early ({error})",
                where=path,
                remedy="download or copy the file again",
            ) from error
