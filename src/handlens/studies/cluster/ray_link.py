"""The way to a Ray cluster: found or refused within seconds, left as it was found."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from handlens.errors import HandlensError, MissingExtra

PATIENCE = 5.0  # seconds for a machine to answer
# HTTP/2's greeting and an empty SETTINGS frame: any gRPC server, such as Ray's, answers in kind (RFC 9113).
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
PORTS = {"": 6379, "ray": 10001}
EXPECTED = "host:port, ray://host:port, auto or local"


def library() -> Any:
    """Ray.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtra("ray", "ray") from None
    return ray


def reach(address: str | None) -> None:
    """Make sure that something like Ray answers at an address; Ray itself would try for minutes.

    Raises:
        HandlensError: nothing does.
    """
    address = os.environ.get("RAY_ADDRESS") or address if address in (None, "auto") else address
    if address in (None, "auto", "local"):
        return
    host, port = _parts(address)
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as link:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return
            link.sendall(GREETING)
            answer = link.recv(9)
    except OSError as error:
        raise _unreachable(address, error.strerror or str(error)) from None
    if len(answer) < 9 or answer[3] != GREETING[-6]:
        raise _unreachable(address, "something other than Ray answers")


@contextlib.contextmanager
def connected(ray: Any, address: str | None) -> Iterator[None]:
    """A connection to the cluster; one that is there already is used and stays.

    Raises:
        HandlensError: the cluster cannot be used, or has no room for the images.
    """
    where, there = address or "this machine", ray.is_initialized()
    try:
        if not there:
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        raise _unreachable(where, first_line(error)) from error
    with _quiet():
        try:
            yield
        except ray.exceptions.RayError as error:
            raise HandlensError(f"the Ray cluster gives up ({first_line(error)})", where=where) from error
        finally:
            if not there:
                ray.shutdown()


def here(ray: Any) -> Any:
    """The scheduling strategy of what had better run on the parent's machine."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)


def first_line(error: BaseException) -> str:
    """An error in one line, without Ray's report around it."""
    cause = getattr(error, "cause", None) or error
    if isinstance(cause, HandlensError):
        return str(cause)
    lines = str(cause).strip().splitlines()
    return f"{type(cause).__name__}: {lines[0] if lines else ''}".removesuffix(": ")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the logs of machines that die, which Ray prints among our own lines, whatever it was told."""
    from ray._private import worker

    before = getattr(worker, "_worker_logs_enabled", True)
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = before


def _parts(address: str) -> tuple[str, int]:
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        usual = PORTS[parts.scheme]
        host, port = parts.hostname, parts.port or usual
    except (ValueError, KeyError):
        host, port = None, 0
    if not host:
        raise HandlensError("no address of a Ray cluster", where=address, expected=EXPECTED)
    return host, port


def _unreachable(address: str, why: str) -> HandlensError:
    return HandlensError(
        f"the Ray cluster cannot be reached ({why})",
        where=address,
        remedy="start it with `ray start --head`, and join this machine with `ray start --address`",
    )
