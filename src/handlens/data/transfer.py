"""One file over HTTP, taken up where an earlier transfer broke if the server knows it for the same file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from handlens.data.catalogue import File

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 18
Report = Callable[[int], None]


class Failed(Exception):
    """A mirror did not give the file: says why, and whether more of the file is here than before."""

    def __init__(self, why: str, further: bool = False) -> None:
        super().__init__(why)
        self.further = further


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for a connection and for the next bytes of an answer."""

    connect: float = 10.0
    read: float = 30.0


def transfer(url: str, file: File, part: Path, patience: Patience, report: Report) -> None:
    """The bytes of `url` into `part`, after those of an earlier, broken transfer from the same address.

    `If-Range` (RFC 9110, 13.1.5) makes the server send the whole file if it has changed since.
    """
    import requests
    import urllib3

    mark = part.with_name(part.name + ".json")
    there, validator = _earlier(url, part, mark, file.size)
    # "identity": the file as it lies there, not unpacked on the way.
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers |= {"Range": f"bytes={there}-", "If-Range": validator}
    try:
        with requests.get(
            url, headers=headers, stream=True, timeout=(patience.connect, patience.read)
        ) as answer:
            start = _begin(answer, file, there)
            mark.write_text(json.dumps({"url": url, "validator": _validator(answer)}), encoding="utf-8")
            report(start)
            with part.open("ab" if start else "wb") as out:
                got = start + _copy(answer.raw, out, file.size - start, report)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        now = part.stat().st_size if part.is_file() else 0
        raise Failed(_reason(error), further=now > there) from error
    mark.unlink()
    if got != file.size:
        part.unlink()
        raise Failed(f"{got:,} bytes came, {file.size:,} were published")


def _earlier(url: str, part: Path, mark: Path, size: int) -> tuple[int, str]:
    """Bytes that an earlier transfer from `url` left, and what names that version; 0 to begin anew."""
    try:
        note = json.loads(mark.read_text(encoding="utf-8"))
        if note["url"] == url and note["validator"] and (there := part.stat().st_size) < size:
            return there, str(note["validator"])
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return 0, ""


def _validator(answer: requests.Response) -> str:
    """What `If-Range` may name: a strong ETag, else the time of change."""
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")


def _begin(answer: requests.Response, file: File, there: int) -> int:
    """Where in the file the body of an answer begins."""
    if answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
        return there
    if answer.status_code != 200:
        raise Failed(f"HTTP {answer.status_code} {answer.reason}")
    promised = answer.headers.get("Content-Length", "")
    if promised.isdecimal() and int(promised) != file.size:
        raise Failed(f"{int(promised):,} bytes are announced, {file.size:,} were published")
    return 0


def _copy(body: Any, out: IO[bytes], most: int, report: Report) -> int:
    """Copy a body of at most `most` bytes as it was sent; one more is read to see whether it goes on."""
    got = 0
    while got <= most and (chunk := body.read(min(CHUNK, most + 1 - got), decode_content=False)):
        out.write(chunk)
        got += len(chunk)
        report(len(chunk))
    return got


def _reason(error: Exception) -> str:
    """Why a transfer broke, in a few words: the libraries' own go on for lines."""
    import requests
    import urllib3

    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return "the connection broke"
