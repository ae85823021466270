"""What the tests of the server share: its study, the application over a folder, pictures as files."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from handlens.serve.access import access
from handlens.serve.app import application
from handlens.serve.desks import Desks
from handlens.serve.library import Library, Wanted
from handlens.serve.server import listening, run
from handlens.serve.site import Site
from handlens.studies.storage.store import Store

STUDY = """
name = "small"
title = "A small study"
dataset = "mnist-5k"
replicates = 2
[split]
validation = 500
[[recipe]]
use = "lenet5"
epochs = 2
batch_size = 64
[[recipe]]
name = "mlp"
layers = ["Flatten()", "Dense(32, activation='relu')"]
optimizer = "Adam(0.003)"
epochs = 3
[[recipe]]
name = "stump"
estimator = "sklearn.tree.DecisionTreeClassifier(max_depth=6)"
"""
HOME = "http://127.0.0.1:8350"


ALL = Wanted()


def site_of(root: Path, wanted: Wanted = ALL, **more: Any) -> Site:
    """The site over a folder with `runs/` and `reports/`."""
    library = Library(Store(root / "runs"), root / "reports", wanted)
    return Site(library, Desks(library), **more)


@contextlib.contextmanager
def serving(root: Path, *, topics: bool = False, **how: Any) -> Iterator[int]:
    """A server in a thread, for as long as the block lasts; its port."""
    site = site_of(root) if topics else site_of(root, make_topics=lambda *_: ())
    with contextlib.closing(listening("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
        served = application(site, access("127.0.0.1", port, ""), **how)
        stop = threading.Event()
        thread = threading.Thread(target=run, args=(served, found, stop))
        thread.start()
        try:
            yield port
        finally:
            stop.set()
            thread.join(10)
            assert not thread.is_alive()


def png(image: np.ndarray[Any, Any], **how: Any) -> bytes:
    """A uint8 image [height, width] or [height, width, channels] as a PNG."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image.squeeze()).save(out, "PNG", **how)
    return out.getvalue()
