"""A small study, trained once, and a client of the application that serves it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("python_multipart", reason="the extra `serve` is not installed")

from serve_support import ALL, HOME, STUDY, site_of
from starlette.testclient import TestClient

from handlens.data import Dataset, load
from handlens.serve.access import Access
from handlens.serve.app import application
from handlens.serve.library import Wanted
from handlens.studies.planning.plan import read_study
from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study

Make = Callable[..., TestClient]


@pytest.fixture(scope="session")
def images() -> Dataset:
    return load("mnist-5k")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, images: Dataset) -> Path:
    """A folder with `runs/` and `reports/small/study.toml`."""
    root = tmp_path_factory.mktemp("served")
    (root / "reports" / "small").mkdir(parents=True)
    (root / "reports" / "small" / "study.toml").write_text(STUDY, encoding="utf-8")
    run_study(read_study(root / "reports" / "small" / "study.toml"), images, Store(root / "runs"))
    return root


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Path:
    """The same before anybody opened the test images."""
    root = tmp_path_factory.mktemp("sealed") / "copy"
    shutil.copytree(trained, root, ignore=shutil.ignore_patterns("test", "looks"))
    return root


@pytest.fixture(scope="session")
def client(trained: Path) -> Iterator[TestClient]:
    """Asks the application as a program on the same machine would."""
    app: Any = application(site_of(trained), Access()).app
    with TestClient(app, base_url=HOME) as made:
        yield made


@pytest.fixture
def make_client() -> Iterator[Make]:
    """Makes clients of other applications."""
    opened = []

    def make(root: Path, access: Access | None = None, wanted: Wanted = ALL, **more: Any) -> TestClient:
        app: Any = application(site_of(root, wanted, **more), access or Access()).app
        made = TestClient(app, base_url=HOME)
        made.__enter__()
        opened.append(made)
        return made

    yield make
    for made in opened:
        made.__exit__(None, None, None)


@pytest.fixture(scope="session")
def runs(client: TestClient) -> dict[str, str]:
    """The first replicate's run of each configuration."""
    table = client.get("/api/studies/small").json()
    return {model["model"]: model["runs"][0] for model in table["models"]}
