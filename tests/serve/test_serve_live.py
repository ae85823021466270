"""A real server on a real socket: what only that can show."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serve_support import STUDY, serving

from handlens.data import Dataset
from handlens.errors import HandlensError
from handlens.serve import limits
from handlens.serve.server import listening, shown
from handlens.studies.planning.plan import read_study
from handlens.studies.storage.store import Store
from handlens.studies.training.progress import PROGRESS
from handlens.studies.training.run import Event, run_study


@pytest.fixture(scope="module")
def port(trained: Path) -> Iterator[int]:
    with serving(trained, body_seconds=1.0) as number:
        yield number


def exchange(port: int, sent: bytes, *, wait: float = 10.0) -> tuple[int, bytes]:
    """Status and body of the answer to raw bytes."""
    with socket.create_connection(("127.0.0.1", port), wait) as line:
        answer = b""
        with contextlib.suppress(ConnectionError):  # answered and closed before all was sent
            line.sendall(sent)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while part := line.recv(65536):
                answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def request(port: int, target: str, *more: str, method: str = "GET") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", *more]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/static/../app.py", 400),
        ("/static/%2e%2e/app.py", 400),
        ("/static/..%2fapp.py", 400),
        ("/static/%252e%252e/app.py", 404),
        ("/static/..\\app.py", 400),
        ("//etc/passwd", 404),
        ("/static//etc/passwd", 404),
        ("http://evil.example/api/about", 404),
        ("/api/studies/%ff%fe", 404),
        ("/api/studies/..;/x", 404),
        ("/api/about", 200),
    ],
)
def test_raw_addresses(port: int, target: str, status: int) -> None:
    found, body = exchange(port, request(port, target))
    assert found == status, body
    if status != 200:
        assert list(json.loads(body)) == ["error"]


def test_chunks_without_an_end_are_cut_off(port: int) -> None:
    head = request(
        port, "/api/predict", "Content-Type: image/png", "Transfer-Encoding: chunked", method="POST"
    )
    # One byte more than is allowed, and nothing behind it: what a server leaves unread resets the connection.
    whole, rest = divmod(limits.BYTES + 1, 2**20)
    chunks = [b"%x\r\n" % size + bytes(size) + b"\r\n" for size in [2**20] * whole + [rest]]
    status, body = exchange(port, head + b"".join(chunks))
    assert status == 413
    assert list(json.loads(body)) == ["error"]


@pytest.mark.parametrize("head", ["Sec-Fetch-Site: cross-site", "Origin: http://evil.example"])
def test_events_are_not_for_other_pages(port: int, head: str) -> None:
    status, body = exchange(port, request(port, "/api/events", head), wait=3)
    assert status == 403
    assert list(json.loads(body)) == ["error"]


def test_a_slow_body_is_not_waited_for(port: int) -> None:
    begin = time.monotonic()
    head = request(port, "/api/predict", "Content-Type: image/png", "Content-Length: 1000", method="POST")
    status, body = exchange(port, head + b"x" * 10)
    assert status == 408
    assert list(json.loads(body)) == ["error"]
    assert time.monotonic() - begin < 8


def test_a_body_that_breaks_off_harms_nobody(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    head = request(port, "/api/predict", "Content-Type: image/png", "Content-Length: 1000", method="POST")
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(head + b"x")
    assert exchange(port, request(port, "/api/about"))[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_what_is_no_http_is_refused(port: int) -> None:
    assert exchange(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")[0] == 400
    assert exchange(port, b"GET / HTTP/1.1\r\n\r\n")[0] in (400, 403)  # no host
    assert exchange(port, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")[0] in (400, 403)
    assert exchange(port, b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n")[0] in (400, 431)


class Listener:
    """Reads server-sent events in a thread."""

    def __init__(self, port: int, query: str = "") -> None:
        self.told: list[tuple[str, Any]] = []
        self._line = socket.create_connection(("127.0.0.1", port), 30)
        self._line.sendall(request(port, f"/api/events{query}"))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        text = b""
        with contextlib.suppress(OSError):
            while part := self._line.recv(65536):
                text = (text + part).replace(b"\r\n", b"\n")
                *whole, text = text.split(b"\n\n")
                for one in whole:
                    if found := re.search(rb"event: (\w+)\ndata: (.*)", one):
                        self.told.append((found[1].decode(), json.loads(found[2])))

    def wait(self, kind: str, such: Callable[[Any], bool] = lambda told: True) -> Any:
        """What was told first of a kind and such."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for name, data in list(self.told):
                if name == kind and such(data):
                    return data
            time.sleep(0.02)
        raise AssertionError(f"no {kind} among {[name for name, _ in self.told]}")

    def close(self) -> None:
        self._line.close()


