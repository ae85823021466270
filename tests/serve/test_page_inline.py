"""`handlens.show`: the pad in a notebook's cell, drawn on in a real browser."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from drawing import draw

import handlens
from handlens.errors import StoreError
from handlens.records import Run
from handlens.serve.inline import Pad


class Silent(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which a notebook of it would be open: not the pad's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path, f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def run_of(trained: Path, engine: str) -> tuple[Run, Path]:
    store = handlens.Store(trained / "runs")
    return next(run for hash in store.hashes() if (run := store.read(hash)).engine == engine), store.root


@pytest.mark.parametrize(("engine", "answer"), [("scratch", "#answer"), ("classic", ".answer .first")])
def test_the_cell_answers_what_is_drawn_in_it(
    browser: Any, trained: Path, notebook: tuple[Path, str], engine: str, answer: str
) -> None:
    run, store = run_of(trained, engine)
    pad = handlens.show(run, store)
    folder, address = notebook
    head = '<!doctype html><meta charset="utf-8"><title>x</title>'
    (folder / "cell.html").write_text(head + pad._repr_html_(), encoding="utf-8")
    try:
        page = browser.new_page(viewport={"width": 900, "height": 900})
        page.set_default_timeout(20_000)
        page.goto(f"{address}/cell.html")
        cell = page.frame_locator("iframe")
        draw(page, frame=cell)
        cell.locator(answer).filter(has_text="3").wait_for()
        assert not cell.locator(".tabs").is_visible()
    finally:
        pad.close()


def test_a_notebook_prints_little_of_it(trained: Path) -> None:
    run, store = run_of(trained, "scratch")
    pad = handlens.show(run.trial.hash[:12], store)
    assert isinstance(pad, Pad)
    assert repr(pad) == f"<draw pad of {run.name}, run {run.trial.hash[:8]}>"
    assert pad._repr_html_().startswith('<iframe sandbox="allow-scripts" srcdoc="')
    with pytest.raises(StoreError):
        handlens.show("0000", store)
