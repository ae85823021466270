"""The exported page, opened from the disk in a real browser: drawn on, given pictures, held to Python."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import draw
from PIL import Image

from handlens import nn
from handlens.data import Dataset
from handlens.exports.export import Wish, export
from handlens.exports.html import html
from handlens.exports.passport import Passport

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=60_000)  # milliseconds; machines may be busy
HOSTILE = (
    "</script><img src=x onerror=alert(1)>", "{{ 7*7 }}<!--", "'\"><b>", "ß漢字🙂", "x" * 3000,
    "javascript:alert(2)", "]]>", "\u202eevil", "&lt;", "9",
)  # fmt: skip


@pytest.fixture(scope="module")
def files(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by recipe and bits."""
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, hash in bench.hashes.items():
        for bits in (16, 32):
            target = folder / f"{name}-{bits}.html"
            made[f"{name}-{bits}"] = export(bench.store, hash, Wish("html", bits), target).file
    return made


@dataclasses.dataclass
class Opened:
    """A page, what it said on the console, and what it asked the network for."""

    page: Any
    said: list[str]
    asked: list[str]


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    pages = []

    def opened(path: Path, **settings: Any) -> Opened:
        page = browser.new_page(**settings)
        made = Opened(page, [], [])
        page.on("console", lambda message: made.said.append(message.text))
        page.on("pageerror", lambda error: made.said.append(str(error)))
        page.on("dialog", lambda dialog: (made.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: made.asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        pages.append(page)
        return made

    yield opened
    for page in pages:
        page.close()


def answers(page: Any, name: str) -> None:
    """Wait for that answer."""
    expect(page.locator("#answer")).to_have_text(name)


@pytest.mark.parametrize(("bits", "most"), [(16, 2e-3), (32, 1e-4)])
@pytest.mark.parametrize("name", ["lenet5", "mlp-500-300"])
def test_the_page_says_what_python_says(
    bench: Any, files: dict[str, Path], open_page: Any, name: str, bits: int, most: float
) -> None:
    path = files[f"{name}-{bits}"]
    assert path.stat().st_size < 4_000_000
    images = bench.images[::10]
    assert len(images) == 100
    page = open_page(path).page
    script = "(text) => JSON.parse(text).map((row) => [...handlens.predict(row)])"
    found = np.array(page.evaluate(script, json.dumps(images.reshape(100, -1).tolist())))
    assert np.abs(found - bench.model(name).predict_proba(images)).max() < most


def test_a_three_drawn_with_the_mouse(files: dict[str, Path], open_page: Any) -> None:
    opened = open_page(files["lenet5-16"])
    page = opened.page
    draw(page)
    answers(page, "3")
    assert page.inner_text("#bars li.first .class-name") == "3"
    assert page.inner_text("#noticed") == "Cropped to its content and centred."
    shares = [float(text.split()[0]) for text in page.locator("#bars .share").all_inner_texts()]
    assert len(shares) == 10
    assert sum(shares) == pytest.approx(100, abs=1)
    seen = page.evaluate(
        "[...document.querySelector('#seen').getContext('2d').getImageData(0, 0, 28, 28).data]"
    )
    assert np.array(seen[::4]).reshape(28, 28)[4:24, 4:24].max() > 200
    page.get_by_role("button", name="Undo").click()
    answers(page, "–")
    draw(page, [(0.5, 0.2), (0.5, 0.8)])
    answers(page, "1")
    page.get_by_role("button", name="Clear").click()
    answers(page, "–")
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_one_drawn_with_the_keyboard(files: dict[str, Path], open_page: Any) -> None:
    page = open_page(files["lenet5-16"]).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "pad-canvas"
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(17):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    answers(page, "1")
    page.keyboard.press("Control+z")
    answers(page, "–")


def photograph(image: np.ndarray) -> bytes:
    """A digit as a grey scan: large, dark on light, in a corner, uneven light, JPEG."""
    large = np.asarray(Image.fromarray(image[:, :, 0]).resize((300, 300)), float)
    sheet = np.full((600, 500), 210.0) + np.linspace(-20, 20, 500)
    sheet[250:550, 30:330] -= 0.6 * large
    file = io.BytesIO()
    Image.fromarray(sheet.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def test_a_picture_is_uploaded(bench: Any, mnist: Dataset, files: dict[str, Path], open_page: Any) -> None:
    model = bench.model("lenet5")
    sure = model.predict_proba(mnist.test.images)
    index = int((sure.max(axis=1) * (mnist.test.labels == 5)).argmax())
    page = open_page(files["lenet5-16"]).page
    scan = photograph(mnist.test.images[index])
    page.set_input_files("#file", {"name": "scan.jpg", "mimeType": "image/jpeg", "buffer": scan})
    answers(page, "5")
    assert page.inner_text("#noticed").startswith("Inverted; ")
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#noticed")).to_contain_text("cannot be read")
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": bytes(10 * 2**20 + 1)})
    expect(page.locator("#noticed")).to_contain_text("larger than 10 MB")


def test_a_picture_is_dropped_or_pasted(bench: Any, files: dict[str, Path], open_page: Any) -> None:
    page = open_page(files["lenet5-16"]).page
    script = """async ([kind, values]) => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 28, height: 28 });
        const pixels = canvas.getContext('2d').createImageData(28, 28);
        values.forEach((v, i) => pixels.data.set([v, v, v, 255], 4 * i));
        canvas.getContext('2d').putImageData(pixels, 0, 0);
        const blob = await new Promise((done) => canvas.toBlob(done));
        const data = new DataTransfer();
        data.items.add(new File([blob], 'x.png', { type: 'image/png' }));
        document.dispatchEvent(kind === 'drop' ? new DragEvent('drop', { dataTransfer: data })
            : new ClipboardEvent('paste', { clipboardData: data }));
    }"""
    sure = bench.model("lenet5").predict_proba(bench.images)
    for kind, digit in (("drop", 0), ("paste", 7)):
        index = int(sure[:, digit].argmax())
        page.evaluate(script, [kind, bench.images[index].ravel().tolist()])
        answers(page, str(digit))
        assert page.inner_text("#noticed") == "Taken as it is."


@pytest.fixture
def hostile(bench: Any, tmp_path: Path) -> Path:
    """A page of names that would like to be markup."""
    made = export(bench.store, bench.hashes["lenet5"], Wish("json"), tmp_path / "x.json").passport
    evil = "</title><script>alert(3)</script>"
    data = dataclasses.replace(made.data, title=evil, licence=evil, name=evil)
    changed: Passport = dataclasses.replace(made, name=evil, classes=HOSTILE, data=data, model=evil)
    network = bench.model("lenet5").network
    assert isinstance(network, nn.Network)
    path = tmp_path / "evil.html"
    path.write_text(html(network, changed), encoding="utf-8")
    return path


def test_names_from_outside_stay_text(hostile: Path, open_page: Any) -> None:
    opened = open_page(hostile, viewport={"width": 360, "height": 700})
    page = opened.page
    draw(page)
    expect(page.locator("#answer")).not_to_have_text("–")
    names = page.evaluate("[...document.querySelectorAll('.class-name')].map((name) => name.textContent)")
    assert names == list(HOSTILE)
    assert page.inner_text("h1") == "</title><script>alert(3)</script>"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    assert opened.said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_nothing_is_let_in(files: dict[str, Path], open_page: Any) -> None:
    page = open_page(files["lenet5-16"]).page
    policy = page.get_attribute("meta[http-equiv]", "content")
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "http" not in policy
    page.evaluate("""() => { const s = document.createElement('script');
        s.textContent = 'globalThis.entered = 1'; document.body.append(s); }""")
    assert page.evaluate("globalThis.entered") is None
    blocked = "fetch('https://example.org/').then(() => 'out', () => 'blocked')"
    assert page.evaluate(blocked) == "blocked"
    assert (
        page.evaluate("Object.keys(globalThis).filter((k) => ['createPad', 'model', 'pad'].includes(k))")
        == []
    )


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (768, "dark"), (1920, "light")])
def test_it_fits_every_screen_and_axe_finds_nothing_serious(
    files: dict[str, Path], open_page: Any, width: int, scheme: str
) -> None:
    page = open_page(files["lenet5-16"], viewport={"width": width, "height": 800}, color_scheme=scheme).page
    draw(page)
    answers(page, "3")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