def test_a_study_that_runs_is_followed(tmp_path: Path, images: Dataset) -> None:
    """From its first epoch on, though it has no report yet; another process could run it as well."""
    (tmp_path / "study.toml").write_text(STUDY.replace('"small"', '"growing"'), encoding="utf-8")
    (tmp_path / "runs").mkdir()
    seen: dict[str, Any] = {}

    with serving(tmp_path, pulse=0.05) as port:
        listener = Listener(port)
        listener.wait("state")

        def on_event(event: Event) -> None:
            # Whoever asks for the curves takes nothing from those who listen.
            exchange(port, request(port, "/api/studies/growing/history"))
            if event.kind == "epoch" and "epoch" not in seen:
                seen["epoch"] = listener.wait("epoch")
                for path in ("studies", "studies/growing", "studies/growing/history"):
                    seen[path] = json.loads(exchange(port, request(port, f"/api/{path}"))[1])

        run_study(read_study(tmp_path / "study.toml"), images, Store(tmp_path / "runs"), on_event=on_event)
        done, stored = listener.wait("done"), listener.wait("run")
        listener.wait("study", lambda told: not told["running"])
        listener.close()
        status, body = exchange(port, request(port, "/api/studies/growing"))
    assert status == 200, body  # though neither its lines nor a report are there
    ended = json.loads(body)
    assert (ended["running"], ended["done"], len(ended["models"])) == (False, 6, 3)
    kinds = [kind for kind, _ in listener.told]
    assert [kinds.count(kind) for kind in ("begun", "epoch", "done", "failed")] == [6, 10, 6, 0]
    begun = next(data for kind, data in listener.told if kind == "begun")
    assert begun == {"study": "growing", "run": done["run"], "model": "lenet5", "replicate": 1, "epochs": 2}
    assert seen["epoch"]["epoch"]["epoch"] == 1
    assert seen["studies"]["studies"][0]["running"] is True
    assert seen["studies/growing"]["models"] == []
    (live,) = seen["studies/growing/history"]["curves"]
    assert live["live"] is True
    assert len(live["epochs"]) == 1
    assert stored["run"] == done["run"]
    assert not (tmp_path / "runs" / PROGRESS).exists()


def test_a_training_whose_last_line_went_unread_is_done_if_its_run_is_there(
    trained: Path, tmp_path: Path
) -> None:
    """A study ends and takes its lines with it between two looks; one that was killed leaves them."""
    root = tmp_path / "copy"
    shutil.copytree(trained, root)
    stored, lost = Store(root / "runs").hashes()[0], "0" * 20
    lines = [{"event": "study", "name": "ended"}]
    lines += [{"event": "begun", "run": run, "model": "m", "replicate": 1} for run in (stored, lost)]
    with serving(root, pulse=0.05) as port:
        listener = Listener(port)
        listener.wait("state")
        folder = root / "runs" / PROGRESS
        folder.mkdir()
        (folder / "ended.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert listener.wait("done")["run"] == stored
        assert listener.wait("failed")["run"] == lost
        listener.close()


def test_the_server_ends_though_somebody_listens(trained: Path) -> None:
    begin = time.monotonic()
    with serving(trained) as port:
        listener = Listener(port)
        listener.wait("state")
    listener.close()
    assert time.monotonic() - begin < 10


def test_the_next_free_port_is_taken() -> None:
    with contextlib.closing(listening("127.0.0.1", None)) as first:
        with contextlib.closing(listening("127.0.0.1", None)) as second:
            assert second.getsockname()[1] > first.getsockname()[1] >= 8350
        with pytest.raises(HandlensError, match="cannot listen"):
            listening("127.0.0.1", first.getsockname()[1])


def test_the_address_to_open() -> None:
    assert shown("127.0.0.1", 8350, "") == "http://127.0.0.1:8350/"
    assert shown("::1", 8350, "abc") == "http://[::1]:8350/?token=abc"
    assert shown("0.0.0.0", 1, "abc") == f"http://{socket.gethostname()}:1/?token=abc"


def test_the_command_serves_and_stops(trained: Path) -> None:
    """As a user would: prints the address, answers, and goes on Ctrl-C without a word."""
    arguments = ["serve", "small", "--port", "0", "--no-open"]
    command = [sys.executable, "-c", "from handlens.cli import main; main()", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=trained, stdout=pipe, stderr=pipe, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)/ ", said)[1])  # type: ignore[index]
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError, IndexError):
                status, body = exchange(port, request(port, "/api/studies/small"))
                assert status == 200
                assert len(json.loads(body)["models"]) == 3
                break
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 0
    assert (out, error) == ("", "")


def test_an_open_address_prints_a_token(trained: Path) -> None:
    code = (
        "import sys, threading, _thread; from handlens.serve import server;"
        "server.run = lambda served, found: None;"
        "sys.argv = ['handlens', 'serve', '--host', '0.0.0.0', '--port', '0', '-q'];"
        "from handlens.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=trained, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"http://\S+:\d+/\?token=[\w-]{40,}\n", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no run begins with 'nothing'"),
        (["../x"], "no such run"),
        (["--host", "203.0.113.7"], "cannot listen"),  # nobody's address
    ],
)
def test_a_wrong_command_is_one_line(trained: Path, arguments: list[str], said: str) -> None:
    command = [sys.executable, "-c", "from handlens.cli import main; main()", "serve", *arguments]
    done = subprocess.run(command, cwd=trained, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
