"""A real server on this machine whose mirrors behave badly on request."""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType

from handlens.data.catalogue import Entry, File


@dataclass
class Behaviour:
    """How the server treats the paths below one mirror, and what it was asked."""

    files: dict[str, bytes]
    status: int = 200
    ranges: bool = True
    etag: str = '"one"'
    cut: list[int] = field(default_factory=list)  # for each request, bytes of the body after which it breaks
    stall: float = 0.0
    announce: bool = True
    asked: list[str | None] = field(default_factory=list)  # the Range of each request

    @property
    def requests(self) -> int:
        return len(self.asked)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        mirror, _, name = self.path.strip("/").partition("/")
        how: Behaviour = self.server.mirrors[mirror]
        wanted = self.headers.get("Range")
        how.asked.append(wanted)
        time.sleep(how.stall)
        if how.status != 200 or name not in how.files:
            self.send_error(how.status if how.status != 200 else 404)
            return
        body, start = how.files[name], 0
        if wanted and how.ranges and self.headers.get("If-Range") in (None, how.etag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("ETag", how.etag)
        if how.announce:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = start + how.cut.pop(0) if how.cut else len(body)
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body[start:end])

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Site:
    address: str
    mirrors: dict[str, Behaviour]

    def entry(self, *files: File, **more: object) -> Entry:
        """An entry that the mirrors of this server publish, in their order."""
        mirrors = tuple(f"{self.address}/{name}/" for name in self.mirrors)
        return Entry(
            "numbers",
            "Numbers",
            "http://page",
            "free",
            "nobody",
            MappingProxyType({}),
            files,
            mirrors,
            **more,
        )


@contextlib.contextmanager
def running() -> Iterator[Site]:
    """A site that serves until the end of the block."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.mirrors = {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", server.mirrors)
    server.shutdown()
    thread.join()
    server.server_close()
