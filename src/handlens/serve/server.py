"""A server that says where it is, answers until Ctrl-C, and goes at once."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import sys
import threading
import warnings
import webbrowser
from collections.abc import Callable, Iterator

import uvicorn

from handlens.errors import HandlensError
from handlens.serve.access import access, is_home
from handlens.serve.app import Served, application
from handlens.serve.site import Site

PORT, TRIED = 8350, 50
GOODBYE = 2  # seconds for answers under way


def serve(
    site: Site, host: str, port: int | None, *, say: Callable[[str], None], browse: bool = False
) -> None:
    """Serve until interrupted.

    Args:
        port: the next free one from `PORT` on unless given.
        say: is told the address.
        browse: open it in the browser.

    Raises:
        HandlensError: the address cannot be listened on.
    """
    from threadpoolctl import threadpool_limits

    with contextlib.closing(listening(host, port)) as found:
        number = int(found.getsockname()[1])
        token = "" if is_home(host) else secrets.token_urlsafe(32)
        address = shown(host, number, token)
        served = application(site, access(host, number, token))
        say(address)
        if browse:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        # Pillow speaks of odd pictures in warnings; whoever sent one is told what matters.
        warnings.filterwarnings("ignore", module="PIL")
        with threadpool_limits(1):  # models share the cores, one thread each
            run(served, found)


def shown(host: str, port: int, token: str) -> str:
    """The address to open."""
    name = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    place = f"http://{f'[{name}]' if ':' in name else name}:{port}/"
    return f"{place}?token={token}" if token else place


def run(served: Served, found: socket.socket, stop: threading.Event | None = None) -> None:
    """Answer on a listening socket until interrupted, or until `stop` is set where this is no main thread."""
    config = uvicorn.Config(
        served.app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        http="h11",
        timeout_keep_alive=20,
        timeout_graceful_shutdown=GOODBYE,
        h11_max_incomplete_event_size=64 * 1024,
    )
    _Server(config, served, stop).run(sockets=[found])


class _Server(uvicorn.Server):
    """Lets those go who follow events, so that nobody waits for them; Ctrl-C is no error."""

    def __init__(self, config: uvicorn.Config, served: Served, stop: threading.Event | None) -> None:
        super().__init__(config)
        self._served, self._stop = served, stop

    async def on_tick(self, counter: int) -> bool:
        """Whether to end; asked ten times a second."""
        end = await super().on_tick(counter) or (self._stop is not None and self._stop.is_set())
        if end:
            self._served.watch.close()
        return end

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As in uvicorn, without raising the signal again once the server has gone in peace."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)


def listening(host: str, port: int | None) -> socket.socket:
    """A socket that listens on the port, or on the first free one.

    Raises:
        HandlensError: the port is taken, or the host's address is not this machine's.
    """
    reason = ""
    for number in [port] if port is not None else range(PORT, PORT + TRIED):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # With the protocol's number, as asyncio asks for it before it switches Nagle's delay off.
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if sys.platform != "win32":  # where it would let two programs have one port
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((host, number))
            found.listen(128)
        except (OSError, OverflowError) as error:
            found.close()
            reason = getattr(error, "strerror", None) or str(error)
            continue
        found.set_inheritable(True)
        return found
    raise HandlensError(
        f"cannot listen ({reason})",
        where=f"{host}:{port or PORT}",
        remedy="name another --port" if port is not None else "name another --host",
    )
