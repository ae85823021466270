"""The door of the server: every request passes here before anything looks at what it wants.

Pure ASGI, so that bodies are bounded while they arrive, whether or not they say how long they are.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from handlens.serve import limits
from handlens.serve.access import Access
from handlens.serve.refusal import Refusal, line

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
# A notebook's own pages may frame the page that it shows; nothing here can be changed by a misled click.
NOTEBOOKS = "http://localhost:* http://127.0.0.1:* https://localhost:* vscode-webview:"
FRAMED = {name: value for name, value in HEADERS.items() if name != "x-frame-options"} | {
    "content-security-policy": POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {NOTEBOOKS}")
}
JSON = "application/json; charset=utf-8"
METHODS = ("GET", "HEAD", "POST")
WELCOME = (
    b'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'
    b"<title>handlens</title>"
)


class Guard:
    """Refuses what may not pass, bounds what may, and sees to it that an answer is one line or an answer."""

    def __init__(
        self, app: App, access: Access, *, body_seconds: float = limits.BODY_SECONDS, framed: bool = False
    ) -> None:
        """Args:
        framed: a notebook on this machine may show the page in a frame.
        """
        self._app, self._access, self._body_seconds = app, access, body_seconds
        self._headers = FRAMED if framed else HEADERS
        self._held = 0  # bytes of bodies in memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, _Sender(send, self._headers))

    async def _answer(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        try:
            if await self._admitted(scope, send):
                await self._pass(scope, receive, send)
        except Refusal as refusal:
            await send.whole(refusal.status, line(refusal.reason))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            sys.stderr.write(f"handlens: {scope['method']} {scope['path']!r} failed: {error!r}\n")
            traceback.print_exc()
            await send.whole(500, line("something went wrong in the server; its terminal says what"))

    async def _admitted(self, scope: Scope, send: _Sender) -> bool:
        """Whether the request may go on; if not, it is answered or a refusal is raised."""
        path: str = scope["path"]
        if any(ord(letter) < 32 or letter in "\\\x7f" for letter in path) or ".." in path.split("/"):
            raise Refusal(400, "the address has a character or a part that no address here has")
        if scope["method"] not in METHODS:
            raise Refusal(
                405, f"{scope['method'][:20]} is not answered here; expected one of {', '.join(METHODS)}"
            )
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        page = scope["method"] == "GET" and not path.startswith(("/api", "/openapi.json"))
        self._access.check(headers, page=page)
        if self._access.knows(headers):
            return True
        if page and self._access.brings(scope["query_string"].decode("latin-1")):
            # A page, not a redirection: a Strict cookie is not sent along a chain that another site began.
            cookie = (b"set-cookie", self._access.set_cookie().encode("latin-1"))
            await send.whole(200, WELCOME, "text/html; charset=utf-8", [cookie])
            return False
        raise Refusal(401, "this server asks for the token that it printed; open the whole address once")

    async def _pass(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        held = _Held(self)
        try:
            body = await self._body(scope, receive, held)
            await self._app(scope, _replayed(body, receive), send)
        finally:
            held.free()

    async def _body(self, scope: Scope, receive: Receive, held: _Held) -> bytes:
        """The request's body, at most `limits.BYTES` long and not too slow."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > 15 or int(declared) > limits.BYTES:
            raise Refusal(413, _too_large())
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal(400, "the request was broken off")
                    part = message.get("body", b"")
                    size += len(part)
                    if size > limits.BYTES:
                        raise Refusal(413, _too_large())
                    held.take(len(part))
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise Refusal(408, f"the request took longer than {self._body_seconds:g} s to arrive") from None

    def hold(self, count: int) -> None:
        """Count bytes that are in memory; negative when they are not any more."""
        if count > 0 and self._held + count > limits.BYTES_AT_ONCE:
            raise Refusal(429, "too many requests at once; try again in a moment")
        self._held += count


class _Held:
    """The bytes of one request's body."""

    def __init__(self, guard: Guard) -> None:
        self._guard, self._count = guard, 0

    def take(self, count: int) -> None:
        self._guard.hold(count)
        self._count += count

    def free(self) -> None:
        self._guard.hold(-self._count)
        self._count = 0


class _Sender:
    """Sends an answer with the headers that every answer has."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send, self._headers, self._begun = send, headers, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            given = list(message.get("headers", []))
            known = {bytes(name).lower() for name, _ in given}
            more = {"cache-control": "no-store"} | self._headers
            given += [(k.encode(), v.encode()) for k, v in more.items() if k.encode() not in known]
            message = {**message, "headers": given}
        await self._send(message)

    async def whole(
        self, status: int, body: bytes, kind: str = JSON, more: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        """A whole answer, unless one has begun already."""
        if self._begun:
            return
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        if status == 413 or status == 408:
            headers.append((b"connection", b"close"))
        await self({"type": "http.response.start", "status": status, "headers": headers + (more or [])})
        await self({"type": "http.response.body", "body": body})


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A body that has arrived, for whoever reads it again."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _too_large() -> str:
    return f"the request is larger than {limits.BYTES // 10**6} MB; send fewer or smaller pictures"
