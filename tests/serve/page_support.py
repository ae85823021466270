"""What the tests of the page share: the program as a process, a hand that draws, an eye for obstacles."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# A 3, as shares of the pad's width and height.
THREE = (
    (0.30, 0.25), (0.50, 0.17), (0.68, 0.27), (0.64, 0.42), (0.48, 0.48),
    (0.66, 0.54), (0.71, 0.70), (0.52, 0.83), (0.30, 0.76),
)  # fmt: skip


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@contextlib.contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`handlens ...` as a process with one thread for its sums; asked to end at the end of the block."""
    command = [sys.executable, "-c", "from handlens.cli import main; main()", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def served(root: Path, *names: str) -> Iterator[str]:
    """The address of `handlens serve` over a folder with `runs/` and `reports/`."""
    places = ("--runs", str(root / "runs"), "--reports", str(root / "reports"))
    with program("serve", *names, *places, "--port", "0", "--quiet") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address), address
        yield address.rstrip("/")


class Watched:
    """A page, and everything it said or asked for that it should not have."""

    def __init__(self, browser: Any, origin: str, **how: Any) -> None:
        self.page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **how})
        self.origin, self.faults, self.asked = origin, [], 0
        self.page.set_default_timeout(30_000)
        self.page.on("console", lambda said: self.faults.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        self.page.on("request", self._ask)

    def _ask(self, request: Any) -> None:
        self.asked += 1
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.faults.append(f"asked {request.url}")

    def open(self, view: str, ready: str = "main *") -> Any:
        """Go to a view, wait until it is there."""
        self.page.goto(f"{self.origin}/{view}")
        self.page.wait_for_selector(ready)
        return self.page


def draw(page: Any, points: Sequence[tuple[float, float]] = THREE) -> None:
    """A stroke with the mouse on the pad."""
    box = page.locator(".pad-canvas").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def until(page: Any, expression: str, seconds: float = 30.0) -> None:
    """Wait until an expression is true; the page's policy forbids Playwright's own way of waiting."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(50)


def in_the_way(page: Any) -> list[str]:
    """Serious and critical findings of axe-core on what the page shows now."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
