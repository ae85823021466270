"""What the tests of the page share: the program as a process, a hand that draws, an eye for obstacles."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from handlens.data import Dataset

STUFFS = ("Weathered limestone", "Galvanised sheet steel", "Oak", "Hydrothermally altered basalt")
FLAWS = ("a scratch", "a dent", "an inclusion", "rust", "a hole", "a hairline crack")
# A 3, as shares of the pad's width and height.


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

    def open(self, view: str, ready: str) -> Any:
        """Go to a view such as `#data?study=x`, wait until something of its own is there."""
        self.page.goto(f"{self.origin}/{view}")
        self.page.wait_for_selector(f".view-{view[1:].split('?')[0]} {ready}")
        return self.page


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


def photograph(images: Dataset, digit: int) -> bytes:
    """A real digit as a photograph would have it: dark on light grey, noisy, small, off centre. A PNG."""
    from PIL import Image

    image = images.test.images[np.flatnonzero(images.test.labels == digit)[0], ..., 0]
    ink = np.zeros((300, 400))
    ink[150:262, 230:342] = np.asarray(Image.fromarray(image).resize((112, 112), Image.Resampling.BICUBIC))
    grey = 225 - ink / 255 * 170 + np.random.default_rng(0).normal(0, 3, ink.shape)
    out = io.BytesIO()
    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def first_answers(page: Any) -> dict[str, str]:
    """What each model answers, once the last stroke is answered."""
    page.wait_for_selector(".answer .first")
    until(page, "document.querySelector('.answers').getAttribute('aria-busy') === 'false'")
    cards = page.locator(".answer").all()
    return {card.get_attribute("data-model"): card.locator(".first").inner_text() for card in cards}


def inked(page: Any) -> int:
    """How many pixels of the pad are not of its first pixel's colour."""
    return int(
        page.evaluate(
            "(() => { const c = document.querySelector('.pad-canvas');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "let n = 0; for (let i = 0; i < d.length; i += 4) n += Math.abs(d[i] - d[0]) > 40; return n; })()"
        )
    )


def crowded(root: Path) -> str:
    """A study of eighteen recipes and twenty-four classes with long names, on colour pictures; its name."""
    from PIL import Image

    from handlens.data import load
    from handlens.studies.planning.plan import read_study
    from handlens.studies.storage.store import Store
    from handlens.studies.training.run import run_study

    names = [f"{stuff} with {flaw}" for stuff in STUFFS for flaw in FLAWS]
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("test", 2)):
        for k, name in enumerate(names):
            folder = root / "flaws" / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                noise = rng.normal(10 * k, 10, (12, 20, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(noise).save(folder / f"{i}.png")
    recipes = "".join(
        f'[[recipe]]\nname = "a tree of a depth of up to {i + 1}, and no deeper than that"\n'
        f'estimator = "sklearn.tree.DecisionTreeClassifier(max_depth={i + 1})"\n'
        for i in range(18)
    )
    text = f'name = "crowded"\ndataset = "{root / "flaws"}"\nreplicates = 1\n{recipes}'
    (root / "reports" / "crowded").mkdir()
    path = root / "reports" / "crowded" / "study.toml"
    path.write_text(text, encoding="utf-8")
    study = read_study(path)
    run_study(study, load(study.dataset, progress=False), Store(root / "runs"))
    return "crowded"
