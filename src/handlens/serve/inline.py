"""A run's draw pad in a notebook's cell."""

from __future__ import annotations

import contextlib
import html
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handlens.errors import MissingExtra, SpecError
from handlens.exports.export import Wish, export
from handlens.records import Run
from handlens.studies.storage.store import Store

HEIGHT = 760  # pixels
STYLE = "width:100%;border:1px solid #8884;border-radius:6px"


@dataclass(frozen=True, eq=False, repr=False)
class Pad:
    """What `show` gives: a notebook shows it as the pad.

    Attributes:
        run: the run's hash.
        name: the recipe's name.
        frame: HTML, a frame with a page of its own.
        close: ends the server that answers the pad, where there is one.
    """

    run: str
    name: str
    frame: str
    close: Callable[[], None]

    def __repr__(self) -> str:
        return f"<draw pad of {self.name}, run {self.run[:8]}>"

    def _repr_html_(self) -> str:
        return self.frame


def show(run: Run | str, store: Store | Path | str = "runs", *, height: int = HEIGHT) -> Pad:
    """The draw pad of a run, as the last line of a notebook's cell.

    A network, and what can be written as one, is computed in the cell itself: it still answers when the
    notebook is opened elsewhere. Any other model is answered by a server that this call starts on 127.0.0.1
    and that ends with the notebook; the browser must run on the same machine.

    Args:
        run: a run, or the beginning of its hash.
        store: where it is kept.
        height: of the pad in pixels.

    Raises:
        StoreError: no such run.
        MissingExtra: a model that needs the server, without the extra `serve`.
    """
    place = store if isinstance(store, Store) else Store(Path(store))
    hash = run.trial.hash if isinstance(run, Run) else place.find(run)
    name = place.read(hash).name
    title = html.escape(f"Draw pad of {name}")
    look = f'title="{title}" style="{STYLE}" height="{int(height)}"'
    try:
        page = html.escape(_page(place, hash))
    except SpecError:
        address, close = _served(place, hash)
        return Pad(hash, name, f'<iframe src="{address}#try?run={hash}" {look}></iframe>', close)
    # Scripts alone: the frame has an origin of its own and cannot reach the notebook around it.
    frame = f'<iframe sandbox="allow-scripts" srcdoc="{page}" {look}></iframe>'
    return Pad(hash, name, frame, lambda: None)


def _page(store: Store, hash: str) -> str:
    """The exported page.

    Raises:
        SpecError: the model is no network.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = export(store, hash, Wish("html"), Path(folder) / "pad.html")
        return made.file.read_text(encoding="utf-8")


def _served(store: Store, hash: str) -> tuple[str, Callable[[], None]]:
    """The address of a server for one run, in a thread, and how to end it."""
    try:
        from handlens.serve.app import application
        from handlens.serve.server import listening, run, shown
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "FastAPI", "serve") from None
    from handlens.serve.access import access
    from handlens.serve.desks import Desks
    from handlens.serve.library import Library, Wanted
    from handlens.serve.site import Site

    library = Library(store, store.root / "reports", Wanted(runs=(hash,)))
    found = listening("127.0.0.1", 0)
    number = int(found.getsockname()[1])
    served = application(Site(library, Desks(library)), access("127.0.0.1", number, ""), framed=True)
    stop = threading.Event()

    def answer() -> None:
        with contextlib.closing(found):
            run(served, found, stop)

    threading.Thread(target=answer, name=f"handlens show {hash[:8]}", daemon=True).start()
    return shown("127.0.0.1", number, ""), stop.set
